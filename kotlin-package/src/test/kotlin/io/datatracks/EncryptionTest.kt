package io.datatracks

import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.random.Random
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Encryption fails closed (P4): what was asked to be encrypted leaves sealed or not at all, and ciphertext reaches nobody. */
internal class EncryptionTest : RoomTest() {
    @ParameterizedTest
    @ValueSource(ints = [0, 1, 20_000, 1 shl 20])
    fun `a key ring seals and opens`(size: Int) = test {
        val (alice, bob) = joinSealed("alice") to joinSealed("bob")
        val (track, stream) = connected(alice, bob)
        val payload = ByteArray(size) { SECRET[it % SECRET.length].code.toByte() }
        track.tryPush(DataTrackFrame(payload, 5u))
        val frame = stream.next()
        assertContentEquals(payload, frame?.payload)
        assertEquals(5uL to true, frame?.userTimestamp to track.info().usesE2ee)
        assertFalse((alice.sentPackets + bob.receivedPackets).any { SECRET in it.decodeToString() })
    }

    @Test
    fun `a provider in Kotlin seals and opens`() = test {
        val opener = Mirror()
        val alice = join("alice", encryption = Mirror())
        val (track, stream) = connected(alice, join("bob", decryption = opener))
        track.tryPush(frame(SECRET))
        assertEquals(SECRET, stream.next().text)
        assertEquals(listOf("alice"), opener.openedFor.toList())
        assertFalse(alice.sentPackets.any { SECRET in it.decodeToString() })
    }

    @Test
    fun `each participant may have a key of its own`() = test {
        val keys = ring(null)
        keys.setParticipantKey("alice", "of alice".toByteArray(), 0u)
        keys.setParticipantKey("bob", "of bob".toByteArray(), 0u)
        val (alice, bob) = joinSealed("alice", keys, "alice") to joinSealed("bob", keys, "bob")
        val (there, fromAlice) = connected(alice, bob, DataTrackOptions("there"))
        val (back, fromBob) = connected(bob, alice, DataTrackOptions("back"))
        there.tryPush(frame("to bob"))
        back.tryPush(frame("to alice"))
        assertEquals("to bob" to "to alice", fromAlice.next().text to fromBob.next().text)
    }

    @Test
    fun `another key opens nothing, and that is counted`() = test {
        val bob = joinSealed("bob", ring("another"))
        val (track, stream) = connected(joinSealed("alice"), bob)
        track.tryPush(frame(SECRET))
        until { bob.remote.tracks().single().stats().framesDroppedUndecryptable == 1uL }
        assertEquals(0uL, stream.stats().framesWaiting)
    }

    @Test
    fun `a ratcheted key is found inside the window`() = test {
        val ours = ring()
        val (track, stream) = connected(joinSealed("alice", ours), joinSealed("bob", ring(window = 4u)))
        repeat(2) { ours.ratchetSharedKey(0u) }
        track.tryPush(frame(SECRET))
        assertEquals(SECRET, stream.next().text)
    }

    @Test
    fun `a provider that throws lets nothing out and stops no other track`() = test {
        val throwing = object : EncryptionProvider {
            override fun encrypt(payload: Payload) = error("no keys today")
        }
        val (alice, bob) = join("alice", encryption = throwing) to join("bob", decryption = Mirror())
        val (track, stream) = connected(alice, bob)
        val (plain, open) = connected(alice, bob, DataTrackOptions("plain", encryption = EncryptionMode.PLAIN))
        assertFailsWith<PushFrameException.EncryptionFailed> { track.tryPush(frame(SECRET)) }
        assertFailsWith<PushFrameException.EncryptionFailed> { track.tryPush(SECRET.toByteArray()) }
        assertFailsWith<PushFrameException.EncryptionFailed> { track.send(frame(SECRET)) }
        plain.tryPush(frame("as ever"))
        assertEquals("as ever", open.next().text)
        assertEquals(0uL to 3uL, track.stats().framesAccepted to alice.local.stats().delegateErrors)
        assertFalse(alice.sentPackets.any { SECRET in it.decodeToString() })
        assertEquals(0uL, stream.stats().framesWaiting)
    }

