package core

import examples.PlainRoom
import io.datatracks.BufferPolicy
import io.datatracks.DataTrackFrame
import io.datatracks.DataTrackOptions
import io.datatracks.DataTrackStream
import io.datatracks.DataTrackSubscribeOptions
import io.datatracks.DecryptionProvider
import io.datatracks.EncryptedPayload
import io.datatracks.EncryptionProvider
import io.datatracks.KeyDerivation
import io.datatracks.KeyRing
import io.datatracks.KeyRingOptions
import io.datatracks.LocalDataTrackEvents
import io.datatracks.LocalDataTrackManager
import io.datatracks.LocalDataTrackTransport
import io.datatracks.LogLevel
import io.datatracks.LogRecord
import io.datatracks.Payload
import io.datatracks.PublishException
import io.datatracks.PushFrameException
import io.datatracks.RemoteDataTrack
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.StreamEndReason
import io.datatracks.SubscriptionState
import io.datatracks.UnpublishReason
import io.datatracks.WaitException
import io.datatracks.next
import io.datatracks.publishTrack
import io.datatracks.setLogSink
import io.datatracks.subscribe
import io.datatracks.tryPush
import io.datatracks.waitForTrack
import io.datatracks.waitForUnpublish
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import java.lang.ref.WeakReference
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit

/**
 * The core of the test list as a program of its own, without a test framework: it runs where an application does, for example after a
 * shrinker has renamed and removed what it could. Argument: port of `datatracks sfu --plain`. Closes with `N passed, N failed`.
 *
 * Every case holds in a real room as well, through `datatracks bridge --plain`. Not in the list, since only the embedded SFU has controls
 * for it: rights that are given and taken, sessions and answers that get lost.
 */
object CoreList {
    val names: List<String> get() = CASES.keys.toList()

    @JvmStatic
    fun main(arguments: Array<String>) {
        val address = InetSocketAddress("127.0.0.1", arguments.single().toInt())
        val failures = names.mapNotNull { name -> runCatching { run(name, address) }.exceptionOrNull() }
        failures.forEach(Throwable::printStackTrace)
        println("${names.size - failures.size} passed, ${failures.size} failed")
        if (failures.isNotEmpty()) throw IllegalStateException("${failures.size} of the core list failed")
    }

    /** Runs one case in a room of its own, of the embedded SFU or [isReal]. */
    fun run(name: String, address: InetSocketAddress, isReal: Boolean = false): Unit = runBlocking {
        val room = Room(address, "core $name", isReal)
        try {
            withTimeout(30_000) { CASES.getValue(name)(room) }
        } catch (failure: Throwable) {
            throw AssertionError("$name: $failure", failure)
        } finally {
            room.close()
        }
    }
}

