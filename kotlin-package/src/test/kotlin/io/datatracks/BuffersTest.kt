package io.datatracks

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Every kind of buffer is pushed and received from its position to its limit, and left as it was. */
internal class BuffersTest : RoomTest() {
    @Test
    fun `buffers are pushed from position to limit`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        for ((kind, buffer) in buffers("..payload...")) {
            buffer.position(2).limit(9)
            track.tryPush(buffer, 7u)
            assertEquals(2 to 9, buffer.position() to buffer.limit(), kind)
            val frame = stream.next()
            assertEquals("payload" to 7uL, frame.text to frame?.userTimestamp, kind)
        }
    }

    @Test
    fun `packets on loan are those that arrive as copies`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val transport = object : DirectDataTrackTransport {
            override fun onSignalRequest(request: ByteArray) = alice.sendRequest(request)
            override fun onPacketsLent(packets: List<ByteBuffer>) = packets.forEach {
                assertTrue(it.isDirect && it.position() == 0 && it.capacity() == it.limit())
                alice.sendMessage(ByteArray(it.remaining()).also(it::get))
            }
        }
        LocalDataTrackManager(transport, localIdentity = "alice").use { local ->
            val signals = ConcurrentLinkedQueue<ByteArray>().also { alice.heldBack = it }
            val publishing = async { local.publishTrack("lent") }
            until { alice.holdsBack(PUBLISH_RESPONSE) }
            signals.forEach { local.handleSignalResponse(it) }
            val (track, stream) = publishing.await() to subscribed(bob, "lent")
            for (size in listOf(0, 100, 15_988, 15_989, 40_000)) {
                val payload = ByteArray(size) { (it % 251).toByte() }
                track.tryPush(payload)
                assertContentEquals(payload, stream.next()?.payload)
            }
        }
    }

    @Test
    fun `packets stay on loan while their callback pushes on another track`() = test {
        val (alice, bob) = join("alice") to join("bob")
        var inner: LocalDataTrack? = null
        val transport = object : DirectDataTrackTransport {
            override fun onSignalRequest(request: ByteArray) = alice.sendRequest(request)
            override fun onPacketsLent(packets: List<ByteBuffer>) {
                inner?.also { inner = null }?.run { repeat(8) { tryPush(ByteArray(40_000) { -1 }) } }
                packets.forEach { alice.sendMessage(ByteArray(it.remaining()).also(it::get)) }
            }
        }
        LocalDataTrackManager(transport, localIdentity = "alice").use { local ->
            val tracks = listOf("outer", "inner").map { name ->
                val signals = ConcurrentLinkedQueue<ByteArray>().also { alice.heldBack = it }
                val publishing = async { local.publishTrack(name) }
                until { alice.holdsBack(PUBLISH_RESPONSE) }
                signals.forEach { local.handleSignalResponse(it) }
                publishing.await()
            }
            val stream = subscribed(bob, "outer")
            val payload = ByteArray(40_000) { (it % 251).toByte() }
            inner = tracks.last()
            tracks.first().tryPush(payload)
            assertContentEquals(payload, withTimeout(5_000) { stream.next() }?.payload)
        }
    }

    @Test
    fun `an empty buffer is an empty frame`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        for ((kind, buffer) in buffers("payload")) {
            buffer.position(buffer.limit())
            track.tryPush(buffer)
            assertEquals("", stream.next().text, kind)
        }
    }

    @Test
    fun `arrays are pushed whole or in part`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        val payload = "..payload...".toByteArray()
        track.tryPush(payload)
        track.tryPush(payload, offset = 2, length = 7)
        track.tryPush(payload, offset = 9)
        assertEquals(listOf("..payload...", "payload", "..."), List(3) { stream.next().text })
        for ((offset, length) in listOf(-1 to 1, 0 to 13, 12 to 1, 5 to -1, Int.MAX_VALUE to Int.MAX_VALUE)) {
            assertFailsWith<IndexOutOfBoundsException> { track.tryPush(payload, null, offset, length) }
        }
        assertEquals(3uL, track.stats().framesAccepted)
    }

    @Test
    fun `packets are received from position to limit`() = test {
        val bob = join("bob")
        val (track, stream) = connected(join("alice"), bob)
        track.tryPush(frame("payload"))
        assertEquals("payload", stream.next().text)
        val packet = bob.receivedPackets.last()
        val before = bob.remote.stats().packetsReceived
        for ((kind, buffer) in buffers(packet)) {
            bob.remote.handlePacketReceived(buffer)
            assertEquals(0 to packet.size, buffer.position() to buffer.limit(), kind)
        }
        bob.remote.handlePacketReceived(packet)
        val stats = bob.remote.stats()
        assertEquals(before + 6u to 0uL, stats.packetsReceived to stats.packetsMalformed)
    }

    @Test
    fun `threads that push at once do not share a buffer`() = test {
        val reading = DataTrackSubscribeOptions(bufferFrames = 10_000u)
        val (track, stream) = connected(join("alice"), join("bob"), reading = reading)
        repeat(8) { thread ->
            launch(Dispatchers.IO) {
                repeat(EACH) { track.tryPush(ByteBuffer.wrap(ByteArray(1_000 + thread) { thread.toByte() })) }
            }
        }
        val seen = IntArray(8)
        repeat(8 * EACH) {
            val payload = stream.next()!!.payload
            val thread = payload[0].toInt()
            assertEquals(1_000 + thread, payload.size)
            assertEquals(setOf(thread.toByte()), payload.toSet())
            seen[thread]++
        }
        assertEquals(List(8) { EACH }, seen.toList())
    }

    private fun buffers(text: String) = buffers(text.toByteArray())

    private fun buffers(bytes: ByteArray): Map<String, ByteBuffer> {
        val direct = ByteBuffer.allocateDirect(bytes.size + 3)
        direct.position(3)
        direct.put(bytes).position(3)
        val shifted = ByteBuffer.wrap(ByteArray(5) + bytes, 5, bytes.size).slice()
        return mapOf(
            "heap" to ByteBuffer.wrap(bytes),
            "heap, shifted" to shifted,
            "heap, read only" to ByteBuffer.wrap(bytes).asReadOnlyBuffer(),
            "direct" to direct.slice(),
            "direct, read only" to direct.slice().asReadOnlyBuffer(),
        )
    }

    private companion object {
        /** Of eight threads no more in all than the embedded SFU keeps for a slow reader, which are 1 024. */
        const val EACH = 100
    }
}
