package io.datatracks

import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What happens can be heard, and nothing secret is in it (P13). */
internal class LoggingTest : RoomTest() {
    @AfterEach
    fun silence() = setLogSink(null, LogLevel.ERROR)

    @Test
    fun `records tell what happens, and no secret`() = test {
        val records = ConcurrentLinkedQueue<LogRecord>()
        setLogSink(LogLevel.TRACE) { records.add(it) }
        val keys = KeyRing(KeyRingOptions(KeyDerivation.HKDF))
        keys.setSharedKey("the key of all keys".toByteArray(), 0u)
        val alice = join("alice", keys.encryptionProvider())
        val (track, stream) = connected(alice, join("bob", decryption = keys.decryptionProvider()))
        track.tryPush(frame("nobody may read this"))
        stream.next()
        runCatching { alice.local.handleSignalResponse(ByteArray(3) { -1 }) }
        until("a record") { records.isNotEmpty() }
        assertTrue(records.all { it.target.startsWith("datatracks") }, "$records")
        assertFalse(records.any { "nobody may read" in it.text || "key of all keys" in it.text })
    }

    @Test
    fun `a sink that throws ends nothing`() = test {
        setLogSink(LogLevel.TRACE) { throw ArithmeticException("the log is full") }
        val (track, stream) = connected(join("alice"), join("bob"))
        track.tryPush(frame("all the same"))
        assertTrue(stream.next().text == "all the same")
    }
}
