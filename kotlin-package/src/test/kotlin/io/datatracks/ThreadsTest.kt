package io.datatracks

import examples.PlainRoom.Companion.PACKET
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The table of threads: what is called where (P11), and that no packet and no frame ever touches the thread of the events. */
internal class ThreadsTest : RoomTest() {
    private val main = Executors.newSingleThreadExecutor { Thread(it, "main looper") }

    @AfterEach
    fun stopMain() = main.shutdown()

    @Test
    fun `events arrive on the dispatcher, in order, and everything else elsewhere`() = test {
        val seen = Threads()
        val (alice, bob) = joinWatched("alice", seen) to joinWatched("bob", seen)
        val (track, stream) = connected(alice, bob)
        repeat(10) { track.tryPush(frame("pushed from the test")) }
        repeat(10) { stream.next() }
        track.unpublish()
        assertNull(stream.next())
        for (event in listOf("published", "subscription", "unpublished")) {
            bob.expect(event)
            assertEquals(setOf("main looper"), seen.of(event), event)
        }
        for (event in listOf("local published", "local unpublished")) {
            alice.expect(event)
            assertEquals(setOf("main looper"), seen.of(event), event)
        }
        val test = currentThread()
        assertEquals(setOf(test), seen.of("alice sends packets"), "packets leave on the pusher's thread")
        assertEquals(setOf(test), seen.of("encrypt"), "frames are sealed on the pusher's thread")
        assertEquals(setOf("receive-bob"), seen.of("decrypt"), "frames are opened on the receiver's thread")
        assertEquals(setOf(test), seen.of("alice sends signals"), "requests leave on the caller's thread")
    }

    @Test
    fun `with the raw choice events arrive on the thread that causes them`() = test {
        val seen = Threads()
        val (alice, bob) = join("alice") to join("bob")
        for (peer in listOf(alice, bob)) peer.onEvent { seen.note(it.kind) }
        // Nobody but the receiving thread calls bob's manager meanwhile: who is in a call tells what another thread has caused.
        val track = alice.local.publishTrack("told")
        bob.expect("published")
        track.unpublish()
        bob.expect("unpublished")
        assertEquals(setOf("receive-bob"), seen.of("published"))
        assertEquals(setOf("receive-bob"), seen.of("unpublished"))
        // Alice's may be in the call that told of the publication still.
        assertTrue(seen.of("local unpublished").single() in setOf(currentThread(), "receive-alice"))
    }

    @Test
    fun `a blocked main thread delays no frame`() = test {
        val (alice, bob) = joinWatched("alice", Threads()) to joinWatched("bob", Threads())
        val (track, stream) = connected(alice, bob)
        val blocked = CountDownLatch(1)
        val release = CountDownLatch(1)
        main.execute {
            blocked.countDown()
            release.await(30, SECONDS)
        }
        blocked.await()
        repeat(10) { track.tryPush(frame("$it")) }
        assertEquals(List(10) { "$it" }, List(10) { withTimeout(5_000) { stream.next() }.text })
        val another = async { alice.local.publishTrack("another") }
        assertEquals("another", withTimeout(5_000) { another.await() }.info().name)
        release.countDown()
    }

    @Test
    fun `an event that throws on a dispatcher ends no later event`() = test {
        val thrown = CountDownLatch(1)
        val main = Executors.newSingleThreadExecutor { work ->
            Thread(work, "main looper").apply { setUncaughtExceptionHandler { _, _ -> thrown.countDown() } }
        }
        val alice = join("alice", eventDispatcher = main.asCoroutineDispatcher())
        alice.onEvent { if (it.kind == "local published") throw ArithmeticException("the application threw") }
        alice.local.publishTrack("samples").unpublish()
        alice.expect("local unpublished")
        thrown.await(5, SECONDS)
        main.shutdown()
    }

    @Test
    fun `another thread closes a manager whose end is being told, and waits for nobody`() = test {
        val alice = join("alice")
        alice.local.publishTrack("samples")
        val (told, closed) = CountDownLatch(1) to CountDownLatch(1)
        alice.onEvent {
            if (it.kind == "local unpublished") {
                thread(isDaemon = true) {
                    alice.local.close()
                    closed.countDown()
                }
                if (closed.await(5, SECONDS)) told.countDown()
            }
        }
        alice.local.close()
        assertTrue(told.await(0, SECONDS))
        forget(alice)
    }

    @Test
    fun `events of the dispatcher that goes nowhere arrive on the thread that causes them`() = test {
        val seen = Threads()
        val alice = join("alice", eventDispatcher = Dispatchers.Unconfined)
        alice.onEvent { seen.note(it.kind) }
        alice.local.publishTrack("samples").unpublish()
        alice.expect("local unpublished")
        assertTrue(seen.of("local published").single() in setOf(currentThread(), "receive-alice"))
    }

    private fun joinWatched(identity: String, seen: Threads): Peer {
        val peer = join(identity, Watched(seen), Watched(seen), eventDispatcher = main.asCoroutineDispatcher())
        peer.onEvent { seen.note(it.kind) }
        peer.onSend = { kind, _ -> seen.note("$identity sends ${if (kind == PACKET) "packets" else "signals"}") }
        return peer
    }

    private class Watched(private val seen: Threads) : Mirror() {
        override fun encrypt(payload: Payload) = super.encrypt(payload).also { seen.note("encrypt") }

        override fun decrypt(payload: EncryptedPayload, publisherIdentity: String) =
            super.decrypt(payload, publisherIdentity).also { seen.note("decrypt") }
    }
}

/** The thread's name without that of the coroutine, which is added where assertions are on. */
internal fun currentThread(): String = Thread.currentThread().name.substringBefore(" @")

/** Which threads did what. */
internal class Threads {
    private val names = ConcurrentHashMap<String, MutableSet<String>>()

    fun note(what: String) {
        names.computeIfAbsent(what) { ConcurrentHashMap.newKeySet() }.add(currentThread())
    }

    fun of(what: String): Set<String> = names[what].orEmpty()
}
