package io.datatracks

import examples.PlainRoom.Companion.PACKET
import examples.PlainRoom.Companion.SIGNAL
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Test
import java.io.IOException
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What the host throws stays with the host (P5): counted, and nothing else ends because of it, nor waits for it (P11, P12). */
internal class FaultsTest : RoomTest() {
    @Test
    fun `events that throw are counted and end nothing`() = test {
        val (alice, bob) = join("alice") to join("bob")
        for (peer in listOf(alice, bob)) peer.onEvent { throw ArithmeticException("the application threw") }
        val (track, stream) = connected(alice, bob)
        track.tryPush(frame("all the same"))
        assertEquals("all the same", stream.next().text)
        track.unpublish()
        assertNull(stream.next())
        alice.expect("local unpublished")
        bob.expect("unpublished")
        until { alice.local.stats().delegateErrors == 2uL }
        until { bob.remote.stats().delegateErrors >= 3u } // published, subscription, unpublished
    }

    @Test
    fun `errors that are no exceptions are caught too`() = test {
        val alice = join("alice")
        alice.onEvent { throw StackOverflowError("the application is deep") }
        assertTrue(alice.local.publishTrack("samples").isPublished())
        until { alice.local.stats().delegateErrors == 1uL }
    }

    @Test
    fun `what is thrown counts, whatever its text is`() = test {
        val noText = IOException("half of a character: \uD83D")
        val throwing = object : EncryptionProvider {
            override fun encrypt(payload: Payload) = throw noText
        }
        val alice = join("alice", throwing)
        val track = alice.local.publishTrack(DataTrackOptions("plain", encryption = EncryptionMode.PLAIN))
        alice.onSend = { kind, _ -> if (kind == PACKET) throw noText }
        track.tryPush(frame("lost"))
        assertEquals(1uL to 0uL, track.stats().run { framesDroppedNotSent to framesSent })
        val sealed = alice.local.publishTrack("sealed")
        assertFailsWith<PushFrameException.EncryptionFailed> { sealed.tryPush(frame("never plain")) }
        repeat(2) { alice.expect("local published") }
        alice.onEvent { throw noText }
        sealed.unpublish()
        until { alice.local.stats().delegateErrors == 3uL }
    }

    @Test
    fun `packets that cannot be sent are counted for their track only`() = test {
        val alice = join("alice")
        val (track, stream) = connected(alice, join("bob"))
        alice.broken = setOf(PACKET)
        track.tryPush(frame("lost"))
        val stats = track.stats()
        assertEquals(Triple(1uL, 1uL, 0uL), Triple(stats.framesAccepted, stats.framesDroppedNotSent, stats.framesSent))
        assertEquals(1uL, alice.local.stats().delegateErrors)
        alice.broken = emptySet()
        track.tryPush(frame("after that"))
        assertEquals("after that", stream.next().text)
    }

    @Test
    fun `a request that cannot be sent fails its call at once`() = test {
        val (alice, bob) = join("alice") to join("bob")
        alice.local.publishTrack("there")
        val track = bob.remote.waitForTrack("there")
        for (peer in listOf(alice, bob)) peer.broken = setOf(SIGNAL)
        withTimeout(5_000) {
            assertFailsWith<PublishException.SignalNotSent> { alice.local.publishTrack("unsendable") }
            assertFailsWith<SubscribeException.SignalNotSent> { track.subscribe() }
        }
        assertEquals(1uL to 1uL, alice.local.stats().signalsNotSent to bob.remote.stats().signalsNotSent)
        for (peer in listOf(alice, bob)) peer.broken = emptySet()
        assertTrue(alice.local.publishTrack("unsendable").isPublished())
        assertNull(track.subscribe().endReason())
    }

    @Test
    fun `any method may be called from any callback`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val called = ConcurrentLinkedQueue<String>()
        for (peer in listOf(alice, bob)) {
            peer.onEvent { event ->
                called.add(event.kind)
                peer.local.run { stats() to publishResponsesForSyncState() }
                peer.remote.run { stats() to tracks() }
                peer.local.tracks().forEach { it.tryPush(frame("from a callback")) }
            }
        }
        val (track, stream) = connected(alice, bob)
        track.tryPush(frame("from outside"))
        stream.asFlow().first { it.text == "from outside" }
        // The frame may be faster than the thread that brings alice's event.
        until("every callback has called") { called.containsAll(listOf("local published", "published", "subscription")) }
    }

    @Test
    fun `an event may shut everything down`() = test {
        val alice = join("alice")
        alice.onEvent { alice.local.shutdown() }
        runCatching { alice.local.publishTrack("samples") }
        alice.expect("local published")
        assertEquals(emptyList(), alice.local.tracks())
        assertFailsWith<PublishException.Closed> { alice.local.publishTrack("another") }
    }

    @Test
    fun `a delegate that blocks on packets delays no other track and no signal`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val slow = connected(alice, bob, DataTrackOptions("slow")).first
        val (quick, stream) = connected(alice, bob, DataTrackOptions("quick"))
        val entered = CompletableDeferred<Unit>()
        val released = CountDownLatch(1)
        alice.onSend = { kind, bytes ->
            if (kind == PACKET && "block" in bytes.decodeToString()) {
                entered.complete(Unit)
                released.await(20, SECONDS)
            }
        }
        val pushing = launch(Dispatchers.IO) { slow.tryPush(frame("block")) }
        entered.await()
        quick.tryPush(frame("past it"))
        assertEquals("past it", stream.next().text)
        assertTrue(withTimeout(5_000) { alice.local.publishTrack("another") }.isPublished())
        assertTrue(pushing.isActive)
        released.countDown()
    }

    @Test
    fun `noise on the channel is counted and harms nobody`() = test {
        val bob = join("bob")
        val (track, stream) = connected(join("alice"), bob)
        for (noise in listOf(0, 1, 12, 70_000)) bob.remote.handlePacketReceived(ByteArray(noise) { -1 })
        track.tryPush(frame("signal"))
        assertEquals("signal", stream.next().text)
        assertTrue(bob.remote.stats().packetsMalformed >= 3u)
    }
}
