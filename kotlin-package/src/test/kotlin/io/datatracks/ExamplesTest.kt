package io.datatracks

import core.CoreList
import examples.SensorPublisher
import examples.Subscriber
import examples.sharedKeys
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The programs beside the tests do what they say. */
internal class ExamplesTest : RoomTest() {
    @Test
    fun `the core list passes in an application that nobody has shrunk`() = CoreList.main(arrayOf("${Sfu.address.port}"))

    @Test
    fun `the subscriber prints what the sensor publishes`() = test {
        val printed = ByteArrayOutputStream()
        val console = System.out
        System.setOut(PrintStream(printed, true))
        try {
            val arguments = arrayOf("${Sfu.address.port}", "room-of-examples")
            val reading = async(Dispatchers.IO) { Subscriber.main(arguments) }
            val sensing = async(Dispatchers.IO) { SensorPublisher.main(arguments + "300") }
            reading.await()
            sensing.await()
        } finally {
            System.setOut(console)
        }
        val lines = printed.toString().lines()
        assertTrue("publishing position" in lines)
        assertEquals(10, lines.count { Regex("""x = -?[\d.E-]+, \d+ ms ago""").matches(it) }, "$lines")
    }

    @Test
    fun `who shares the passphrase reads what is sealed, and nobody else`() = test {
        fun joinSealed(identity: String, passphrase: String) = sharedKeys(passphrase).run {
            join(identity, encryptionProvider(), decryptionProvider())
        }
        val alice = joinSealed("alice", "correct horse")
        val (track, stream) = connected(alice, joinSealed("bob", "correct horse"))
        val eve = joinSealed("eve", "battery staple")
        val nothing = subscribed(eve, "samples")
        track.tryPush(frame("secret"))
        assertEquals("secret", stream.next().text)
        until { eve.remote.tracks().single().stats().framesDroppedUndecryptable == 1uL }
        assertEquals(0uL to true, nothing.stats().framesWaiting to track.info().usesE2ee)
    }
}
