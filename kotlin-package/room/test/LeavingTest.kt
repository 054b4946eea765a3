package host

import io.datatracks.ClosedException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.SocketException
import java.security.MessageDigest
import java.util.Base64
import kotlin.test.assertFailsWith
import kotlin.test.assertIs

/** Nothing stays behind of a room that ends, or of one that cannot be joined. `DATATRACKS_BIN` says which binary serves the SFU. */
@Timeout(60)
internal class LeavingTest {
    private val sfu: Process = ProcessBuilder(System.getenv("DATATRACKS_BIN"), "sfu", "--listen", "127.0.0.1:0").start()
    private val address = sfu.inputStream.bufferedReader().readLine().substringAfterLast(" ")

    @AfterEach
    fun end() {
        sfu.destroyForcibly().waitFor()
    }

    @Test
    fun `a coroutine that is cancelled leaves to the end`(): Unit = runBlocking(Dispatchers.Default) {
        val room = Room(address, TOKEN_OF_ALICE)
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
    fun `a server that begins with something else than a join is left`(): Unit = runBlocking(Dispatchers.Default) {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { server ->
            val room = Room("ws://127.0.0.1:${server.localPort}", "")
            val connecting = async { runCatching { room.connect() } }
            server.accept().use { connection ->
                connection.soTimeout = 5_000
                openWebSocket(connection)
                connection.getOutputStream().write(byteArrayOf(BINARY, 2, 8, 0))
                assertIs<IOException>(connecting.await().exceptionOrNull())
                untilEnd(connection)
            }
            room.leave()
        }
    }

    /** The server's side of the handshake. */
    private fun openWebSocket(connection: java.net.Socket) {
        val lines = connection.getInputStream().bufferedReader().lineSequence().takeWhile(String::isNotEmpty)
        val key = lines.toList().single { it.startsWith("Sec-WebSocket-Key: ") }.substringAfter(": ")
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

/** A whole message of this kind. */
private const val BINARY = 0x82.toByte()

/** Of the room `room`, by the key that the embedded SFU has by itself, until 2100. */
private const val TOKEN_OF_ALICE = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
    "eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJyb29tIn19." +
    "jca9VfrXEXuFaJtDWBbTv5D0RF_tz6UZ9-ieoytxs7M"
