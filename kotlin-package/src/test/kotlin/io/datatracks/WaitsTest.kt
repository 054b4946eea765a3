package io.datatracks

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Test
import java.lang.ref.WeakReference
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Every wait ends, once (P6): done, refused, timed out, cancelled or closed. */
internal class WaitsTest : RoomTest() {
    @Test
    fun `shutdown completes everything that waits`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        val remote = bob.remote.tracks().single()
        alice.control("lose_next")
        alice.local.handleBufferedAmount(FULL)
        track.tryPush(large())
        val waiting = listOf<suspend () -> Any?>(
            { alice.local.publishTrack("pending") },
            { track.waitForUnpublish() },
            { remote.waitForUnpublish() },
            { track.flush() },
            { stream.next() },
            { stream.nextBatch(5) },
            { bob.remote.waitForTrack("never") },
        ).map { call -> async { runCatching { call() } } }
        until { alice.local.stats().tracksPending == 1uL }
        assertFalse(waiting.any { it.isCompleted })
        bob.remote.shutdown()
        alice.local.shutdown()
        val (publish, ours, theirs, flush, next) = withTimeout(5_000) { waiting.awaitAll() }
        assertIs<PublishException.Closed>(publish.exceptionOrNull())
        assertEquals(UnpublishReason.SHUTDOWN to UnpublishReason.SHUTDOWN, ours.getOrNull() to theirs.getOrNull())
        assertIs<WaitException.Closed>(flush.exceptionOrNull())
        assertNull(next.getOrThrow())
        assertEquals(emptyList<DataTrackFrame>(), waiting[5].await().getOrThrow())
        assertIs<WaitException.Closed>(waiting[6].await().exceptionOrNull())
        assertEquals(StreamEndReason.SHUTDOWN, stream.endReason())
        assertFalse(track.isPublished() || remote.isPublished())
        alice.local.shutdown()
    }

    @Test
    fun `closing a manager shuts it down`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        val reading = async { stream.next() }
        yield()
        bob.remote.use { alice.local.close() }
        assertNull(reading.await())
        assertEquals(UnpublishReason.SHUTDOWN, track.waitForUnpublish())
        bob.remote.close()
        forget(alice, bob)
    }

    @Test
    fun `a call after close says what is closed, and a packet is passed over`() = test {
        val bob = join("bob")
        val (_, stream) = connected(join("alice"), bob)
        bob.close()
        stream.close()
        bob.remote.handlePacketReceived(ByteArray(20))
        bob.remote.handlePacketReceived(ByteBuffer.allocate(20))
        val calls = mapOf<String, suspend () -> Unit>(
            "LocalDataTrackManager" to { bob.local.publishTrack("samples") },
            "RemoteDataTrackManager" to { bob.remote.handleSignalResponse(ByteArray(0)) },
            "DataTrackStream" to { stream.next() },
        )
        for ((name, call) in calls) {
            val mistake = assertFailsWith<ClosedException> { call() }
            assertTrue(checkNotNull(mistake.message).startsWith("$name is closed"), mistake.message)
        }
        forget(bob)
    }

    @Test
    fun `a closed stream answers at once and ends the subscription`() = test {
        val bob = join("bob")
        val (_, stream) = connected(join("alice"), bob)
        val reading = async { stream.next() }
        yield()
        stream.close()
        assertNull(reading.await())
        assertEquals(SubscriptionState.UNSUBSCRIBED, bob.remote.tracks().single().subscriptionState())
        stream.close()
    }

    @Test
    fun `resubscribing at once works`() = test {
        val bob = join("bob")
        var (track, stream) = connected(join("alice"), bob)
        val remote = bob.remote.tracks().single()
        repeat(5) {
            stream.close()
            stream = withTimeout(8_000) { remote.subscribe() }
            pushedUntilRead(track, stream)
        }
    }

    @Test
    fun `the end of a track ends its streams and tells why`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        val remote = bob.remote.tracks().single()
        val ends = listOf(async { track.waitForUnpublish() }, async { remote.waitForUnpublish() })
        track.tryPush(frame("the last one"))
        until { stream.stats().framesWaiting == 1uL }
        track.unpublish()
        track.unpublish()
        assertEquals(List(2) { UnpublishReason.REQUESTED }, ends.awaitAll())
        assertEquals("the last one", stream.next().text)
        assertNull(stream.next())
        assertEquals(StreamEndReason.UNPUBLISHED, stream.endReason())
        assertEquals(UnpublishReason.REQUESTED, track.waitForUnpublish())
    }

    @Test
    fun `waiting for a track finds what is there and what comes`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val waiting = async { bob.remote.waitForTrack("later", "alice") }
        val elsewhere = async { runCatching { bob.remote.waitForTrack("later", "carol", 300u) } }
        yield()
        alice.local.publishTrack("later")
        val track = waiting.await()
        assertEquals("later" to "alice", track.info().name to track.publisherIdentity())
        assertEquals(track, bob.remote.waitForTrack("later", timeoutMs = 1u))
        assertIs<WaitException.TimedOut>(elsewhere.await().exceptionOrNull())
    }

    @Test
    fun `a discarded track stays published`() = test {
        val (alice, bob) = join("alice") to join("bob")
        alice.local.publishTrack("samples").close()
        val stream = subscribed(bob, "samples")
        val kept = alice.local.tracks().single()
        assertTrue(kept.isPublished())
        kept.tryPush(frame("still published"))
        assertEquals("still published", stream.next().text)
    }

    @Test
    fun `a manager that nobody holds any more is let go, and what it held with it`() = test {
        val alice = join("alice")
        var manager: LocalDataTrackManager? = LocalDataTrackManager(alice.dataTracks, localIdentity = "alice")
        val gone = WeakReference(assertNotNull(manager))
        manager = null
        until("its collection") {
            System.gc()
            gone.get() == null
        }
        assertNull(manager)
    }

    @Test
    fun `a manager that its own provider knows is let go, too`() = test {
        val gone = listOf(WeakReference(Knowing().local), WeakReference(Knowing().remote))
        until("their collection") {
            System.gc()
            gone.all { it.get() == null }
        }
    }

    /** A room that seals and opens, too. */
    private class Knowing : Mirror(), LocalDataTrackTransport, RemoteDataTrackTransport {
        val local = LocalDataTrackManager(this, encryptionProvider = this, localIdentity = "alice")
        val remote = RemoteDataTrackManager(this, decryptionProvider = this, localIdentity = "alice")

        override fun onSignalRequest(request: ByteArray) = Unit
        override fun onPacketsAvailable(packets: List<ByteArray>) = Unit
    }
}

/** Pushes until a frame comes through: the SFU needs a moment to switch over. */
internal suspend fun pushedUntilRead(track: LocalDataTrack, stream: DataTrackStream) = coroutineScope {
    val pushing = launch {
        while (true) {
            runCatching { track.tryPush(frame("again")) }
            delay(20)
        }
    }
    assertEquals("again", withTimeout(10_000) { stream.next() }.text)
    pushing.cancel()
    // What was pushed too often is read, too.
    withTimeout(10_000) { until { track.stats().framesWaiting == 0uL } }
}
