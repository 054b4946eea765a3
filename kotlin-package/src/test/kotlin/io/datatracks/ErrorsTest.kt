package io.datatracks

import examples.PlainRoom.Companion.SIGNAL
import examples.field
import examples.varint
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.yield
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Test
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.reflect.KClass
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue

/** Every error of the surface: raised once for real and matched by its type, or named here with the reason why not (P2, P6). */
internal class ErrorsTest : RoomTest() {
    @Test
    fun `options that make no sense`() = test {
        val local = join("alice").local
        suspend fun refused(options: DataTrackOptions) = runCatching { local.publishTrack(options) }.exceptionOrNull()
        assertEquals(0uL, raised<PublishException.InvalidName>(refused(DataTrackOptions(""))).length)
        assertEquals(257uL, raised<PublishException.InvalidName>(refused(DataTrackOptions("n".repeat(257)))).length)
        raised<PublishException.FrameEncodingMissing>(refused(DataTrackOptions("x", POSE)))
        raised<PublishException.SchemaMissing>(
            refused(DataTrackOptions("x", frameEncoding = DataTrackFrameEncoding.Ros1)),
        )
        raised<PublishException.SchemaMismatch>(refused(DataTrackOptions("x", POSE, DataTrackFrameEncoding.Json)))
        val custom = DataTrackFrameEncoding.Custom("e".repeat(33))
        val invalid = raised<PublishException.InvalidEncoding>(refused(DataTrackOptions("x", frameEncoding = custom)))
        assertEquals(33uL, invalid.length)
        raised<PublishException.EncryptionUnavailable>(
            refused(DataTrackOptions("x", encryption = EncryptionMode.REQUIRED)),
        )
    }

    @Test
    fun `what the SFU refuses`() = test {
        val alice = join("alice")
        alice.local.publishTrack("taken")
        raises<PublishException.DuplicateName> { alice.local.publishTrack("taken") }
        alice.control("refuse_next", """, "reason": 3""")
        raises<PublishException.LimitReached> { alice.local.publishTrack("one too many") }
        alice.control("refuse_next", """, "reason": 6""")
        assertEquals(6, raises<PublishException.Rejected> { alice.local.publishTrack("unlucky") }.code)
        val mute = join("mute", permissions = Peer.MUTE)
        raises<PublishException.NotAllowed> { mute.local.publishTrack("unheard") }
    }

    @Test
    fun `an answer that contradicts the request`() = test {
        val alice = join("alice")
        alice.heldBack = ConcurrentLinkedQueue()
        val publishing = async { runCatching { alice.local.publishTrack("plain") } }
        until { alice.holdsBack(PUBLISH_RESPONSE) }
        alice.local.handleSignalResponse(publishResponse("plain", encrypted = true))
        raised<PublishException.UnexpectedAnswer>(publishing.await().exceptionOrNull())
    }

    @Test
    fun `what the host cannot send`() = test {
        val (alice, bob) = join("alice") to join("bob")
        alice.local.publishTrack("there")
        val track = bob.remote.waitForTrack("there")
        for (peer in listOf(alice, bob)) peer.broken = setOf(SIGNAL)
        raises<PublishException.SignalNotSent> { alice.local.publishTrack("unsendable") }
        raises<SubscribeException.SignalNotSent> { track.subscribe() }
        raises<SchemaException.SignalNotSent> { alice.local.defineSchema(POSE, ByteArray(3)) }
    }

    @Test
    fun `what is never answered`() = test {
        val (alice, bob) = join("alice") to join("bob")
        val deaf = join("deaf", permissions = Peer.DEAF)
        alice.local.publishTrack("there")
        alice.control("lose_next")
        bob.heldBack = ConcurrentLinkedQueue()
        val unheard = deaf.remote.waitForTrack("there")
        val waiting = listOf<suspend () -> Any?>(
            { bob.local.defineSchema(POSE, ByteArray(3)) },
            { unheard.subscribe() },
            { alice.local.publishTrack("lost") },
            { bob.remote.waitForTrack("never", timeoutMs = 50u) },
        ).map { call -> async { runCatching { call() } } }
        raised<SchemaException.TimedOut>(waiting[0].await().exceptionOrNull())
        raised<SubscribeException.TimedOut>(waiting[1].await().exceptionOrNull())
        raised<PublishException.TimedOut>(waiting[2].await().exceptionOrNull())
        raised<WaitException.TimedOut>(waiting[3].await().exceptionOrNull())
    }

