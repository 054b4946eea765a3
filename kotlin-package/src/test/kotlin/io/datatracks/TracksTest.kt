package io.datatracks

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import org.junit.jupiter.api.Test
import java.io.IOException
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Who publishes what: discovery, identity (P9), names, permissions, schemas; and each event exactly once. */
internal class TracksTest : RoomTest() {
    @Test
    fun `tracks published before the join are there after it`() = test {
        val alice = join("alice")
        val schema = DataTrackSchemaId("Pose", DataTrackSchemaEncoding.Protobuf)
        val encoding = DataTrackFrameEncoding.Protobuf
        alice.local.publishTrack(DataTrackOptions("pose", schema, encoding))
        alice.local.publishTrack(DataTrackOptions("own", frameEncoding = DataTrackFrameEncoding.Custom("ours")))
        val bob = join("bob")
        until { bob.remote.tracks().size == 2 }
        val (pose, own) = bob.remote.tracksByPublisher("alice")
        assertEquals(Triple("pose", schema, encoding), pose.info().run { Triple(name, this.schema, frameEncoding) })
        assertEquals(DataTrackFrameEncoding.Custom("ours"), own.info().frameEncoding)
        assertTrue(pose.info().sid.startsWith("DTR_") && !pose.info().usesE2ee)
        assertEquals(emptyList(), bob.remote.tracksByPublisher("carol"))
        assertEquals(listOf<Any>(pose, own), List(2) { bob.expect("published").track })
    }

    @Test
    fun `each thing is told once`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val (track, stream) = connected(alice, bob)
        subscribed(bob, "samples")
        track.unpublish()
        assertNull(stream.next())
        fence(alice, bob)
        assertEquals(listOf("local published", "local unpublished"), alice.seen())
        assertEquals(listOf("published", "unpublished"), bob.seen().filter { it != "subscription" })
    }

    @Test
    fun `a publisher that is cut off takes its tracks along, each told once`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val streams = listOf("one", "two").map { connected(alice, bob, DataTrackOptions(it)).second }
        val remotes = bob.remote.tracks()
        alice.control("drop_session", """, "mode": "full"""")
        streams.forEach { assertNull(it.next()) }
        val ended = List(2) { bob.expect("unpublished") }
        assertEquals(remotes.toSet<Any>(), ended.map { it.track }.toSet())
        assertTrue(ended.all { it.detail in setOf(UnpublishReason.PUBLISHER_LEFT, UnpublishReason.REQUESTED) })
        fence(bob, join("carol"))
        assertFalse("unpublished" in bob.seen())
        assertFalse("local unpublished" in alice.seen())
    }

    @Test
    fun `equality is that of the track and not of the object`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val one = alice.local.publishTrack("one")
        val two = alice.local.publishTrack("two")
        assertEquals(listOf(one, two), alice.local.tracks())
        assertEquals(2, (setOf(one, two) + alice.local.tracks()).size)
        val seen = bob.remote.waitForTrack("one")
        val again = bob.remote.waitForTrack("one")
        assertEquals(seen to seen.hashCode(), again to again.hashCode())
        assertNotEquals(seen, bob.remote.waitForTrack("two"))
        one.unpublish()
        seen.waitForUnpublish()
        alice.local.publishTrack("one")
        assertNotEquals(seen, bob.remote.waitForTrack("one"))
    }

    @Test
    fun `what is closed is asked for nothing, not even by what is compared with it`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val ours = alice.local.publishTrack("samples")
        val theirs = bob.remote.waitForTrack("samples")
        val (closed, closedTheirs) = alice.local.tracks().single() to bob.remote.tracks().single()
        assertTrue(ours == closed && theirs == closedTheirs)
        closed.close()
        closedTheirs.close()
        assertFailsWith<ClosedException> { ours == closed }
        assertFailsWith<ClosedException> { theirs == closedTheirs }
        val provider = KeyRing(KeyRingOptions(KeyDerivation.HKDF)).encryptionProvider()
        (provider as AutoCloseable).close()
        assertFailsWith<ClosedException> { LocalDataTrackManager(alice.dataTracks, encryptionProvider = provider) }
    }

    @Test
    fun `a name is free again after the end of its track`() = test {
        val alice = join("alice")
        val first = alice.local.publishTrack("name")
        assertFailsWith<PublishException.DuplicateName> { alice.local.publishTrack("name") }
        first.unpublish()
        val second = alice.local.publishTrack("name")
        assertTrue(second.isPublished() && !first.isPublished())
    }

    @Test
    fun `a publish before the join fails at once and can be repeated`() = test {
        var room: Peer? = null
        val transport = object : LocalDataTrackTransport {
            override fun onSignalRequest(request: ByteArray) =
                (room ?: throw IOException("there is no connection yet")).sendRequest(request)
            override fun onPacketsAvailable(packets: List<ByteArray>) = Unit
        }
        LocalDataTrackManager(transport, localIdentity = "alice").use { local ->
            assertFailsWith<PublishException.SignalNotSent> { local.publishTrack("track") }
            val peer = join("alice").also { room = it }
            val signals = ConcurrentLinkedQueue<ByteArray>().also { peer.heldBack = it }
            val publishing = async { local.publishTrack("track") }
            until { peer.holdsBack(PUBLISH_RESPONSE) }
            signals.forEach { local.handleSignalResponse(it) }
            assertTrue(publishing.await().isPublished())
        }
    }

    @Test
    fun `a revoked permission ends the publications`() = test {
        val alice = join("alice")
        val (track, stream) = connected(alice, join("bob"))
        alice.control("revoke")
        assertEquals(UnpublishReason.REVOKED, track.waitForUnpublish())
        assertEquals(UnpublishReason.REVOKED, alice.expect("local unpublished").detail)
        assertNull(stream.next())
        assertFailsWith<PublishException.NotAllowed> { alice.local.publishTrack("another") }
        alice.control("grant")
        assertTrue(alice.local.publishTrack("another").isPublished())
    }

    @Test
    fun `schemas are stored and found`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val pose = DataTrackSchemaId("Pose", DataTrackSchemaEncoding.JsonSchema)
        alice.local.defineSchema(pose, """{"type": "object"}""".toByteArray())
        assertContentEquals("""{"type": "object"}""".toByteArray(), bob.local.getSchema("alice", pose))
    }

    @Test
    fun `a thousand tracks are there for who joins, and can all be read`() = test {
        val alice = join("alice")
        // A hundred at a time: the SFU tells of all tracks whenever one comes, and each call has ten seconds.
        val names = List(1_000) { "track-$it" }
        val tracks = names.chunked(100).flatMap { some -> some.map { async { alice.local.publishTrack(it) } }.awaitAll() }
        val bob = join("bob")
        until { bob.remote.tracks().size == 1_000 }
        val threads = Thread.activeCount()
        val streams = names.chunked(100).flatMap { some -> some.map { async { subscribed(bob, it) } }.awaitAll() }
        tracks.forEach { it.tryPush(it.info().name.toByteArray()) }
        for ((name, stream) in names.zip(streams)) assertEquals(name, stream.next().text)
        assertTrue(Thread.activeCount() <= threads + 2)
    }

    /** When this is over, all that the SFU had to tell these two before has arrived. */
    private suspend fun fence(one: Peer, other: Peer) {
        val track = one.local.publishTrack("fence")
        other.remote.waitForTrack("fence")
        track.unpublish()
        until { other.remote.tracks().none { it.info().name == "fence" } }
        one.forget("fence")
        other.forget("fence")
    }
}