    @Test
    fun `a provider that cannot open costs that frame only`() = test {
        val stumbles = object : Mirror() {
            override fun decrypt(payload: EncryptedPayload, publisherIdentity: String): Payload {
                if (openedFor.isEmpty()) {
                    openedFor.add(publisherIdentity)
                    error("stumbled")
                }
                return super.decrypt(payload, publisherIdentity)
            }
        }
        val bob = join("bob", decryption = stumbles)
        val (track, stream) = connected(join("alice", encryption = Mirror()), bob)
        track.tryPush(frame("first"))
        track.tryPush(frame("second"))
        assertEquals("second", stream.next().text)
        assertEquals(1uL to 1uL, bob.remote.tracks().single().stats().framesDroppedUndecryptable to bob.remote.stats().delegateErrors)
    }

    @Test
    fun `without a provider an encrypted track cannot be read, nor one published that must be`() = test {
        val (alice, bob) = joinSealed("alice") to join("bob")
        alice.local.publishTrack("sealed")
        val track = bob.remote.waitForTrack("sealed")
        assertTrue(track.info().usesE2ee)
        assertFailsWith<SubscribeException.DecryptionUnavailable> { track.subscribe() }
        val required = DataTrackOptions("required", encryption = EncryptionMode.REQUIRED)
        assertFailsWith<PublishException.EncryptionUnavailable> { bob.local.publishTrack(required) }
    }

    @Test
    fun `a plain frame on an encrypted track is refused`() = test {
        val bob = joinSealed("bob")
        val (track, stream) = connected(joinSealed("alice"), bob)
        track.tryPush(frame("sealed"))
        assertEquals("sealed", stream.next().text)
        val sealed = ByteBuffer.wrap(bob.receivedPackets.last())
        val forged = ByteBuffer.allocate(18)
        // Version 0, start and final, no extensions: plain. Then the handle, the next sequence and frame number, a timestamp.
        forged.put(0x18).put(0).putShort(sealed.getShort(2)).putShort((sealed.getShort(4) + 1).toShort())
        forged.putShort((sealed.getShort(6) + 1).toShort()).putInt(0).put("forged".toByteArray()).flip()
        bob.remote.handlePacketReceived(forged)
        until { bob.remote.tracks().single().stats().framesDroppedEncryptionMismatch == 1uL }
        assertEquals(0uL, stream.stats().framesWaiting)
    }

    @Test
    fun `a provider may call anything`() = test {
        lateinit var local: LocalDataTrackManager
        val calling = object : Mirror() {
            override fun encrypt(payload: Payload): EncryptedPayload {
                local.tracks().forEach { it.stats() }
                return super.encrypt(payload).also { local.stats() }
            }
        }
        val alice = join("alice", encryption = calling)
        local = alice.local
        val (track, stream) = connected(alice, join("bob", decryption = Mirror()))
        track.tryPush(frame("re-entrant"))
        assertEquals("re-entrant", stream.next().text)
    }

    private fun joinSealed(identity: String, keys: KeyRing = ring(), own: String? = null) =
        join(identity, keys.encryptionProvider(own), keys.decryptionProvider())

    private fun ring(passphrase: String? = "passphrase", window: UInt = 0u) =
        KeyRing(KeyRingOptions(KeyDerivation.HKDF, ratchetWindow = window)).apply {
            if (passphrase != null) setSharedKey(passphrase.toByteArray(), 0u)
        }

    private companion object {
        const val SECRET = "nobody else may read this"
    }
}

/** No cipher at all, but plain to see: the bytes are turned round, and a tag tells whose they are. */
internal open class Mirror : EncryptionProvider, DecryptionProvider {
    val openedFor = ConcurrentLinkedQueue<String>()

    override fun encrypt(payload: Payload) = EncryptedPayload(payload.reversedArray() + TAG, Random.nextBytes(12), 3u)

    override fun decrypt(payload: EncryptedPayload, publisherIdentity: String): Payload {
        openedFor.add(publisherIdentity)
        if (payload.payload.lastOrNull() != TAG) throw DecryptionException.Failed()
        return payload.payload.dropLast(1).reversed().toByteArray()
    }

    private companion object {
        const val TAG: Byte = 77
    }
}
