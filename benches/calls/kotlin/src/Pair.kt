package calls

import io.datatracks.DataTrackOptions
import io.datatracks.DataTrackStream
import io.datatracks.DataTrackSubscribeOptions
import io.datatracks.DirectDataTrackTransport
import io.datatracks.LocalDataTrack
import io.datatracks.LocalDataTrackManager
import io.datatracks.RemoteDataTrackManager
import io.datatracks.RemoteDataTrackTransport
import io.datatracks.SendMode
import io.datatracks.handlePacketReceived
import io.datatracks.next
import io.datatracks.nextBatch
import io.datatracks.publishTrack
import io.datatracks.subscribe
import io.datatracks.tryPush
import io.datatracks.waitForTrack
import plain.published
import plain.subscribed
import java.nio.ByteBuffer

/** A published track and a stream of it, on no network. The signals between the two are answered as they come. */
class Pair private constructor() : Calls, DirectDataTrackTransport {
    private val subscriber = object : RemoteDataTrackTransport {
        override fun onSignalRequest(request: ByteArray) {
            remote.handleSignalResponse(subscribed())
        }
    }
    private val local = LocalDataTrackManager(this, localIdentity = "publisher")
    private val remote: RemoteDataTrackManager = RemoteDataTrackManager(subscriber, localIdentity = "subscriber")
    private lateinit var track: LocalDataTrack
    private lateinit var stream: DataTrackStream
    private var packets = emptyList<ByteBuffer>()
    private var kept = emptyList<ByteArray>()
    private var isKeeping = false

    override fun onSignalRequest(request: ByteArray) {
        val published = published(request)
        local.handleSignalResponse(published.answer)
        remote.handleSignalResponse(published.update)
    }

    override fun onPacketsLent(packets: List<ByteBuffer>) {
        this.packets += packets
        if (isKeeping) kept += packets.map { ByteArray(it.remaining()).also(it::get) }
    }

    /** What leaves of a frame that is pushed. */
    private fun packetsOf(payload: ByteArray): List<ByteArray> {
        local.handleBufferedAmount(0u)
        kept = emptyList()
        isKeeping = true
        track.tryPush(payload)
        isKeeping = false
        return kept
    }

    // They wait until there is room.
    override fun pushes(): kotlin.Pair<Double, Double> {
        val (pushing, leaving) = Stopwatch() to Stopwatch()
        repeat(FRAMES) {
            packets = emptyList()
            local.handleBufferedAmount(FULL)
            pushing.time { track.tryPush(large) }
            // A channel that is silent for long gets a packet.
            check(packets.size <= 1)
            leaving.time { local.handleBufferedAmount(0u) }
            check(packets.sumOf { it.limit() } > large.size)
        }
        return pushing.each(FRAMES) to leaving.each(FRAMES)
    }

    override suspend fun receives(): Double {
        val receiving = Stopwatch()
        repeat(FRAMES) {
            val incoming = packetsOf(large)
            val frame = receiving.time {
                incoming.forEach { remote.handlePacketReceived(it) }
                stream.next()
            }
            check(frame?.payload?.size == large.size)
        }
        return receiving.each(FRAMES)
    }

    override suspend fun batches(): Double {
        val reading = Stopwatch()
        repeat(BATCHES) {
            repeat(BATCH) { packetsOf(small).forEach { remote.handlePacketReceived(it) } }
            val read = reading.time { stream.nextBatch(BATCH) }
            check(read.size == BATCH && read.all { it.payload.size == small.size })
        }
        return reading.each(BATCHES * BATCH)
    }

    companion object {
        suspend fun join(): Pair = Pair().apply {
            track = local.publishTrack(DataTrackOptions("measured", sendMode = SendMode.BURST))
            val options = DataTrackSubscribeOptions(bufferFrames = BATCH.toUInt())
            stream = remote.waitForTrack("measured").subscribe(options)
        }

        /** More than any channel takes. */
        private val FULL = 1uL shl 30
    }
}
