package examples

import io.datatracks.DataTrackFrame
import io.datatracks.flush
import io.datatracks.now
import io.datatracks.sendTo
import io.datatracks.withDataTrack
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import kotlin.math.sin

/** A sensor that measures a hundred times a second: a position of three numbers. */
fun samples(count: Int): Flow<DataTrackFrame> = flow {
    repeat(count) { number ->
        val position = ByteBuffer.allocate(24).putDouble(sin(number / 10.0)).putDouble(0.0).putDouble(1.0)
        emit(DataTrackFrame.now(position.array()))
        delay(10)
    }
}

/** Publishes the track `position` until the samples end. Arguments: port of `datatracks sfu --plain`, name of the room, number of samples. */
object SensorPublisher {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = runBlocking {
        val (port, room) = arguments
        val count = arguments.getOrNull(2)?.toInt() ?: 1_000
        val sensor = PlainRoom(InetSocketAddress("127.0.0.1", port.toInt()), identity = "sensor", room = room)
        sensor.whileJoined {
            sensor.local.withDataTrack("position") { track ->
                println("publishing ${track.info().name}")
                samples(count).sendTo(track)
                track.flush(timeoutMs = 5_000u)
            }
        }
    }
}
