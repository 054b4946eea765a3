package core

import examples.PlainRoom
import io.datatracks.BufferPolicy
import io.datatracks.DataTrackFrame
import io.datatracks.DataTrackOptions
import io.datatracks.DataTrackSubscribeOptions
import io.datatracks.DecryptionProvider
import io.datatracks.EncryptedPayload
import io.datatracks.EncryptionProvider
import io.datatracks.KeyDerivation
import io.datatracks.KeyRing
import io.datatracks.KeyRingOptions
import io.datatracks.LogLevel
import io.datatracks.LogRecord
import io.datatracks.Payload
import io.datatracks.PublishException
import io.datatracks.PushFrameException
import io.datatracks.RemoteDataTrack
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.SubscriptionState
import io.datatracks.UnpublishReason
import io.datatracks.next
import io.datatracks.publishTrack
import io.datatracks.setLogSink
import io.datatracks.subscribe
import io.datatracks.tryPush
import io.datatracks.waitForTrack
import io.datatracks.waitForUnpublish
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue

/**
 * The core of the test list as a program of its own, without a test framework: it runs where an application does, for example after a
 * shrinker has renamed and removed what it could. Argument: port of `datatracks sfu --plain`. Closes with `N passed, N failed`.
 */
object CoreList {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val address = InetSocketAddress("127.0.0.1", arguments.single().toInt())
        val failures = CASES.mapNotNull { (name, case) -> runCatching { run(address, name, case) }.exceptionOrNull() }
        failures.forEach(Throwable::printStackTrace)
        println("${CASES.size - failures.size} passed, ${failures.size} failed")
        if (failures.isNotEmpty()) throw IllegalStateException("${failures.size} of the core list failed")
    }

    private fun run(address: InetSocketAddress, name: String, case: suspend (Room) -> Unit) = runBlocking {
        val room = Room(address, "core $name")
        try {
            withTimeout(30_000) { case(room) }
        } finally {
            room.close()
        }
    }
}

private val CASES: List<Pair<String, suspend (Room) -> Unit>> = listOf(
    "frames of every size" to { room ->
        val (track, stream) = room.connected()
        for (size in listOf(0, 1, 15_988, 15_989, 1 shl 20)) {
            val payload = ByteArray(size) { (it % 251).toByte() }
            track.tryPush(DataTrackFrame(payload, size.toULong()))
            val frame = stream.next()
            check(frame?.payload.contentEquals(payload) && frame?.userTimestamp == size.toULong()) { "$size bytes" }
        }
    },
    "buffers from position to limit" to { room ->
        val (track, stream) = room.connected()
        val direct = ByteBuffer.allocateDirect(12).put("..payload...".toByteArray())
        for (buffer in listOf(direct, ByteBuffer.wrap("..payload...".toByteArray()))) {
            buffer.position(2)
            buffer.limit(9)
            track.tryPush(buffer, 7u)
            check(stream.next()?.payload?.decodeToString() == "payload")
        }
    },
    "errors by their types" to { room ->
        val track = room.alice.local.publishTrack("samples")
        val duplicate = runCatching { room.alice.local.publishTrack("samples") }.exceptionOrNull()
        check(duplicate is PublishException.DuplicateName && " " in duplicate.message) { "$duplicate" }
        val large = runCatching { track.tryPush(ByteArray(3 shl 20)) }.exceptionOrNull()
        check(large is PushFrameException.FrameTooLarge && large.max > 1_000_000u) { "$large" }
    },
    "keys" to { room ->
        val keys = KeyRing(KeyRingOptions(KeyDerivation.HKDF))
        keys.setSharedKey("key".toByteArray(), 0u)
        room.sealed(keys.encryptionProvider(), keys.decryptionProvider())
    },
    "a provider of the application" to { room -> room.sealed(Turning, Turning) },
    "a provider that throws" to { room ->
        val throwing = object : EncryptionProvider {
            override fun encrypt(payload: Payload) = throw ArithmeticException("no keys today")
        }
        val dave = room.join("dave", encryption = throwing)
        val track = dave.local.publishTrack("never")
        val refused = runCatching { track.tryPush("secret".toByteArray()) }.exceptionOrNull()
        check(refused is PushFrameException.EncryptionFailed) { "$refused" }
        check(dave.local.stats().delegateErrors == 1uL)
    },
    "events, cancellation, the end" to { room ->
        val (track, stream) = room.connected()
        val reading = launchAndCancel { stream.next() }
        check(reading)
        track.unpublish()
        check(stream.next() == null && track.waitForUnpublish() == UnpublishReason.REQUESTED)
        check("published" in room.events && SubscriptionState.ACTIVE.name in room.events) { "${room.events}" }
    },
    "log records" to { room ->
        val records = ConcurrentLinkedQueue<LogRecord>()
        setLogSink(LogLevel.TRACE) { records.add(it) }
        room.connected()
        runCatching { room.alice.local.handleSignalResponse(byteArrayOf(-1, -1, -1)) }
        setLogSink(null, LogLevel.ERROR)
        check(records.all { it.target.startsWith("datatracks") }) { "$records" }
    },
)

private suspend fun launchAndCancel(call: suspend () -> Unit): Boolean = coroutineScope {
    val job = launch { call() }
    job.cancelAndJoin()
    job.isCancelled
}

private class Room(private val address: InetSocketAddress, private val name: String) : AutoCloseable {
    val events = ConcurrentLinkedQueue<String>()
    private val members = mutableListOf<PlainRoom>()
    val alice = join("alice")
    private val bob = join("bob")

    fun join(
        identity: String,
        encryption: EncryptionProvider? = null,
        decryption: DecryptionProvider? = null,
    ): PlainRoom = PlainRoom(
        address, identity, name, remoteEvents = Told(events), encryption = encryption, decryption = decryption,
    ).also {
        members.add(it)
        it.connect()
        it.joined.await()
    }

    suspend fun connected(publisher: PlainRoom = alice, subscriber: PlainRoom = bob) =
        publisher.local.publishTrack(DataTrackOptions("samples")) to
            subscriber.remote.waitForTrack("samples", publisher.identity)
                .subscribe(DataTrackSubscribeOptions(bufferPolicy = BufferPolicy.DROP_NEWEST))

    suspend fun sealed(encryption: EncryptionProvider, decryption: DecryptionProvider) {
        val (track, stream) = connected(join("carol", encryption), join("dora", decryption = decryption))
        track.tryPush("secret".toByteArray())
        check(track.info().usesE2ee && stream.next()?.payload?.decodeToString() == "secret")
    }

    override fun close() = members.forEach { it.close() }
}

private class Told(private val events: ConcurrentLinkedQueue<String>) : RemoteDataTrackEvents {
    override fun onTrackPublished(track: RemoteDataTrack) {
        events.add("published")
    }

    override fun onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) {
        events.add(state.name)
    }
}

/** No cipher at all: the bytes are turned round. */
private object Turning : EncryptionProvider, DecryptionProvider {
    override fun encrypt(payload: Payload) = EncryptedPayload(payload.reversedArray(), ByteArray(12), 3u)

    override fun decrypt(payload: EncryptedPayload, publisherIdentity: String) = payload.payload.reversedArray()
}
