package io.datatracks

import kotlinx.coroutines.CoroutineDispatcher
import java.lang.ref.WeakReference
import java.nio.ByteBuffer

/** What your SDK's transport does for what is published. Called on the thread whose call caused it; must not block. */
public interface LocalDataTrackTransport {
    /**
     * Sends these bytes (a SignalRequest) over the WebSocket, in order. Throw when that is not possible: what waits for the answer
     * then fails at once.
     */
    public fun onSignalRequest(request: ByteArray)

    /** Sends each packet as one binary message on `_data_track`, in order. Throw when the channel is not open: the frame is dropped and counted. */
    public fun onPacketsAvailable(packets: List<ByteArray>)
}

/**
 * The same where the channel takes direct buffers and is done with them when its call returns, as that of org.webrtc and of webrtc-java: spares
 * an array and a copy a packet.
 */
public interface DirectDataTrackTransport : LocalDataTrackTransport {
    /**
     * As [onPacketsAvailable]. The packets are lent: only to be read, from position 0 to the limit, and only until this returns. What is
     * kept for longer has to be copied, or else the process reads memory that is another's.
     */
    public fun onPacketsLent(packets: List<ByteBuffer>)

    override fun onPacketsAvailable(packets: List<ByteArray>): Unit = onPacketsLent(packets.map(ByteBuffer::wrap))
}

/** What your SDK's transport does for what is subscribed to. Called on the thread whose call caused it; must not block. */
public interface RemoteDataTrackTransport {
    /**
     * Sends these bytes (a SignalRequest) over the WebSocket, in order. Throw when that is not possible: what waits for the answer
     * then fails at once.
     */
    public fun onSignalRequest(request: ByteArray)
}

/** What the application hears of its own tracks. Override what you need. */
public interface LocalDataTrackEvents {
    /** A track of ours is published (once a track). */
    public fun onTrackPublished(track: LocalDataTrack) {}

    /** A track of ours is no longer published (once a track). */
    public fun onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) {}
}

/** What the application hears of the tracks of others. Override what you need. */
public interface RemoteDataTrackEvents {
    /** A participant publishes a track (once a track). */
    public fun onTrackPublished(track: RemoteDataTrack) {}

    /** A track is no longer published (once a track). */
    public fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) {}

    /** The subscription to a track changed its state. */
    public fun onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) {}
}

/**
 * A manager that publishes tracks through [transport] and tells [events] of them.
 *
 * All are held by the manager that you hold: let go of it, and everything goes. `localIdentity` is this participant's identity; null: it is
 * learned from the join response. Events run in order on [eventDispatcher]; null: on the thread that causes them.
 */
public fun LocalDataTrackManager(
    transport: LocalDataTrackTransport,
    events: LocalDataTrackEvents? = null,
    encryptionProvider: EncryptionProvider? = null,
    localIdentity: String? = null,
    eventDispatcher: CoroutineDispatcher? = defaultEventDispatcher(),
): LocalDataTrackManager {
    val delegate = LocalDelegate(WeakReference(transport), WeakReference(events), EventQueue(eventDispatcher))
    return object : LocalDataTrackManager(delegate, encryptionProvider?.heldWeakly(), localIdentity) {
        @Suppress("unused")
        private val held = listOf(transport, events, encryptionProvider)
    }
}

/**
 * A manager that knows the tracks of the others, asks for them through [transport] and tells [events] of them.
 *
 * All are held by the manager that you hold: let go of it, and everything goes. `localIdentity` is this participant's identity; null: it is
 * learned from the join response. Events run in order on [eventDispatcher]; null: on the thread that causes them.
 */
public fun RemoteDataTrackManager(
    transport: RemoteDataTrackTransport,
    events: RemoteDataTrackEvents? = null,
    decryptionProvider: DecryptionProvider? = null,
    localIdentity: String? = null,
    eventDispatcher: CoroutineDispatcher? = defaultEventDispatcher(),
): RemoteDataTrackManager {
    val delegate = RemoteDelegate(WeakReference(transport), WeakReference(events), EventQueue(eventDispatcher))
    return object : RemoteDataTrackManager(delegate, decryptionProvider?.heldWeakly(), localIdentity) {
        @Suppress("unused")
        private val held = listOf(transport, events, decryptionProvider)
    }
}

// The library is a root for the garbage collector: what it held strongly, and what that holds, would never go.

private class LocalDelegate(
    private val transport: WeakReference<LocalDataTrackTransport>,
    private val events: WeakReference<LocalDataTrackEvents>,
    private val queue: EventQueue,
) : LocalDataTrackManagerDelegate {
    override fun onSignalRequest(request: ByteArray) = transport.orThrow().onSignalRequest(request)

    override fun onPacketsAvailable(packets: PacketBatch) = when (val transport = transport.orThrow()) {
        is DirectDataTrackTransport -> transport.onPacketsLent(packets.buffers())
        else -> transport.onPacketsAvailable(packets.copies())
    }

    override fun onTrackPublished(track: LocalDataTrack) = queue.tell(events) { it.onTrackPublished(track) }

    override fun onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) =
        queue.tell(events) { it.onTrackUnpublished(track, reason) }
}

private class RemoteDelegate(
    private val transport: WeakReference<RemoteDataTrackTransport>,
    private val events: WeakReference<RemoteDataTrackEvents>,
    private val queue: EventQueue,
) : RemoteDataTrackManagerDelegate {
    override fun onSignalRequest(request: ByteArray) = transport.orThrow().onSignalRequest(request)

    override fun onTrackPublished(track: RemoteDataTrack) = queue.tell(events) { it.onTrackPublished(track) }

    override fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) =
        queue.tell(events) { it.onTrackUnpublished(track, reason) }

    override fun onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) =
        queue.tell(events) { it.onSubscriptionChanged(track, state) }
}

// That of a key ring is no object of the JVM's: native code calls nothing.

private fun EncryptionProvider.heldWeakly(): EncryptionProvider {
    if (this is EncryptionProviderImpl) return this
    val provider = WeakReference(this)
    return object : EncryptionProvider {
        override fun encrypt(payload: Payload) = (provider.get() ?: throw EncryptionException.Failed()).encrypt(payload)
    }
}

private fun DecryptionProvider.heldWeakly(): DecryptionProvider {
    if (this is DecryptionProviderImpl) return this
    val provider = WeakReference(this)
    return object : DecryptionProvider {
        override fun decrypt(payload: EncryptedPayload, publisherIdentity: String) =
            (provider.get() ?: throw DecryptionException.Failed()).decrypt(payload, publisherIdentity)
    }
}

private fun <T : Any> WeakReference<T>.orThrow(): T = get() ?: throw DelegateException.Failed("the transport is gone")
