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
import java.io.EOFException
import java.io.IOException
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit.MILLISECONDS
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

    /** Why the connection is over, if it was not [close] that ended it. */
    @Volatile
    var failure: IOException? = null
        private set

    @Volatile
    private var leaves = false
    @Volatile
    private var socket = Socket()
    @Volatile
    private var receiver: Thread? = null
    private var resuming = false

    /** Connects, and returns when the SFU has let us in. Throws an IOException when it does not. */
    fun join() {
        connect()
        if (!joined.await(JOINING_MS, MILLISECONDS)) throw IOException("the SFU does not answer")
        failure?.let { throw it }
    }

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
            readAll(connection)
        } catch (_: SignalException.Closed) {
            // We are being closed.
        } catch (_: ClosedException) {
            // An event, which this thread brought, has closed us.
        } catch (error: SignalException) {
            onEnd(connection, IOException("the SFU says what is no signal", error))
        } catch (_: EOFException) {
            onEnd(connection, IOException("the SFU has closed the connection"))
        } catch (error: IOException) {
            onEnd(connection, error)
        }
    }

    private fun readAll(connection: Socket) {
        val input = DataInputStream(connection.getInputStream().buffered())
        while (true) {
            val kind = input.readUnsignedByte()
            val bytes = ByteArray(input.readInt()).also(input::readFully)
            // What a replaced connection still says is out of date.
            if (connection === socket) handle(kind, bytes)
        }
    }

    private fun onEnd(connection: Socket, why: IOException) {
        if (connection === socket && !leaves) onConnectionLost(why)
    }

    /** An SDK comes back here: `connect(resume = true)`. This room ends, and with it every wait and every stream. */
    protected open fun onConnectionLost(why: IOException) {
        failure = why
        dataTracks.shutdown()
        joined.countDown() // who waits for it waits no longer
    }

    protected open fun handle(kind: Int, bytes: ByteArray) {
        if (kind == CONTROL) throw IOException("the SFU refuses us: ${bytes.decodeToString()}")
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
        } else if (message == LEAVE) {
            throw IOException("the SFU says goodbye")
        }
        resuming = false
        joined.countDown()
    }

    override fun close() {
        leaves = true
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
        const val CONTROL = 3

        private const val JOINING_MS = 10_000L

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

/** Joins, runs [block], leaves. What ended the connection before that is thrown, whatever [block] made of it. */
inline fun <T> PlainRoom.whileJoined(block: () -> T): T {
    val result = use {
        runCatching {
            join()
            block()
        }
    }
    failure?.let { throw it }
    return result.getOrThrow()
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
