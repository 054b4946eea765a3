package host

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.future.await
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.withTimeoutOrNull
import java.io.ByteArrayOutputStream
import java.net.URI
import java.net.http.HttpClient
import java.net.http.WebSocket
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionException
import java.util.concurrent.CompletionStage
import kotlin.coroutines.resumeWithException

/** One WebSocket: whole binary messages, in order, both ways. Never comes back once it is over. */
class Socket private constructor() : WebSocket.Listener {
    private val messages = Channel<ByteArray>(Channel.UNLIMITED)
    private val parts = ByteArrayOutputStream()
    private lateinit var connection: WebSocket
    private var sent: CompletableFuture<*> = CompletableFuture.completedFuture(null)

    /** The next message; null when the connection is over, or silent for so long that it must be. */
    suspend fun next(): ByteArray? = withTimeoutOrNull(SILENCE_MS) { messages.receiveCatching().getOrNull() }

    /** From any thread. One after the other: the JDK takes a message only when the one before has left. */
    fun send(message: ByteArray): Unit = synchronized(this) {
        sent = sent.thenCompose { connection.sendBinary(ByteBuffer.wrap(message), true) }
    }

    /** Ends when this has been sent, or cannot be. Where nothing gets through any more, nobody waits for that. */
    suspend fun finish(message: ByteArray) {
        send(message)
        withTimeoutOrNull(FAREWELL_MS) { runCatching { sent.await() } }
        end()
    }

    fun end() {
        connection.abort()
        messages.close()
    }

    override fun onBinary(connection: WebSocket, data: ByteBuffer, last: Boolean): CompletionStage<*>? {
        parts.write(ByteArray(data.remaining()).also(data::get))
        if (last) messages.trySend(parts.toByteArray()).also { parts.reset() }
        connection.request(1)
        return null
    }

    override fun onClose(connection: WebSocket, status: Int, reason: String): CompletionStage<*>? {
        messages.close()
        return null
    }

    override fun onError(connection: WebSocket, error: Throwable) {
        messages.close()
    }

    companion object {
        private val client = HttpClient.newHttpClient()

        /** Throws an IOException when it cannot be had. */
        suspend fun open(address: URI, token: String): Socket {
            val socket = Socket()
            val builder = client.newWebSocketBuilder().connectTimeout(PATIENCE).header("Authorization", "Bearer $token")
            val opening = builder.buildAsync(address, socket)
            socket.connection = suspendCancellableCoroutine { caller ->
                opening.whenComplete { connection, error ->
                    when (error) {
                        // One that opens when nobody wants it any more would be a participant without anybody.
                        null -> caller.resume(connection) { _, unwanted, _ -> unwanted.abort() }
                        is CompletionException -> caller.resumeWithException(error.cause ?: error)
                        else -> caller.resumeWithException(error)
                    }
                }
            }
            return socket
        }

        private val PATIENCE = Duration.ofSeconds(10)

        private const val FAREWELL_MS = 1_000L

        /** A LiveKit server answers the ping of every five seconds. */
        private const val SILENCE_MS = 15_000L
    }
}
