package io.datatracks

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Reconnects lose no intent (P8): what was published or read is so again, through the same track and the same stream. */
internal class ReconnectTest : RoomTest() {
    @Test
    fun `a publisher resumes`() = test {
        val alice = join("alice")
        val (track, stream) = connected(alice, join("bob"))
        val sid = track.info().sid
        alice.reconnectInBackground("quick")
        pushedUntilRead(track, stream)
        assertEquals(sid to listOf(track), track.info().sid to alice.local.tracks())
        assertFalse("local unpublished" in alice.seen())
    }

    @ParameterizedTest
    @ValueSource(strings = ["full", "unnoticed"])
    fun `a publisher comes back as a new participant`(mode: String) = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        val sid = track.info().sid
        val remote = bob.remote.tracks().single()
        bob.seen()
        alice.reconnectInBackground(mode)
        until { track.info().sid != sid }
        assertTrue(track.isPublished())
        assertEquals(listOf(track), alice.local.tracks())
        assertFalse("local unpublished" in alice.seen())
        pushedUntilRead(track, stream)
        assertNull(stream.endReason())
        assertEquals(listOf(remote) to track.info().sid, bob.remote.tracks() to remote.info().sid)
        assertEquals(setOf("subscription"), bob.seen().toSet())
    }

    @ParameterizedTest
    @ValueSource(strings = ["quick", "full", "unnoticed"])
    fun `a subscriber comes back`(mode: String) = test {
        val bob = join("bob")
        val (track, stream) = connected(join("alice"), bob)
        val remote = bob.remote.tracks().single()
        bob.reconnectInBackground(mode)
        pushedUntilRead(track, stream)
        assertNull(stream.endReason())
        assertEquals(listOf(remote), bob.remote.tracks())
    }

    @Test
    fun `a resume that is refused becomes a new session`() = test {
        val alice = join("alice")
        val (track, _) = connected(alice, join("bob"))
        val sid = track.info().sid
        alice.control("drop_session", """, "mode": "full"""")
        alice.connect(resume = true)
        until { track.info().sid != sid }
        assertTrue(track.isPublished())
    }

    @Test
    fun `a publish that waits for its answer is asked again`() = test {
        val alice = join("alice")
        alice.control("lose_next")
        val publishing = async { alice.local.publishTrack("patient") }
        until { alice.local.stats().tracksPending == 1uL }
        alice.reconnectInBackground("full")
        assertEquals("patient", withTimeout(8_000) { publishing.await() }.info().name)
        assertEquals(1, alice.local.tracks().size)
    }

    @Test
    fun `what was unpublished stays so`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        track.unpublish()
        assertNull(stream.next())
        alice.reconnectInBackground("full")
        alice.local.publishTrack("fence")
        bob.remote.waitForTrack("fence")
        assertEquals(listOf("fence"), bob.remote.tracks().map { it.info().name })
    }

    @Test
    fun `both come back at once`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        val sid = track.info().sid
        listOf(alice, bob).map { async { it.reconnectInBackground("full") } }.awaitAll()
        until { track.info().sid != sid }
        pushedUntilRead(track, stream)
    }

    @Test
    fun `an SFU that starts anew gets everything again`() = test {
        val first = Plain("sfu", "--plain", "127.0.0.1:0")
        val alice = join("alice", sfu = first.address)
        val bob = join("bob", sfu = first.address)
        val (track, stream) = connected(alice, bob)
        val sid = track.info().sid
        first.close()
        Plain("sfu", "--plain", "127.0.0.1:${first.address.port}").use {
            for (peer in listOf(alice, bob)) peer.reconnectInBackground("unnoticed")
            until { track.info().sid != sid }
            pushedUntilRead(track, stream)
        }
    }

    private suspend fun Peer.reconnectInBackground(mode: String) = withContext(Dispatchers.IO) { reconnect(mode) }
}
