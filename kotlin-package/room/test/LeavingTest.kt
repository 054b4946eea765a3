package host

import io.datatracks.ClosedException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.SocketException
import java.net.SocketTimeoutException
import java.security.MessageDigest
import java.util.Base64
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs

/** Nothing stays behind of a room that ends, or of one that cannot be joined. */
internal class LeavingTest : SfuTest() {
    @Test
    fun `a coroutine that is cancelled leaves to the end`() = test {
        val room = Room(address, token("alice"))
        val joined = CompletableDeferred<Unit>()
        val session = launch {
            try {
                room.connect()
                joined.complete(Unit)
                awaitCancellation()
            } finally {
                room.leave()
            }
        }
        withTimeout(20_000) { joined.await() }
        withTimeout(5_000) { session.cancelAndJoin() }
        assertFailsWith<ClosedException>("the last that is done") { room.remote.stats() }
    }

    @Test
    fun `a server that begins with something else than a join is left`() = test {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            val room = Room("ws://127.0.0.1:${server.localPort}", "")
            val connecting = async { runCatching { room.connect() } }
            server.accept().use { connection ->
                connection.soTimeout = 5_000
                openWebSocket(connection)
                connection.getOutputStream().write(byteArrayOf(WHOLE_BINARY, 2, 8, 0))
                assertIs<IOException>(connecting.await().exceptionOrNull())
                untilEnd(connection)
            }
            room.leave()
        }
    }

    @Test
    fun `who leaves meanwhile ends the joining, and a connection that opens too late`() = lateConnection { room, connecting ->
        room.leave()
        val failure = connecting.await().exceptionOrNull()
        assertIs<IOException>(failure)
        assertFalse(failure is SocketTimeoutException)
    }

    @Test
    fun `a connection that opens after its joining was cancelled is closed`() = lateConnection { room, connecting ->
        connecting.cancelAndJoin()
        room.leave()
    }

    @Test
    fun `who leaves twice leaves once`() = test {
        val room = Room(address, token("alice")).apply { connect() }
        room.leave()
        room.leave()
        List(2) { launch { room.leave() } }.joinAll()
    }

    /** Joins a server that takes its time, which is when [leaving] runs. */
    private fun lateConnection(leaving: suspend (Room, Deferred<Result<Unit>>) -> Unit) = test {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            val room = Room("ws://127.0.0.1:${server.localPort}", "")
            val connecting = async { runCatching { room.connect() } }
            server.accept().use { connection ->
                connection.soTimeout = 5_000
                val head = head(connection.getInputStream())
                withTimeout(5_000) { leaving(room, connecting) }
                openWebSocket(connection, head)
                untilEnd(connection)
            }
        }
    }

    /** The server's side of the handshake. */
    private fun openWebSocket(connection: java.net.Socket, head: ByteArray = head(connection.getInputStream())) {
        val lines = head.decodeToString().lines()
        val key = lines.single { it.startsWith("Sec-WebSocket-Key: ") }.substringAfter(": ")
        val sha = MessageDigest.getInstance("SHA-1").digest("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".toByteArray())
        val answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        connection.getOutputStream().write("$answer${Base64.getEncoder().encodeToString(sha)}\r\n\r\n".toByteArray())
    }

    /** Fails when the other side leaves the connection open. */
    private fun untilEnd(connection: java.net.Socket) = try {
        connection.getInputStream().readAllBytes()
    } catch (_: SocketException) {
        null // it ended with what it had not read
    }
}
