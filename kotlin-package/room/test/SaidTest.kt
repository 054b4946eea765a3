package host

import io.datatracks.publishTrack
import io.datatracks.subscribe
import io.datatracks.waitForTrack
import org.junit.jupiter.api.Test
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What a server says to a room that goes on elsewhere, or later. */
internal class SaidTest : SfuTest() {
    private val reconnected = LinkedBlockingQueue<Boolean>()

    @Test
    fun `where it is moved to everything is asked for again, and it comes back there`() = test {
        val between = Middleman(address)
        val bob = Room(address, token("bob")).apply { connect() }
        bob.local.publishTrack("theirs")
        val alice = Room(between.address, token("alice"), onReconnected = reconnected::add).apply { connect() }
        alice.local.publishTrack("ours")
        alice.remote.waitForTrack("theirs").subscribe()
        assertFalse(between.hasAskedForAll(2))
        val renewed = token("alice", 4_102_444_801)
        between.say {
            field(ROOM_MOVED) {
                field(2, renewed)
                field(3) {
                    field(1, "PA_moved")
                    field(2, "alice")
                }
                field(4) { participant("bob", "theirs") }
            }
        }
        until("the other room is asked for the same") { between.hasAskedForAll(2) }
        between.cut()
        until("it comes back as who it is there") {
            between.heads.any { "sid=PA_moved" in it && "Bearer $renewed\r\n" in it }
        }
        // The embedded SFU knows participants by their identity.
        assertEquals(true, reconnected.poll(10, SECONDS))
        listOf(alice, bob).forEach { it.leave() }
        between.close()
    }

    @Test
    fun `told to join anew it does, with the token that it has been given`() = test {
        val between = Middleman(address)
        val alice = Room(between.address, token("alice"), onReconnected = reconnected::add).apply { connect() }
        val track = alice.local.publishTrack("ours")
        val renewed = token("alice", 4_102_444_801)
        between.say { field(REFRESH_TOKEN, renewed) }
        between.say {
            field(LEAVE) {
                field(3, ACTION_RECONNECT)
                field(PADDING, "x".repeat(126))
            }
        }
        assertEquals(false, reconnected.poll(10, SECONDS))
        val (_, again) = between.heads.toList()
        assertTrue("reconnect=1" !in again && "Bearer $renewed\r\n" in again, again)
        until("the track is asked for again") { between.asked(PUBLISH) == 2 }
        assertTrue(track.isPublished())
        alice.leave()
        between.close()
    }

    @Test
    fun `what is asked for when the connection is lost is asked of the next one`() = test {
        val between = Middleman(address)
        val bob = Room(address, token("bob")).apply { connect() }
        lateinit var losing: () -> Unit
        val alice = Room(between.address, token("alice"), onReconnecting = { losing() }, onReconnected = reconnected::add)
        alice.connect()
        val track = alice.local.publishTrack("ours")
        losing = track::unpublish
        val seen = bob.remote.waitForTrack("ours")
        between.cut()
        assertEquals(true, reconnected.poll(10, SECONDS))
        until("the end of the track is known") { !seen.isPublished() }
        listOf(alice, bob).forEach { it.leave() }
        between.close()
    }

    private fun Middleman.hasAskedForAll(times: Int) = listOf(PUBLISH, SUBSCRIBE).all { asked(it) >= times }

    private fun Fields.participant(identity: String, track: String) {
        field(1, "PA_$identity")
        field(2, identity)
        field(3, 2) // active
        field(19) {
            field(1, 1)
            field(2, "DTR_$track")
            field(3, track)
        }
    }

    private companion object {
        // Fields of SignalResponse and of SignalRequest.
        const val LEAVE = 8
        const val ACTION_RECONNECT = 2L
        const val REFRESH_TOKEN = 16
        const val ROOM_MOVED = 24
        const val PUBLISH = 19
        const val SUBSCRIBE = 21

        /** A field that nobody knows: the frame of a short message has another form. */
        const val PADDING = 100
    }
}