private val CASES: Map<String, suspend (Room) -> Unit> = mapOf(
    "frames of every size" to { room ->
        val (track, stream) = room.connected()
        for (size in listOf(0, 1, 15_988, 15_989, 1 shl 20)) {
            val payload = ByteArray(size) { (it % 251).toByte() }
            val arrived = room.arrival(stream, size.toULong()) { track.tryPush(DataTrackFrame(payload, size.toULong())) }
            check(arrived?.payload.contentEquals(payload)) { "$size bytes" }
        }
    },
    "buffers from position to limit" to { room ->
        val (track, stream) = room.connected()
        val direct = ByteBuffer.allocateDirect(12).put("..payload...".toByteArray())
        for ((tag, buffer) in listOf(direct, ByteBuffer.wrap("..payload...".toByteArray())).withIndex()) {
            buffer.position(2)
            buffer.limit(9)
            val arrived = room.arrival(stream, tag.toULong()) { track.tryPush(buffer, tag.toULong()) }
            check(arrived?.payload?.decodeToString() == "payload")
        }
    },
    "tracks that are there before the join" to { room ->
        val track = room.alice.local.publishTrack("samples")
        val later = room.join("later").remote
        val found = later.waitForTrack("samples", "alice")
        check(later.tracks() == listOf(found) && later.tracksByPublisher("alice") == listOf(found)) { "${later.tracks()}" }
        check(found.info().sid.startsWith("DTR_") && later.tracksByPublisher("bob").isEmpty())
        val stream = found.subscribe()
        check(room.arrival(stream, 1u) { track.tryPush(ByteArray(1), 1u) } != null)
    },
    "subscribing again at once" to { room ->
        var (track, stream) = room.connected()
        val remote = room.bob.remote.tracks().single()
        for (tag in 0uL..4uL) {
            stream.close()
            stream = remote.subscribe()
            check(room.arrival(stream, tag) { track.tryPush(ByteArray(1), tag) } != null)
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
        val remote = room.bob.remote.tracks().single()
        check(isCancelled { stream.next() })
        check(isCancelled { remote.waitForUnpublish() })
        check(isCancelled { room.bob.remote.waitForTrack("never") })
        track.unpublish()
        check(stream.next() == null && stream.endReason() == StreamEndReason.UNPUBLISHED)
        check(track.waitForUnpublish() == UnpublishReason.REQUESTED && remote.waitForUnpublish() == UnpublishReason.REQUESTED)
        check(room.alice.local.publishTrack("samples").isPublished()) { "the name is not free again" }
        // Whatever is told twice has been told before the next track.
        while (room.events.count { it == "published" } < 2) delay(5)
        check(room.events.filter { "published" in it } == listOf("published", "unpublished", "published")) { "${room.events}" }
        check(SubscriptionState.ACTIVE.name in room.events) { "${room.events}" }
    },
    "what only a manager holds" to { _ ->
        val (manager, held) = managerAlone()
        val unheld = WeakReference(Any())
        while (unheld.get() != null) {
            System.gc()
            delay(5)
        }
        check(held.none { it.get() == null }) { "its transport or its listener is gone" }
        manager.close()
    },
    "waits that a shutdown ends" to { room ->
        val (track, stream) = room.connected()
        coroutineScope {
            val (next, theirs, found, ours) = listOf<suspend () -> Any?>(
                { stream.next() },
                { room.bob.remote.tracks().single().waitForUnpublish() },
                { room.bob.remote.waitForTrack("never") },
                { track.waitForUnpublish() },
            ).map { call -> async(start = CoroutineStart.UNDISPATCHED) { runCatching { call() } } }
            check(listOf(next, theirs, found, ours).none { it.isCompleted })
            room.bob.remote.shutdown()
            room.alice.local.shutdown()
            check(next.await().getOrThrow() == null && stream.endReason() == StreamEndReason.SHUTDOWN)
            for (end in listOf(theirs, ours)) check(end.await().getOrThrow() == UnpublishReason.SHUTDOWN)
            check(found.await().exceptionOrNull() is WaitException.Closed)
        }
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

/** Starts a call that waits, and cancels it. */
private suspend fun isCancelled(call: suspend () -> Unit): Boolean = coroutineScope {
    val job = launch(start = CoroutineStart.UNDISPATCHED) { call() }
    val waited = job.isActive
    job.cancelAndJoin()
    waited && job.isCancelled
}

private class Room(
    private val address: InetSocketAddress,
    private val name: String,
    private val isReal: Boolean,
) : AutoCloseable {
    val events = ConcurrentLinkedQueue<String>()
    private val members = mutableListOf<PlainRoom>()
    val alice = join("alice")
    val bob = join("bob")

    fun join(
        identity: String,
        encryption: EncryptionProvider? = null,
        decryption: DecryptionProvider? = null,
    ): PlainRoom = PlainRoom(
        address, identity, name, remoteEvents = Told(events), encryption = encryption, decryption = decryption,
    ).also {
        members.add(it)
        it.connect()
        check(it.joined.await(10, TimeUnit.SECONDS)) { "no JoinResponse within 10 s" }
    }

    suspend fun connected(publisher: PlainRoom = alice, subscriber: PlainRoom = bob) =
        publisher.local.publishTrack(DataTrackOptions("samples")) to
            subscriber.remote.waitForTrack("samples", publisher.identity)
                .subscribe(DataTrackSubscribeOptions(bufferPolicy = BufferPolicy.DROP_NEWEST))

    suspend fun sealed(encryption: EncryptionProvider, decryption: DecryptionProvider) {
        val (track, stream) = connected(join("carol", encryption), join("dora", decryption = decryption))
        val arrived = arrival(stream, 1u) { track.tryPush("secret".toByteArray(), 1u) }
        check(track.info().usesE2ee && arrived?.payload?.decodeToString() == "secret")
    }

    /**
     * What arrives of the frame with this tag. The embedded SFU loses none. A real one needs a moment to switch a subscription over, and
     * its packets are UDP: a large frame is spread over time, since room is reported, and pushed again if it has not come.
     */
    suspend fun arrival(stream: DataTrackStream, tag: ULong, push: () -> Unit): DataTrackFrame? {
        while (isReal) {
            val arrived = withTimeoutOrNull(PATIENCE_MS) {
                reportingRoom {
                    push()
                    stream.tagged(tag)
                }
            }
            if (arrived != null) return arrived
        }
        push()
        return stream.tagged(tag)
    }

    private suspend fun <R> reportingRoom(block: suspend () -> R): R = coroutineScope {
        val reports = launch(start = CoroutineStart.UNDISPATCHED) {
            while (true) {
                alice.local.handleBufferedAmount(0u)
                delay(2)
            }
        }
        block().also { reports.cancel() }
    }

    override fun close() = members.forEach { it.close() }
}

/** Passes over frames that were pushed again and came twice. */
private suspend fun DataTrackStream.tagged(tag: ULong): DataTrackFrame? {
    while (true) {
        val frame = next() ?: return null
        if (frame.userTimestamp == tag) return frame
    }
}

/** A manager, and what nobody else has. */
private fun managerAlone(): Pair<LocalDataTrackManager, List<WeakReference<Any>>> {
    val transport = object : LocalDataTrackTransport {
        override fun onSignalRequest(request: ByteArray) = Unit
        override fun onPacketsAvailable(packets: List<ByteArray>) = Unit
    }
    val events = object : LocalDataTrackEvents {}
    return LocalDataTrackManager(transport, events) to listOf(WeakReference(transport), WeakReference(events))
}

private class Told(private val events: ConcurrentLinkedQueue<String>) : RemoteDataTrackEvents {
    override fun onTrackPublished(track: RemoteDataTrack) {
        events.add("published")
    }

    override fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) {
        events.add("unpublished")
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

/** Longer than the largest frame takes where it is spread over time. */
private const val PATIENCE_MS = 500L
