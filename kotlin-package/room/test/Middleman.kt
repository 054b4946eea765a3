package host

import java.io.ByteArrayOutputStream
import java.io.DataInputStream
import java.io.IOException
import java.io.InputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.URI
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.concurrent.thread
import kotlin.experimental.xor

/** Between a room and its SFU: sees what is asked for, says what this SFU never does, and breaks the connection. */
internal class Middleman(sfu: String) : AutoCloseable {
    private val sfu = URI(sfu)
    private val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    val address = "ws://127.0.0.1:${server.localPort}"

    /** What each connection began with: path and headers. */
    val heads = ConcurrentLinkedQueue<String>()
    private val requests = ConcurrentLinkedQueue<Message>()

    @Volatile
    private var room = Socket()

    init {
        background { while (true) carry(server.accept()) }
    }

    /** How often something was asked for, by its field in SignalRequest. */
    fun asked(field: Int): Int = requests.count { it.message(field) != null }

    /** Says this SignalResponse. */
    fun say(build: Fields.() -> Unit) {
        val message = Fields().apply(build).bytes
        check(message.size in 126..0xffff)
        val head = byteArrayOf(WHOLE_BINARY, 126, (message.size shr 8).toByte(), message.size.toByte())
        write(room, head + message)
    }

    /** As a network that is gone does. */
    fun cut() = room.close()

    override fun close() {
        server.close()
        cut()
    }

    private fun carry(accepted: Socket) {
        room = accepted
        val behind = Socket(sfu.host, sfu.port)
        background {
            accepted.use {
                val input = DataInputStream(behind.getInputStream().buffered())
                write(accepted, head(input))
                while (true) write(accepted, frame(input).first)
            }
        }
        background {
            behind.use {
                val input = DataInputStream(accepted.getInputStream().buffered())
                write(behind, head(input).also { heads.add(it.decodeToString()) })
                while (true) {
                    val (whole, payload) = frame(input)
                    if (whole[0] == WHOLE_BINARY) requests.add(Message(payload))
                    write(behind, whole)
                }
            }
        }
    }

    private fun write(to: Socket, bytes: ByteArray) = synchronized(to) { to.getOutputStream().write(bytes) }

    private fun background(work: () -> Unit) = thread(isDaemon = true) {
        try {
            work()
        } catch (_: IOException) {
            // One side has closed its connection.
        }
    }
}

/** A whole message. */
internal const val WHOLE_BINARY = 0x82.toByte()

/** Request or status line, and headers. */
internal fun head(input: InputStream): ByteArray {
    val head = ByteArrayOutputStream()
    while (!head.toString().endsWith("\r\n\r\n")) head.write(input.read().also { if (it < 0) throw IOException("it ends here") })
    return head.toByteArray()
}

/** A frame of a WebSocket as it came, and what it carries. */
private fun frame(input: DataInputStream): Pair<ByteArray, ByteArray> {
    val whole = ByteArrayOutputStream()
    fun take(length: Int) = ByteArray(length).also(input::readFully).also(whole::write)
    val second = take(2)[1].toInt()
    val length = when (val short = second and 0x7f) {
        126 -> number(take(2))
        127 -> number(take(8))
        else -> short
    }
    val mask = if (second < 0) take(4) else ByteArray(4)
    val payload = take(length)
    return whole.toByteArray() to ByteArray(length) { payload[it] xor mask[it % 4] }
}

private fun number(bytes: ByteArray) = bytes.fold(0) { number, byte -> number shl 8 or (byte.toInt() and 0xff) }