    @Test
    fun `pushes that are not accepted`() = test {
        val alice = join("alice")
        val refusing = DataTrackOptions("refusing", dropPolicy = DropPolicy.REFUSE, maxWaitingBytes = 1u)
        val track = alice.local.publishTrack(refusing)
        alice.local.handleBufferedAmount(FULL)
        track.tryPush(large())
        raises<PushFrameException.QueueFull> { track.tryPush(frame("no room")) }
        raises<PushFrameException.QueueFull> { track.tryPush("no room".toByteArray()) }
        assertEquals(2uL, track.stats().framesRefused)
        val most = 128 * (16_000 - 12)
        val tooLarge = raises<PushFrameException.FrameTooLarge> { track.tryPush(frame(most + 1)) }
        assertEquals(most.toULong(), tooLarge.max)
        track.unpublish()
        raises<PushFrameException.TrackUnpublished> { track.tryPush(frame("too late")) }
        raises<PushFrameException.TrackUnpublished> { track.send(frame("too late")) }
        val throwing = object : EncryptionProvider {
            override fun encrypt(payload: Payload) = error("no keys today")
        }
        val sealed = join("sealed", encryption = throwing).local.publishTrack("sealed")
        raises<PushFrameException.EncryptionFailed> { sealed.tryPush(frame("never plain")) }
    }

    @Test
    fun `subscriptions that cannot be`() = test {
        val keys = KeyRing(KeyRingOptions(KeyDerivation.HKDF))
        val (alice, bob) = join("alice", keys.encryptionProvider()) to join("bob")
        val ours = alice.local.publishTrack(DataTrackOptions("plain", encryption = EncryptionMode.PLAIN))
        alice.local.publishTrack("sealed")
        val sealed = bob.remote.waitForTrack("sealed")
        val plain = bob.remote.waitForTrack("plain")
        raises<SubscribeException.DecryptionUnavailable> { sealed.subscribe() }
        raises<SubscribeException.InvalidOptions> { plain.subscribe(DataTrackSubscribeOptions(bufferFrames = 0u)) }
        bob.heldBack = ConcurrentLinkedQueue()
        val subscribing = async { runCatching { plain.subscribe() } }
        until { plain.subscriptionState() == SubscriptionState.PENDING }
        bob.remote.handleSignalResponse(subscriptionNotPermitted(plain.info().sid))
        raised<SubscribeException.NotPermitted>(subscribing.await().exceptionOrNull())
        bob.releaseSignals()
        ours.unpublish()
        plain.waitForUnpublish()
        raises<SubscribeException.Unpublished> { plain.subscribe() }
    }

    @Test
    fun `after a shutdown`() = test {
        val (alice, bob) = join("alice") to join("bob")
        connected(alice, bob)
        val remote = bob.remote.tracks().single()
        val waiting = async { runCatching { bob.remote.waitForTrack("never") } }
        yield()
        alice.local.shutdown()
        bob.remote.shutdown()
        raises<PublishException.Closed> { alice.local.publishTrack("late") }
        raises<SchemaException.Closed> { alice.local.defineSchema(POSE, ByteArray(3)) }
        raises<SubscribeException.Closed> { remote.subscribe() }
        raised<WaitException.Closed>(waiting.await().exceptionOrNull())
        raises<SignalException.Closed> { alice.local.handleSignalResponse(publishResponse("x", encrypted = false)) }
    }

    @Test
    fun `signals that are none`() = test {
        val alice = join("alice")
        val answer = publishResponse("nine", encrypted = false)
        raises<SignalException.Malformed> { alice.local.handleSignalResponse(ByteArray(3) { -1 }) }
        val unexpected = raises<SignalException.UnexpectedMessage> { alice.remote.handleSfuSubscriberHandles(answer) }
        assertEquals(27u, unexpected.tag)
        assertEquals(SignalOutcome.IGNORED, alice.remote.handleSignalResponse(answer))
    }

    @Test
    fun `keys that are none`() = test {
        raises<KeyRingException.InvalidOptions> { KeyRing(KeyRingOptions(ringSize = 0u)) }
        val keys = KeyRing(KeyRingOptions(KeyDerivation.HKDF))
        val invalid = raises<KeyRingException.InvalidKeyIndex> { keys.setSharedKey(ByteArray(3), 16u) }
        assertEquals(16u.toUByte() to 16u, invalid.keyIndex to invalid.ringSize)
        raises<KeyRingException.EmptyKey> { keys.setSharedKey(ByteArray(0), 0u) }
        raises<KeyRingException.KeyMissing> { keys.ratchetSharedKey(3u) }
        raises<EncryptionException.KeyMissing> { keys.encryptionProvider().encrypt(ByteArray(3)) }
        val sealed = EncryptedPayload(ByteArray(32), ByteArray(12), 5u)
        raises<DecryptionException.KeyMissing> { keys.decryptionProvider().decrypt(sealed, "alice") }
        keys.setSharedKey(ByteArray(3), 5u)
        raises<DecryptionException.Failed> { keys.decryptionProvider().decrypt(sealed, "alice") }
    }

