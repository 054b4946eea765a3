package io.datatracks

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Frames as flows, both ways, and tracks that last as long as a block. */
internal class FlowsTest : RoomTest() {
    @Test
    fun `a flow has the frames of the track and completes with it`() = test {
        val bob = join("bob")
        val track = join("alice").local.publishTrack("samples")
        val remote = bob.remote.waitForTrack("samples")
        val reading = async { remote.frames().map { it.text }.toList() }
        until { remote.subscriptionState() == SubscriptionState.ACTIVE }
        for (number in 0..4) track.tryPush(frame("$number"))
        until { remote.stats().framesCompleted == 5uL }
        track.unpublish()
        assertEquals(List(5) { "$it" }, reading.await())
    }

    @Test
    fun `a flow that is not collected subscribes to nothing, and each collection for itself`() = test {
        val bob = join("bob")
        val track = join("alice").local.publishTrack("samples")
        val remote = bob.remote.waitForTrack("samples")
        val frames = remote.frames().take(2)
        assertEquals(SubscriptionState.UNSUBSCRIBED, remote.subscriptionState())
        repeat(2) { round ->
            val reading = async { frames.map { it.text }.toList() }
            until { remote.subscriptionState() == SubscriptionState.ACTIVE && remote.stats().streams == 1uL }
            for (number in 0..2) track.tryPush(frame("$round-$number"))
            assertEquals(listOf("$round-0", "$round-1"), reading.await())
            assertEquals(SubscriptionState.UNSUBSCRIBED, remote.subscriptionState())
        }
    }

    @Test
    fun `cancelling the collector closes the stream and frees the subscription`() = test {
        val bob = join("bob")
        val (_, stream) = connected(join("alice"), bob)
        val remote = bob.remote.tracks().single()
        val reading = launch { stream.asFlow().collect() }
        yield()
        reading.cancelAndJoin()
        assertEquals(SubscriptionState.UNSUBSCRIBED to 0uL, remote.subscriptionState() to remote.stats().streams)
    }

    @Test
    fun `a flow whose stream is closed while a frame is used completes`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        track.tryPush(frame("the last"))
        assertEquals(listOf<String?>("the last"), stream.asFlow().onEach { stream.close() }.map { it.text }.toList())
        assertFailsWith<ClosedException> { stream.asFlow().collect() }
    }

    @Test
    fun `a collector that throws closes the stream`() = test {
        val bob = join("bob")
        val (track, stream) = connected(join("alice"), bob)
        track.tryPush(frame("x"))
        assertFailsWith<ArithmeticException> { stream.asFlow().collect { throw ArithmeticException() } }
        assertEquals(SubscriptionState.UNSUBSCRIBED, bob.remote.tracks().single().subscriptionState())
    }

    @Test
    fun `a flow is sent as fast as there is room`() = test {
        val alice = join("alice")
        val refusing = DataTrackOptions("samples", dropPolicy = DropPolicy.REFUSE, maxWaitingBytes = 20_000u)
        val (track, stream) = connected(alice, join("bob"), refusing, DataTrackSubscribeOptions(100u))
        alice.local.handleBufferedAmount(FULL)
        track.tryPush(large())
        var asked = 0
        val sending = launch { List(20) { frame(1_000, it.toULong()) }.asFlow().onEach { asked++ }.sendTo(track) }
        alice.local.handleBufferedAmount(FULL) // a channel that is not heard of for 100 ms gets a packet all the same
        yield()
        assertEquals(1, asked)
        until {
            alice.local.handleBufferedAmount(0u)
            sending.isCompleted
        }
        stream.next()
        assertEquals(List(20) { it.toULong() }, List(20) { stream.next()?.userTimestamp })
    }

    @Test
    fun `a track with a block ends on every way out of it`() = test {
        val (alice, bob) = join("alice") to join("bob")
        assertEquals("result", alice.local.withDataTrack("returns") { "result" })
        assertFailsWith<ArithmeticException> { alice.local.withDataTrack("throws") { throw ArithmeticException() } }
        val inside = CompletableDeferred<LocalDataTrack>()
        val cancelled = launch {
            alice.local.withDataTrack("cancelled") {
                inside.complete(it)
                it.waitForUnpublish()
            }
        }
        assertTrue(inside.await().isPublished())
        cancelled.cancelAndJoin()
        assertFalse(inside.await().isPublished())
        assertEquals(emptyList<LocalDataTrack>(), alice.local.tracks())
        repeat(3) { bob.expect("unpublished") }
    }

    @Test
    fun `a track whose object the block closes is unpublished all the same`() = test {
        val alice = join("alice")
        val result = alice.local.withDataTrack("closed") { track ->
            track.use { it.tryPush(frame("last")) }
            "result"
        }
        assertEquals("result", result)
        assertEquals(emptyList<LocalDataTrack>(), alice.local.tracks())
        assertFailsWith<ArithmeticException> {
            alice.local.withDataTrack("closed") { track -> track.use { throw ArithmeticException() } }
        }
        assertEquals(emptyList<LocalDataTrack>(), alice.local.tracks())
    }
}
