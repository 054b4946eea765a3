package examples

import io.datatracks.frames
import io.datatracks.latencyMs
import io.datatracks.waitForTrack
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.nio.ByteBuffer

/** Prints ten frames of the track `position`. Arguments: port of `datatracks sfu --plain`, name of the room. */
object Subscriber {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = runBlocking {
        val (port, room) = arguments
        val viewer = PlainRoom(InetSocketAddress("127.0.0.1", port.toInt()), identity = "viewer", room = room)
        viewer.whileJoined {
            val track = viewer.remote.waitForTrack("position")
            // The collection subscribes; when it ends, so does the subscription.
            track.frames().take(10).collect { frame ->
                println("x = ${ByteBuffer.wrap(frame.payload).getDouble()}, ${frame.latencyMs} ms ago")
            }
        }
    }
}
