package host

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.consumeEach
import kotlinx.coroutines.withTimeoutOrNull
import okhttp3.Dispatcher
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import okio.ByteString
import okio.ByteString.Companion.toByteString
import java.io.IOException
import java.util.concurrent.Executors
import kotlin.concurrent.thread

/** One WebSocket: whole binary messages, in order, both ways. Never comes back once it is over. */
class Socket private constructor(address: String, token: String) : WebSocketListener() {
    private val messages = Channel<ByteArray>(Channel.UNLIMITED)
    private val opened = CompletableDeferred<Unit>()
    private val connection: WebSocket =
        client.newWebSocket(Request.Builder().url(address).header("Authorization", "Bearer $token").build(), this)

    /** The next message; null when the connection is over, or silent for so long that it must be. */
    suspend fun next(): ByteArray? = withTimeoutOrNull(SILENCE_MS) { messages.receiveCatching().getOrNull() }

    /** From any thread; never waits. What cannot leave any more is lost with the connection. */
    fun send(message: ByteArray) {
        connection.send(message.toByteString())
    }

    /** Ends when the server has taken this, or cannot. Where nothing gets through any more, nobody waits for that. */
    suspend fun finish(message: ByteArray) {
        send(message)
        connection.close(NORMAL, null)
        withTimeoutOrNull(FAREWELL_MS) { messages.consumeEach {} }
        end()
    }

    fun end() {
        connection.cancel()
        messages.close()
    }

    override fun onOpen(webSocket: WebSocket, response: Response) {
        opened.complete(Unit)
    }

    override fun onMessage(webSocket: WebSocket, bytes: ByteString) {
        messages.trySend(bytes.toByteArray())
    }

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        messages.close()
    }

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
        opened.completeExceptionally(t as? IOException ?: IOException(t))
        messages.close()
    }

    companion object {
        /** Its threads keep no process that has nothing else to do. */
        private val client = OkHttpClient.Builder()
            .dispatcher(Dispatcher(Executors.newCachedThreadPool { thread(start = false, isDaemon = true, block = it::run) }))
            .build()

        /** Throws an IOException when it cannot be had. */
        suspend fun open(address: String, token: String): Socket {
            val socket = Socket(address, token)
            try {
                socket.opened.await()
            } catch (error: Throwable) {
                socket.end() // one that opens when nobody wants it any more would be a participant without anybody
                throw error
            }
            return socket
        }

        private const val NORMAL = 1000
        private const val FAREWELL_MS = 1_000L

        /** A LiveKit server answers the ping of every five seconds. */
        private const val SILENCE_MS = 15_000L
    }
}
