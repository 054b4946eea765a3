package looper

import android.os.Handler
import android.os.Looper
import examples.PlainRoom
import io.datatracks.DataTrackStream
import io.datatracks.DecryptionProvider
import io.datatracks.EncryptedPayload
import io.datatracks.EncryptionProvider
import io.datatracks.LocalDataTrack
import io.datatracks.LocalDataTrackEvents
import io.datatracks.Payload
import io.datatracks.RemoteDataTrack
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.SubscriptionState
import io.datatracks.UnpublishReason
import io.datatracks.defaultEventDispatcher
import io.datatracks.next
import io.datatracks.publishTrack
import io.datatracks.subscribe
import io.datatracks.tryPush
import io.datatracks.waitForTrack
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.LooperMode
import java.net.InetSocketAddress
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS

/** The table of threads on Android: its own main looper, on a thread of its own as in an application. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], manifest = Config.NONE)
@LooperMode(LooperMode.Mode.INSTRUMENTATION_TEST)
class LooperTest {
    private val room = "looper-${UUID.randomUUID()}"
    private val rooms = mutableListOf<PlainRoom>()
    private val seen = Seen()

    @After
    fun leave() = rooms.forEach { it.close() }

    @Test
    fun `events arrive on the main looper by default, packets and frames never`() = test {
        assertEquals(Dispatchers.Main, defaultEventDispatcher())
        val (track, stream) = connected(join("alice"), join("bob"))
        repeat(10) {
            track.tryPush("frame $it".toByteArray())
            assertEquals("frame $it", stream.next()?.payload?.decodeToString())
        }
        track.unpublish()
        val events = setOf("published", "subscription", "unpublished", "local published", "local unpublished")
        events.forEach { seen.await(it) }
        assertEquals(events.associateWith { setOf("main") }, seen.threads(events))
        val ours = setOf("alice sends packets", "alice sends signals", "bob sends signals", "seal", "open")
        assertEquals(ours, seen.threads(ours).keys)
        assertFalse("${seen.threads(ours)}", seen.threads(ours).values.any { "main" in it })
    }

    @Test
    fun `a blocked main thread delays no frame`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        val (blocked, release) = CountDownLatch(1) to CountDownLatch(1)
        onMain {
            blocked.countDown()
            release.await(30, SECONDS)
        }
        assertTrue(blocked.await(10, SECONDS))
        try {
            repeat(10) { track.tryPush("frame $it".toByteArray()) }
            repeat(10) { assertEquals("frame $it", withTimeout(5_000) { stream.next() }?.payload?.decodeToString()) }
            track.unpublish()
            assertEquals(null, withTimeout(5_000) { stream.next() })
            assertFalse("an event found a way past the looper", seen.has("local unpublished"))
        } finally {
            release.countDown()
        }
        seen.await("local unpublished")
        seen.await("unpublished")
    }

    @Test
    fun `with the raw choice events arrive on the caller's thread`() = test {
        val (track, _) = connected(join("alice", dispatcher = null), join("bob", dispatcher = null))
        track.unpublish()
        seen.await("unpublished")
        val caller = Thread.currentThread().name.substringBefore(" @")
        assertEquals(setOf(caller), seen.threads(setOf("local unpublished"))["local unpublished"])
        assertEquals(setOf("receive-bob"), seen.threads(setOf("published"))["published"])
        assertEquals(setOf("receive-bob"), seen.threads(setOf("unpublished"))["unpublished"])
    }

    @Test
    fun `the main thread may push, and then packets leave from it`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        seen.forget("alice sends packets")
        onMain { track.tryPush("from the application".toByteArray()) }
        assertEquals("from the application", stream.next()?.payload?.decodeToString())
        assertEquals(setOf("main"), seen.threads(setOf("alice sends packets"))["alice sends packets"])
    }

    private fun join(identity: String, dispatcher: CoroutineDispatcher? = defaultEventDispatcher()): PlainRoom {
        val peer = Watched(identity, room, seen, dispatcher)
        rooms.add(peer)
        peer.connect()
        assertTrue(peer.joined.await(10, SECONDS))
        return peer
    }

    private suspend fun connected(publisher: PlainRoom, subscriber: PlainRoom): Pair<LocalDataTrack, DataTrackStream> =
        publisher.local.publishTrack("samples") to subscriber.remote.waitForTrack("samples").subscribe()

    private fun onMain(action: () -> Unit) = assertTrue(Handler(Looper.getMainLooper()).post(action))

    private fun test(block: suspend () -> Unit): Unit = runBlocking {
        assertFalse("the test is on the main thread", Looper.myLooper() == Looper.getMainLooper())
        withTimeout(40_000) { block() }
    }
}

/** A room that notes on which thread things happen. */
private class Watched(identity: String, room: String, private val seen: Seen, dispatcher: CoroutineDispatcher?) :
    PlainRoom(
        sfu(), identity, room,
        localEvents = LocalEvents(seen), remoteEvents = RemoteEvents(seen),
        encryption = Turning(seen), decryption = Turning(seen), eventDispatcher = dispatcher,
    ) {
    override fun send(kind: Int, bytes: ByteArray) {
        if (kind == PACKET) seen.note("$identity sends packets")
        if (kind == SIGNAL) seen.note("$identity sends signals")
        super.send(kind, bytes)
    }
}

private class LocalEvents(private val seen: Seen) : LocalDataTrackEvents {
    override fun onTrackPublished(track: LocalDataTrack) = seen.note("local published")

    override fun onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) = seen.note("local unpublished")
}

private class RemoteEvents(private val seen: Seen) : RemoteDataTrackEvents {
    override fun onTrackPublished(track: RemoteDataTrack) = seen.note("published")

    override fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) = seen.note("unpublished")

    override fun onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) = seen.note("subscription")
}

/** No cipher at all: the bytes are turned round. */
private class Turning(private val seen: Seen) : EncryptionProvider, DecryptionProvider {
    override fun encrypt(payload: Payload): EncryptedPayload {
        seen.note("seal")
        return EncryptedPayload(payload.reversedArray(), ByteArray(12), 3u)
    }

    override fun decrypt(payload: EncryptedPayload, publisherIdentity: String): ByteArray {
        seen.note("open")
        return payload.payload.reversedArray()
    }
}

/** What happened, and on which threads; that of the main looper is called main. */
private class Seen {
    private val threads = ConcurrentHashMap<String, MutableSet<String>>()
    private val order = LinkedBlockingQueue<String>()

    fun note(what: String) {
        val isMain = Looper.myLooper() == Looper.getMainLooper()
        val thread = if (isMain) "main" else Thread.currentThread().name.substringBefore(" @")
        threads.computeIfAbsent(what) { ConcurrentHashMap.newKeySet() }.add(thread)
        order.add(what)
    }

    fun await(what: String) {
        while (!has(what)) assertNotNull("nothing of: $what", order.poll(10, SECONDS))
    }

    fun has(what: String): Boolean = threads.containsKey(what)

    fun forget(what: String) {
        threads.remove(what)
    }

    fun threads(of: Set<String>): Map<String, Set<String>> = threads.filterKeys { it in of }
}

/** `DATATRACKS_SFU`: where `datatracks sfu --plain` listens. */
private fun sfu(): InetSocketAddress {
    val address = checkNotNull(System.getenv("DATATRACKS_SFU")) { "DATATRACKS_SFU is not set: cargo tasks kotlin" }
    return InetSocketAddress(address.substringBeforeLast(":"), address.substringAfterLast(":").toInt())
}
