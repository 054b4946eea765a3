package io.datatracks

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.InternalForInheritanceCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.Continuation
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Each suspending call can be cancelled (P6), and leaves nothing behind: here or at the SFU (P7). */
internal class CancellationTest : RoomTest() {
    @Test
    fun `a cancelled publish is undone at the SFU`() = test {
        val (alice, bob) = join("alice") to join("bob")
        alice.heldBack = ConcurrentLinkedQueue()
        val publishing = launch { alice.local.publishTrack("unwanted") }
        until("the answer") { alice.holdsBack(PUBLISH_RESPONSE) }
        publishing.cancelAndJoin()
        assertTrue(publishing.isCancelled)
        bob.expect("published")
        alice.releaseSignals()
        bob.expect("unpublished")
        assertEquals(emptyList<LocalDataTrack>(), alice.local.tracks())
        assertTrue(alice.local.publishTrack("unwanted").isPublished())
    }

    @Test
    fun `a publish that is cancelled just as it is done is undone`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val byHand = ByHand()
        alice.heldBack = ConcurrentLinkedQueue()
        val publishing = launch(byHand) { alice.local.publishTrack("unwanted") }
        byHand.runOne()
        until("the answer") { alice.holdsBack(PUBLISH_RESPONSE) }
        alice.releaseSignals()
        until("the wake-up") { byHand.isNotEmpty() }
        publishing.cancel()
        byHand.runUntilDone(publishing)
        assertTrue(publishing.isCancelled)
        bob.expect("published")
        bob.expect("unpublished")
        assertEquals(emptyList<LocalDataTrack>(), alice.local.tracks())
    }

    @Test
    fun `publishes that are cancelled at any moment leave no track that nobody knows`() = test {
        val alice = join("alice")
        repeat(200) { number ->
            val track = AtomicReference<LocalDataTrack?>()
            val publishing = launch(Dispatchers.Default) { track.set(alice.local.publishTrack("track-$number")) }
            if (number % 2 == 0) yield() else until(seconds = 5) { alice.local.stats().tracksPending == 0uL }
            publishing.cancelAndJoin()
            track.get()?.unpublish()
        }
        until("the end of all") { alice.local.tracks().isEmpty() && alice.local.stats().tracksPending == 0uL }
    }

    @Test
    fun `a result that is not undone is returned, also when the cancellation comes in between`() {
        var undone = false
        var result: Result<String>? = null
        val call = suspend { cancellable(undo = { undone = true }) { "published" } }
        call.startCoroutine(Continuation(CancelledWhenAsked()) { result = it })
        assertEquals(if (undone) null else "published", result?.getOrNull())
    }

    @Test
    fun `a cancelled subscribe is undone`() = test {
        val bob = join("bob")
        join("alice").local.publishTrack("samples")
        val track = bob.remote.waitForTrack("samples")
        bob.heldBack = ConcurrentLinkedQueue()
        val subscribing = launch { track.subscribe() }
        until { track.subscriptionState() == SubscriptionState.PENDING }
        subscribing.cancelAndJoin()
        bob.releaseSignals()
        until { track.subscriptionState() == SubscriptionState.UNSUBSCRIBED && track.stats().streams == 0uL }
    }

    @Test
    fun `a subscribe that is cancelled just as it is done is undone`() = test {
        val bob = join("bob")
        join("alice").local.publishTrack("samples")
        val track = bob.remote.waitForTrack("samples")
        val byHand = ByHand()
        bob.heldBack = ConcurrentLinkedQueue()
        val subscribing = launch(byHand) { track.subscribe() }
        byHand.runOne()
        until("the answer") { bob.holdsBack(SUBSCRIBER_HANDLES) }
        bob.releaseSignals()
        until { track.subscriptionState() == SubscriptionState.ACTIVE && byHand.isNotEmpty() }
        subscribing.cancel()
        byHand.runUntilDone(subscribing)
        until { track.subscriptionState() == SubscriptionState.UNSUBSCRIBED && track.stats().streams == 0uL }
    }

    @Test
    fun `a cancelled read loses no frame`() = test {
        val (track, stream) = connected(join("alice"), join("bob"), reading = DataTrackSubscribeOptions(1_000u))
        val read = mutableListOf<String?>()
        repeat(200) { number ->
            val reading = launch(Dispatchers.Default) { stream.next()?.let { read.add(it.text) } }
            if (number % 2 == 0) yield()
            track.tryPush(frame("$number"))
            if (number % 3 == 0) yield()
            reading.cancelAndJoin()
        }
        while (read.size < 200) read.add(withTimeout(5_000) { stream.next() }.text)
        assertEquals(List<String?>(200) { "$it" }, read)
    }

    @Test
    fun `what waits can be cancelled, each by itself`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val refusing = DataTrackOptions("samples", dropPolicy = DropPolicy.REFUSE, maxWaitingBytes = 1u)
        val (track, stream) = connected(alice, bob, refusing)
        val remote = bob.remote.tracks().single()
        alice.local.handleBufferedAmount(FULL)
        track.tryPush(large())
        bob.heldBack = ConcurrentLinkedQueue()
        val schema = DataTrackSchemaId("Pose", DataTrackSchemaEncoding.Protobuf)
        val calls: Map<String, suspend () -> Any?> = mapOf(
            "send" to { track.send(frame("no room")) },
            "flush" to { track.flush() },
            "waitForUnpublish" to { track.waitForUnpublish() },
            "remote waitForUnpublish" to { remote.waitForUnpublish() },
            "waitForTrack" to { bob.remote.waitForTrack("never") },
            "next" to { stream.next() },
            "nextBatch" to { stream.nextBatch(3) },
            "defineSchema" to { bob.local.defineSchema(schema, ByteArray(3)) },
            "getSchema" to { bob.local.getSchema("alice", schema) },
        )
        for ((name, call) in calls) {
            val waiting = async { call() }
            yield()
            assertTrue(waiting.isActive, name)
            waiting.cancel()
            withTimeout(5_000) { waiting.join() }
            assertTrue(waiting.isCancelled, name)
        }
        val stats = track.stats()
        assertEquals(1uL to 1uL, stats.framesAccepted to stats.framesWaiting)
    }

    @Test
    fun `whoever cancels the children of a coroutine cancels the call that it waits for`() = test {
        val stream = connected(join("alice"), join("bob")).second
        coroutineScope {
            val all = coroutineContext
            launch { all.cancelChildren() }
            assertFailsWith<CancellationException> { stream.next() }
        }
    }

    @Test
    fun `a timeout of coroutines ends a call like any other`() = test {
        val stream = connected(join("alice"), join("bob")).second
        assertFailsWith<TimeoutCancellationException> { withTimeout<Unit>(20) { stream.next() } }
    }

    @Test
    fun `a frame that comes together with a timeout is kept by who puts it outside the block`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        val byHand = ByHand()
        var kept: DataTrackFrame? = null
        val limited = AtomicReference<Job>()
        val reading = async(byHand) {
            withTimeoutOrNull(50) {
                limited.set(coroutineContext[Job])
                stream.next().also { kept = it }
            }
        }
        byHand.runOne()
        track.tryPush(frame("in time"))
        until("the wake-up, and the end of the time") { byHand.isNotEmpty() && !limited.get().isActive }
        byHand.runUntilDone(reading)
        assertEquals(null to "in time", reading.await() to kept.text)
    }

    @Test
    fun `a coroutine that is cancelled already asks nothing of the SFU`() = test {
        val alice = join("alice")
        val sent = alice.sentSignals.size
        val publishing = launch {
            coroutineContext[Job]!!.cancel()
            alice.local.publishTrack("never")
        }
        publishing.join()
        assertTrue(publishing.isCancelled)
        assertEquals(sent to 0uL, alice.sentSignals.size to alice.local.stats().tracksPending)
    }
}

/** Runs what is dispatched when the test says so. */
internal class ByHand : CoroutineDispatcher() {
    private val queue = ConcurrentLinkedQueue<Runnable>()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        queue.add(block)
    }

    fun isNotEmpty() = queue.isNotEmpty()

    fun runOne() {
        queue.poll()?.run()
    }

    suspend fun runUntilDone(job: Job) = until("the end of the coroutine") {
        runOne()
        job.isCompleted
    }
}

/** Says that it is active, and is cancelled at that moment. */
@OptIn(InternalForInheritanceCoroutinesApi::class)
private class CancelledWhenAsked(private val job: Job = Job()) : Job by job {
    override val isActive: Boolean get() = job.isActive.also { job.cancel() }

    @Suppress("UNCHECKED_CAST")
    override fun <E : CoroutineContext.Element> get(key: CoroutineContext.Key<E>): E? = if (key == Job) this as E else null

    override fun <R> fold(initial: R, operation: (R, CoroutineContext.Element) -> R): R = operation(initial, this)

    override fun minusKey(key: CoroutineContext.Key<*>): CoroutineContext = if (key == Job) EmptyCoroutineContext else this
}