    @Test
    fun `schemas that cannot be stored or found`() = test {
        val alice = join("alice")
        raises<SchemaException.InvalidSchema> { alice.local.defineSchema(POSE, ByteArray(0)) }
        raises<SchemaException.NotFound> { alice.local.getSchema("nobody", POSE) }
        alice.local.defineSchema(DataTrackSchemaId("Other", DataTrackSchemaEncoding.Protobuf), ByteArray(40_000))
        raises<SchemaException.LimitReached> { alice.local.defineSchema(POSE, ByteArray(40_000)) }
        assertIs<SchemaException.NotAllowed>(raisedByReason(alice, 2))
        val rejected = raisedByReason(alice, 6) as SchemaException.Rejected
        assertEquals(6 to "in words", rejected.code to rejected.detail)
        assertEquals("the SFU refused: in words (code: 6)", rejected.message)
    }

    @Test
    fun `a when over a sealed error needs no else`() {
        fun what(error: PushFrameException) = when (error) {
            is PushFrameException.TrackUnpublished -> "unpublished"
            is PushFrameException.QueueFull -> "full"
            is PushFrameException.FrameTooLarge -> "more than ${error.max}"
            is PushFrameException.EncryptionFailed -> "not encrypted"
            is PushFrameException.Cancelled -> "cancelled"
        }
        assertEquals("more than 7", what(PushFrameException.FrameTooLarge(7u)))
    }

    /** What defining a schema raises when the SFU refuses for this reason. */
    private suspend fun raisedByReason(peer: Peer, reason: Int): SchemaException = coroutineScope {
        peer.heldBack = ConcurrentLinkedQueue()
        val sent = peer.sentSignals.size
        val defining = async { runCatching { peer.local.defineSchema(POSE, ByteArray(3)) } }
        until { peer.sentSignals.size > sent }
        peer.local.handleSignalResponse(requestResponse(requestId(peer.sentSignals.last()), reason))
        raised<SchemaException>(defining.await().exceptionOrNull())
    }

    internal companion object {
        private val raised = mutableSetOf<Class<*>>()

        @JvmStatic
        @AfterAll
        fun `no error of the surface is left out`() {
            val families: List<KClass<out Exception>> = listOf(
                PublishException::class, PushFrameException::class, SubscribeException::class, WaitException::class,
                SignalException::class, EncryptionException::class, DecryptionException::class, KeyRingException::class,
                SchemaException::class, DelegateException::class,
            )
            val everything = families.flatMap { family -> family.java.declaredClasses.filter(family.java::isAssignableFrom) }
            assertTrue(everything.size > 50)
            assertEquals(emptySet<Class<*>>(), everything.toSet() - raised - NEVER_SEEN.keys)
        }

        private inline fun <reified E : Throwable> raises(call: () -> Unit): E = raised(assertFailsWith<E> { call() })

        private inline fun <reified E : Throwable> raised(error: Throwable?): E =
            assertIs<E>(error).also {
                raised.add(it.javaClass)
                assertTrue(" " in it.message.orEmpty(), "${it.javaClass} says: ${it.message}")
            }

        private val POSE = DataTrackSchemaId("Pose", DataTrackSchemaEncoding.Protobuf)

        private const val COROUTINES = "in Kotlin a cancelled call ends with a CancellationException"
        private const val HOSTS = "only hosts throw it"

        private val NEVER_SEEN = mapOf<Class<*>, String>(
            PublishException.Cancelled::class.java to COROUTINES,
            PushFrameException.Cancelled::class.java to COROUTINES,
            SubscribeException.Cancelled::class.java to COROUTINES,
            WaitException.Cancelled::class.java to COROUTINES,
            SchemaException.Cancelled::class.java to COROUTINES,
            DelegateException.Failed::class.java to HOSTS,
            EncryptionException.Failed::class.java to HOSTS,
        )
    }
}

// Signal messages of an SFU, by hand (LiveKit protocol, livekit_rtc.proto).

private fun number(field: Int, value: Int) = varint(field shl 3) + varint(value)

private fun publishResponse(name: String, encrypted: Boolean): ByteArray {
    val info = number(1, 1) + field(2, "DTR_forged".toByteArray()) + field(3, name.toByteArray())
    return field(PUBLISH_RESPONSE, field(1, if (encrypted) info + number(4, 1) else info))
}

private fun subscriptionNotPermitted(sid: String) = field(15, field(2, sid.toByteArray()))

private fun requestResponse(request: Int, reason: Int) =
    field(22, number(1, request) + number(2, reason) + field(3, "in words".toByteArray()))

/** The first field of the request inside a SignalRequest whose tag takes two bytes, as its length does one. */
private fun requestId(signal: ByteArray): Int {
    assertEquals(1 shl 3, signal[3].toInt())
    return signal.drop(4).withIndex().takeWhile { (at, _) -> at == 0 || signal[3 + at] < 0 }
        .sumOf { (at, byte) -> (byte.toInt() and 0x7f) shl (7 * at) }
}
