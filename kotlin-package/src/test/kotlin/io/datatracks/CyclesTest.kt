package io.datatracks

import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Test
import java.io.File
import kotlin.test.assertTrue

/** Nothing is left behind by what was made and closed. */
internal class CyclesTest : RoomTest() {
    @Test
    fun `ten thousand managers that come and go leave no memory and no thread`() {
        cycles(1_000)
        val before = measure()
        cycles(10_000)
        val after = measure()
        endsWhatBeganSince(before)
        assertTrue(after.residentKb < before.residentKb + 32 * 1024, "$before → $after")
    }

    @Test
    fun `ten thousand streams and tracks that come and go leave no memory`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, _) = connected(alice, bob)
        val remote = bob.remote.tracks().single()
        suspend fun cycles(count: Int) = repeat(count) {
            remote.subscribe().use { _ -> track.tryPush(frame(1_000)) }
        }
        cycles(1_000)
        val before = measure()
        cycles(10_000)
        val after = measure()
        assertTrue(after.residentKb < before.residentKb + 32 * 1024, "$before → $after")
        endsWhatBeganSince(before)
    }

    @Test
    fun `collections that are cancelled with a frame at hand leave no memory`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, kept) = connected(alice, bob, reading = DataTrackSubscribeOptions(bufferFrames = 1u))
        val remote = bob.remote.tracks().single()
        suspend fun cycles(count: Int) = repeat(count) {
            val stream = remote.subscribe()
            repeat(2) { track.tryPush(frame(500_000)) }
            until { stream.stats().framesWaiting == 2uL }
            launch { stream.asFlow().collect { currentCoroutineContext().cancel() } }.join()
            listOf(alice.sentPackets, bob.receivedPackets).forEach { it.clear() }
        }
        cycles(20)
        val before = measure()
        cycles(200)
        val after = measure()
        assertTrue(after.residentKb < before.residentKb + 32 * 1024, "$before → $after")
        kept.close()
    }

    private fun cycles(count: Int) = repeat(count) {
        val transport = Nowhere()
        LocalDataTrackManager(transport, localIdentity = "alice").use { local ->
            RemoteDataTrackManager(transport, localIdentity = "alice").use { remote ->
                local.stats() to remote.tracks()
            }
        }
    }

    private fun measure(): Footprint {
        repeat(3) { System.gc() }
        val status = File("/proc/self/status").readLines().associate { it.substringBefore(":") to it.substringAfter(":").trim() }
        return Footprint(status.getValue("VmRSS").substringBefore(" ").toLong(), threads())
    }

    /** The names of all threads but those that the virtual machine and the dispatchers add and end as they please. */
    private fun threads() = File("/proc/self/task").list().orEmpty()
        .mapNotNull { runCatching { File("/proc/self/task/$it/comm").readText().trim() }.getOrNull() }
        .filterNot { name -> OF_THE_MACHINE.any(name::startsWith) }

    /** Waits for the library's threads that are about to end: who stands by for the deadline thread does so for a second. */
    private fun endsWhatBeganSince(before: Footprint) {
        val deadline = System.nanoTime() + 10_000_000_000
        fun left() = before.threads.fold(threads()) { more, known -> more - known }
        while (left().isNotEmpty() && System.nanoTime() < deadline) Thread.sleep(10)
        assertTrue(left().isEmpty(), "left behind after 10 s: ${left()} beside ${before.threads}")
    }

    private companion object {
        val OF_THE_MACHINE = listOf("C1 Compiler", "C2 Compiler", "GC Thread", "G1 ", "DefaultDispatch", "kotlinx.corout")
    }

    private data class Footprint(val residentKb: Long, val threads: List<String>)

    private class Nowhere : LocalDataTrackTransport, RemoteDataTrackTransport {
        override fun onSignalRequest(request: ByteArray) = Unit
        override fun onPacketsAvailable(packets: List<ByteArray>) = Unit
    }
}
