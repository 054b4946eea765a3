package io.datatracks

import core.CoreList
import examples.PlainRoom
import examples.SensorPublisher
import examples.Subscriber
import examples.sharedKeys
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.PrintStream
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertIs
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
    fun `programs that the SFU refuses end and say why`() {
        for (program in listOf(Subscriber::main, SensorPublisher::main)) {
            val failure = failure(program, "${Sfu.address.port}", "").get(5, SECONDS)
            assertTrue("the SFU refuses us" in failure.message.orEmpty(), "$failure")
        }
    }

    @Test
    fun `programs end with the SFU`() = test {
        Plain("sfu", "--plain", "127.0.0.1:0").use { doomed ->
            val arguments = arrayOf("${doomed.address.port}", "doomed")
            val sensing = failure(SensorPublisher::main, *arguments, "100000")
            // It waits for a track that nobody publishes.
            val reading = failure(Subscriber::main, arguments[0], "another room")
            PlainRoom(doomed.address, "witness", "doomed").use { witness ->
                witness.connect()
                witness.remote.waitForTrack("position").frames().first()
            }
            doomed.close()
            for (failure in listOf(sensing, reading)) assertIs<IOException>(failure.get(5, SECONDS))
        }
    }

    /** What a program ends with; fails when it ends well. */
    private fun failure(program: (Array<String>) -> Unit, vararg arguments: String): CompletableFuture<Throwable> {
        val failure = CompletableFuture<Throwable>()
        thread(isDaemon = true) {
            val outcome = runCatching { program(arrayOf(*arguments)) }
            outcome.onFailure(failure::complete).onSuccess { failure.completeExceptionally(AssertionError("it ended well")) }
        }
        return failure
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
