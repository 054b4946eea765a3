package examples

import io.datatracks.ClosedException
import io.datatracks.DecryptionProvider
import io.datatracks.EncryptionProvider
import io.datatracks.LocalDataTrackEvents
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.SignalException
import io.datatracks.defaultEventDispatcher
import kotlinx.coroutines.CoroutineDispatcher
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.IOException
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

/**
 * A room over the plain protocol of `datatracks sfu --plain` and `datatracks bridge --plain`: what your SDK does with a WebSocket
 * and WebRTC, in a page. One TCP connection; each message is a kind, a length (32 bits, big-endian) and its bytes.
 */
open class PlainRoom(
    private val address: InetSocketAddress,
    val identity: String,
    private val room: String,
    private val permissions: String = """{"can_publish_data": true, "can_subscribe": true}""",
    localEvents: LocalDataTrackEvents? = null,
    remoteEvents: RemoteDataTrackEvents? = null,
    encryption: EncryptionProvider? = null,
    decryption: DecryptionProvider? = null,
    eventDispatcher: CoroutineDispatcher? = defaultEventDispatcher(),
) : SignalingClient, DataChannel, AutoCloseable {
    val dataTracks =
        RoomDataTracks(this, this, identity, localEvents, remoteEvents, encryption, decryption, eventDispatcher)
    val local get() = dataTracks.local
    val remote get() = dataTracks.remote
    val joined = CountDownLatch(1)

    @Volatile
    private var socket = Socket()
    @Volatile
    private var receiver: Thread? = null
    private var resuming = false

    fun connect(resume: Boolean = false) {
        resuming = resume
        val connection = Socket(address.address, address.port).apply { tcpNoDelay = true }
        socket = connection
        val hello = """{"identity": "$identity", "room": "$room", "permissions": $permissions, "resume": $resume}"""
        send(HELLO, hello.toByteArray())
        receiver = thread(isDaemon = true, name = "receive-$identity") { receive(connection) }
    }

    override fun sendRequest(request: ByteArray) = send(SIGNAL, request)

    override fun sendMessage(packet: ByteArray) = send(PACKET, packet)

    protected open fun send(kind: Int, bytes: ByteArray) = synchronized(this) {
        DataOutputStream(socket.getOutputStream()).run {
            write(ByteBuffer.allocate(5 + bytes.size).put(kind.toByte()).putInt(bytes.size).put(bytes).array())
        }
    }

    private fun receive(connection: Socket) {
        try {
            val input = DataInputStream(connection.getInputStream().buffered())
            while (true) {
                val kind = input.read().also { if (it < 0) return onConnectionLost() }
                val bytes = ByteArray(input.readInt()).also(input::readFully)
                // What a replaced connection still says is out of date.
                if (connection === socket) handle(kind, bytes)
            }
        } catch (_: IOException) {
            onConnectionLost()
        } catch (_: SignalException.Closed) {
            // We are being closed.
        } catch (_: ClosedException) {
            // An event, which this thread brought, has closed us.
        }
    }

    protected open fun onConnectionLost() {}

    protected open fun handle(kind: Int, bytes: ByteArray) {
        if (kind == PACKET) dataTracks.onMessage(ByteBuffer.wrap(bytes))
        if (kind != SIGNAL) return
        dataTracks.onSignalResponse(bytes)
        afterSignal(fieldNumber(bytes))
    }

    protected open fun afterSignal(message: Int) {
        if (message == JOIN && joined.count == 0L) {
            dataTracks.onRejoined()
        } else if (message == RECONNECT) {
            val tracks = dataTracks.tracksForSyncState().map { field(PUBLISH_DATA_TRACKS, it) }
            sendRequest(field(SYNC_STATE, tracks.fold(ByteArray(0), ByteArray::plus)))
            dataTracks.onResumed()
        } else if (message == LEAVE && resuming) {
            return connect(resume = false) // the quick reconnect was refused
        }
        resuming = false
        joined.countDown()
    }

    override fun close() {
        dataTracks.shutdown() // what waits ends; what still comes in is refused, as long as the managers are there
        // Without it the SFU waits for us to come back; the connection may be gone already.
        runCatching { sendRequest(field(LEAVE, ByteArray(0))) }
        socket.close()
        // The managers go when nobody hands them anything any more. An event that closes us may be on the receiving thread itself.
        receiver?.takeIf { it !== Thread.currentThread() }?.join(PATIENCE_MS)
        dataTracks.close()
    }

    companion object {
        const val HELLO = 0
        const val SIGNAL = 1
        const val PACKET = 2

        /** For a callback of yours that takes its time. */
        private const val PATIENCE_MS = 2_000L

        // Fields of SignalResponse, SignalRequest and SyncState.
        private const val JOIN = 1
        private const val LEAVE = 8
        private const val RECONNECT = 19
        private const val SYNC_STATE = 12
        private const val PUBLISH_DATA_TRACKS = 8
    }
}

/** Which field of its oneof a SignalResponse holds: the first varint without its three type bits. */
fun fieldNumber(message: ByteArray): Int {
    var key = 0
    for ((position, byte) in message.withIndex()) {
        key = key or ((byte.toInt() and 0x7f) shl (7 * position))
        if (byte >= 0) break
    }
    return key shr 3
}

/** One protobuf field of bytes. */
fun field(number: Int, bytes: ByteArray): ByteArray = varint(number shl 3 or 2) + varint(bytes.size) + bytes

/** A protobuf number. */
fun varint(value: Int): ByteArray =
    if (value < 0x80) byteArrayOf(value.toByte()) else byteArrayOf((value and 0x7f or 0x80).toByte()) + varint(value ushr 7)
