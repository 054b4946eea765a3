package io.datatracks

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What is pushed arrives: every size, every timestamp, in order; and the counts tell the truth (P2, P3). */
internal class FramesTest : RoomTest() {
    @ParameterizedTest
    @ValueSource(ints = [0, 1, 15_988, 15_989, 65_536, 1 shl 20])
    fun `a frame of any size arrives whole`(size: Int) = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        val payload = ByteArray(size) { (it % 251).toByte() }
        track.tryPush(DataTrackFrame(payload))
        assertContentEquals(payload, stream.next()?.payload)
    }

    @Test
    fun `a timestamp arrives as given`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        for (timestamp in listOf(null, 0uL, 1uL, 1_700_000_000_000uL, ULong.MAX_VALUE)) {
            track.tryPush(frame("x", timestamp))
            assertEquals(timestamp, stream.next()?.userTimestamp)
        }
    }

    @Test
    fun `latency is known where the frame has the time of its push`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        track.tryPush(DataTrackFrame.now(ByteArray(1)))
        track.tryPush(frame("without"))
        assertTrue(stream.next()?.latencyMs in 0L..10_000L)
        assertNull(stream.next()?.latencyMs)
    }

    @Test
    fun `frames arrive in publishing order`() = test {
        val (track, stream) = connected(join("alice"), join("bob"), reading = DataTrackSubscribeOptions(500u))
        val sizes = List(50) { listOf(1, 40_000, 0, 17_000) }.flatten()
        sizes.forEachIndexed { number, size -> track.tryPush(frame(size, number.toULong())) }
        for ((number, size) in sizes.withIndex()) {
            val frame = stream.next()
            assertEquals(number.toULong() to size, frame?.userTimestamp to frame?.payload?.size)
        }
    }

    @Test
    fun `a batch has what waits and at least one`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        val first = async { stream.nextBatch(10) }
        yield()
        track.tryPush(frame("0"))
        assertEquals(listOf("0"), first.await().map { it.text })
        for (number in 0..4) track.tryPush(frame("$number"))
        until { stream.stats().framesWaiting == 5uL }
        assertEquals(listOf("0", "1", "2"), stream.nextBatch(3).map { it.text })
        assertEquals(listOf("3"), stream.nextBatch(-1).map { it.text })
        assertEquals(listOf("4"), stream.nextBatch(3).map { it.text })
    }

    @Test
    fun `each subscriber has a stream of its own`() = test {
        val (alice, bob, carol) = listOf(join("alice"), join("bob"), join("carol"))
        val (track, first) = connected(alice, bob)
        val others = listOf(subscribed(bob, "samples"), subscribed(carol, "samples"))
        track.tryPush(frame("to all"))
        for (stream in others + first) assertEquals("to all", stream.next().text)
        first.close()
        track.tryPush(frame("to two"))
        for (stream in others) assertEquals("to two", stream.next().text)
    }

    @Test
    fun `two streams of one track have buffers and policies of their own`() = test {
        val bob = join("bob")
        val (track, oldest) =
            connected(join("alice"), bob, reading = DataTrackSubscribeOptions(2u, BufferPolicy.DROP_NEWEST))
        val latest = subscribed(bob, "samples", DataTrackSubscribeOptions(bufferPolicy = BufferPolicy.LATEST_ONLY))
        for (number in 0..4) track.tryPush(frame("$number"))
        until { oldest.stats().framesDroppedFull == 3uL && latest.stats().framesDroppedFull == 4uL }
        assertEquals(listOf("0", "1"), oldest.nextBatch(9).map { it.text })
        assertEquals(listOf("4"), latest.nextBatch(9).map { it.text })
    }

    @Test
    fun `frames of sixty-four tracks are neither misrouted nor doubled nor damaged`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val names = List(64) { "track-$it" }
        val tracks = names.map { async { alice.local.publishTrack(it) } }.awaitAll()
        val streams = names.map { async { subscribed(bob, it, DataTrackSubscribeOptions(64u)) } }.awaitAll()
        tracks.forEachIndexed { number, track ->
            launch(Dispatchers.Default) { repeat(FRAMES) { track.tryPush(tagged(number, it)) } }
        }
        streams.forEachIndexed { number, stream ->
            repeat(FRAMES) { sequence ->
                assertContentEquals(tagged(number, sequence).payload, withTimeout(20_000) { stream.next() }?.payload)
            }
        }
        assertEquals(List(64) { 0uL }, streams.map { it.stats().framesWaiting })
        assertEquals(names.toSet(), alice.local.tracks().map { it.info().name }.toSet())
    }

    @Test
    fun `send and flush wait for room`() = test {
        val alice = join("alice")
        val refusing = DataTrackOptions("samples", dropPolicy = DropPolicy.REFUSE, maxWaitingBytes = 20_000u)
        val (track, stream) = connected(alice, join("bob"), refusing)
        alice.local.handleBufferedAmount(FULL)
        track.tryPush(large())
        val sending = async { track.send(frame(15_001)) }
        yield()
        assertFalse(sending.isCompleted)
        val flushing = async { track.flush(10_000u) }
        until {
            alice.local.handleBufferedAmount(0u)
            sending.isCompleted && flushing.isCompleted
        }
        assertEquals(0uL, track.stats().framesWaiting)
        assertEquals(listOf(1 shl 20, 15_001), List(2) { stream.next()?.payload?.size })
    }

    @Test
    fun `the newest wins where there is no room and the counts say so`() = test {
        val alice = join("alice")
        val (track, stream) = connected(alice, join("bob"), DataTrackOptions("samples", maxWaitingBytes = 50_000u))
        alice.local.handleBufferedAmount(FULL)
        repeat(10) { track.tryPush(frame(15_000, it.toULong())) }
        assertEquals(10uL, track.stats().framesAccepted)
        assertTrue(track.stats().framesDroppedFull > 0u)
        assertEquals(track.stats().framesAccepted, track.stats().accounted)
        alice.local.handleBufferedAmount(0u)
        track.flush(5_000u)
        val stats = track.stats()
        assertEquals(0uL to stats.framesAccepted, stats.framesWaiting to stats.accounted)
        val arrived = List(stats.framesSent.toInt()) { checkNotNull(stream.next()?.userTimestamp) }
        // A channel that falls silent gets a packet now and then: an old frame may have left by that.
        assertEquals(arrived.sorted(), arrived)
        assertEquals(listOf<ULong>(7u, 8u, 9u), arrived.takeLast(3))
    }

    @Test
    fun `stats add up on both sides`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob, reading = DataTrackSubscribeOptions(2u))
        repeat(5) { track.tryPush(frame(20_000, it.toULong())) }
        until { stream.stats().run { framesWaiting + framesDroppedFull } == 5uL }
        assertEquals(listOf(3uL, 4uL), List(2) { stream.next()?.userTimestamp })
        val sent = track.stats()
        val received = bob.remote.tracks().single().stats()
        assertEquals(listOf(5uL, 5uL, 10uL), listOf(sent.framesAccepted, sent.framesSent, sent.packetsSent))
        assertEquals(alice.sentPackets.sumOf { it.size }.toULong(), sent.bytesSent)
        assertEquals(10uL to 5uL, received.packetsReceived to received.framesCompleted)
        assertEquals(bob.receivedPackets.sumOf { it.size }.toULong(), received.bytesReceived)
        assertEquals(2uL to 3uL, stream.stats().run { framesDelivered to framesDroppedFull })
    }

    @Test
    fun `loss, reorder and duplicates spoil no frame that can be completed`() = test {
        val bob = join("bob")
        val reading = DataTrackSubscribeOptions(bufferFrames = 500u, reorderWindowMs = 500u)
        val (track, stream) = connected(join("alice"), bob, reading = reading)
        bob.control("impair", """, "spec": "reorder=8,duplicate=5%,seed=7"""")
        repeat(100) { track.tryPush(DataTrackFrame(ByteArray(40_000) { _ -> it.toByte() }, it.toULong())) }
        repeat(90) { number ->
            val frame = withTimeout(10_000) { stream.next() }
            assertEquals(number.toULong(), frame?.userTimestamp)
            assertTrue(frame!!.payload.all { it == number.toByte() })
        }
        assertTrue(bob.remote.tracks().single().stats().packetsDuplicate > 0u)
    }

    @Test
    fun `what has the same bytes in it is equal`() {
        val sealed = { key: Int -> EncryptedPayload(ByteArray(9), ByteArray(12), key.toUByte()) }
        val salted = { salt: ByteArray? -> KeyRingOptions(salt = salt) }
        val equal = listOf(frame("x", 1u) to frame("x", 1u), sealed(1) to sealed(1), salted(ByteArray(4)) to salted(ByteArray(4)))
        equal.forEach { (one, other) -> assertEquals(one, other) }
        equal.forEach { (one, other) -> assertEquals(one.hashCode(), other.hashCode()) }
        assertEquals(salted(null), salted(null))
        assertNotEquals(frame("x"), frame("y"))
        assertNotEquals(frame("x", 1u), frame("x", 2u))
        assertNotEquals(sealed(1), sealed(2))
        assertNotEquals(salted(null), salted(ByteArray(0)))
    }

    private fun tagged(track: Int, sequence: Int): DataTrackFrame {
        val payload = ByteBuffer.allocate(17_000 + track)
        while (payload.remaining() >= 8) payload.putInt(track).putInt(sequence)
        return DataTrackFrame(payload.array())
    }

    private companion object {
        const val FRAMES = 20
    }
}

internal val LocalTrackStats.accounted
    get() = framesSent + framesWaiting + framesDroppedFull + framesDroppedExpired + framesDroppedUnpublished + framesDroppedNotSent

/** A channel with so much in it that nothing more goes in. */
internal const val FULL = 0x4000_0000uL

/**
 * Into a full channel single packets leave all the same, the first after 100 ms, lest a silent host stop them for good. This frame has
 * so many that it waits for longer than any test.
 */
internal fun large() = frame(1 shl 20)
