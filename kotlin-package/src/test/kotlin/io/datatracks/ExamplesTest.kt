package io.datatracks

import core.CoreList
import examples.SensorPublisher
import examples.Subscriber
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
}
