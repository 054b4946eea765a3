package calls

import plain.PlainDelegate
import plain.PlainFrame
import plain.PlainTrack

/** The same calls on UniFFI's own `bytes`, with nothing behind them. */
class PlainPair : Calls, PlainDelegate {
    private val packets = large.toList().chunked(MTU).map { it.toByteArray() }
    private val track = PlainTrack(this, packets, PlainFrame(large, null))
    private val reader = PlainTrack(this, emptyList(), PlainFrame(small, null))
    private var left = emptyList<ByteArray>()

    override fun onPacketsAvailable(packets: List<ByteArray>) {
        left += packets
    }

    override fun pushes() = push() to out()

    private fun push(): Double {
        val pushing = Stopwatch()
        repeat(FRAMES) {
            val taken = pushing.time { track.tryPush(PlainFrame(large, null)) }
            check(taken.toInt() == large.size)
        }
        return pushing.each(FRAMES)
    }

    private fun out(): Double {
        val leaving = Stopwatch()
        repeat(FRAMES) {
            left = emptyList()
            leaving.time { track.handOut() }
            check(left.size == packets.size)
        }
        return leaving.each(FRAMES)
    }

    override suspend fun receives(): Double {
        val receiving = Stopwatch()
        repeat(FRAMES) {
            val frame = receiving.time {
                packets.forEach { track.handlePacketReceived(it) }
                track.next()
            }
            check(frame?.payload?.size == large.size)
        }
        return receiving.each(FRAMES)
    }

    override suspend fun batches(): Double {
        val reading = Stopwatch()
        repeat(BATCHES) {
            val read = reading.time { reader.nextBatch(BATCH.toUInt()) }
            check(read.size == BATCH)
        }
        return reading.each(BATCHES * BATCH)
    }

    private companion object {
        /** As many bytes as a packet has. */
        const val MTU = 16_000
    }
}
