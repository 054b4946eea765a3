package io.datatracks

import examples.PlainRoom.Companion.PACKET
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.MainCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import java.lang.ref.WeakReference
import java.util.Queue
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.coroutines.CoroutineContext
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
    fun `events keep their order where the dispatcher runs what its own thread brings at once`() = test {
        val seen = ConcurrentLinkedQueue<String>()
        val immediate = Immediate(main)
        val alice = join("alice", eventDispatcher = immediate)
        alice.onEvent { seen.add(it.kind) }
        val track = CompletableFuture<LocalDataTrack>()
        main.execute { track.get(10, SECONDS).unpublish() }
        val published = alice.local.publishTrack("samples")
        until("the first event waits for the thread") { immediate.posted.get() == 1 }
        track.complete(published)
        until("both events") { seen.size == 2 }
        assertEquals(listOf("local published", "local unpublished"), seen.toList())
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

    @Test
    fun `an event that waits on the dispatcher is told although everybody has let go`() = test {
        val dispatcher = ByHand()
        val (alice, told) = join("alice") to LinkedBlockingQueue<UnpublishReason>()
        val listener = WeakReference(publishAndLetGo(alice, dispatcher, told))
        repeat(5) {
            System.gc()
            delay(10)
        }
        assertTrue(listener.get() != null, "what waits holds it")
        until("both events") {
            dispatcher.runOne()
            told.isNotEmpty()
        }
        assertEquals(UnpublishReason.SHUTDOWN, told.poll())
        until("and what has run does not hold it") {
            System.gc()
            listener.get() == null
        }
    }

    /** Publishes with a manager of its own, and shuts it down. Answers who hears of it, and does not keep them. */
    private suspend fun publishAndLetGo(room: Peer, dispatcher: CoroutineDispatcher, told: Queue<UnpublishReason>): LocalDataTrackEvents {
        val transport = object : LocalDataTrackTransport {
            override fun onSignalRequest(request: ByteArray) = room.sendRequest(request)
            override fun onPacketsAvailable(packets: List<ByteArray>) = Unit
        }
        val events = object : LocalDataTrackEvents {
            override fun onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) {
                told.add(reason)
            }
        }
        val manager = LocalDataTrackManager(transport, events, localIdentity = "alice", eventDispatcher = dispatcher)
        val signals = ConcurrentLinkedQueue<ByteArray>().also { room.heldBack = it }
        coroutineScope {
            val publishing = async { manager.publishTrack("track") }
            until { room.holdsBack(PUBLISH_RESPONSE) }
            signals.forEach { manager.handleSignalResponse(it) }
            publishing.await()
        }
        manager.close()
        return events
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

/** As `Dispatchers.Main.immediate` of Android. */
private class Immediate(private val main: Executor) : MainCoroutineDispatcher() {
    val posted = AtomicInteger()
    override val immediate get() = this

    override fun isDispatchNeeded(context: CoroutineContext) = currentThread() != "main looper"

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        main.execute(block)
        posted.incrementAndGet()
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
