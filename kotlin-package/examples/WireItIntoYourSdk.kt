package examples

import io.datatracks.DecryptionProvider
import io.datatracks.EncryptionProvider
import io.datatracks.LocalDataTrackEvents
import io.datatracks.LocalDataTrackManager
import io.datatracks.LocalDataTrackTransport
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.RemoteDataTrackManager
import io.datatracks.RemoteDataTrackTransport
import io.datatracks.defaultEventDispatcher
import io.datatracks.handlePacketReceived
import kotlinx.coroutines.CoroutineDispatcher
import java.nio.ByteBuffer

/**
 * Stands for your signalling client. Throws when the WebSocket is not open. That of OkHttp answers false instead:
 * `if (!webSocket.send(request.toByteString())) throw IOException("the WebSocket is closed")`.
 */
interface SignalingClient {
    fun sendRequest(request: ByteArray)
}

/**
 * Stands for your `DataChannel`: label `_data_track`, unordered, no retransmits. Throws when it is not open. That of org.webrtc answers false
 * instead: `if (!channel.send(Buffer(ByteBuffer.wrap(packet), true))) throw IOException("the channel is closed")`.
 */
interface DataChannel {
    fun sendMessage(packet: ByteArray)
}

/**
 * The adapter between an SDK's room and the data tracks: everything that there is to do. Make one before the first message of the
 * WebSocket is handed in, keep it as long as the room, hand the application [local] and [remote].
 */
class RoomDataTracks(
    private val signaling: SignalingClient,
    private val channel: DataChannel,
    localIdentity: String,
    localEvents: LocalDataTrackEvents? = null,
    remoteEvents: RemoteDataTrackEvents? = null,
    encryption: EncryptionProvider? = null,
    decryption: DecryptionProvider? = null,
    eventDispatcher: CoroutineDispatcher? = defaultEventDispatcher(),
) : LocalDataTrackTransport, RemoteDataTrackTransport, AutoCloseable {
    // One manager for what we publish and one for what we read. The managers hold us; we hold them.
    val local = LocalDataTrackManager(this, localEvents, encryption, localIdentity, eventDispatcher)
    val remote = RemoteDataTrackManager(this, remoteEvents, decryption, localIdentity, eventDispatcher)

    // Both managers ask the SFU through the WebSocket. What the client throws tells them that the request was not sent.
    override fun onSignalRequest(request: ByteArray) = signaling.sendRequest(request)

    // The packets of a frame: each is one binary message. What the channel throws tells that the frame was not sent.
    override fun onPacketsAvailable(packets: List<ByteArray>) = packets.forEach(channel::sendMessage)

    /** Call it with every SignalResponse, the join response first, as received, in order. Each manager takes what is its own. */
    fun onSignalResponse(response: ByteArray) {
        local.handleSignalResponse(response)
        remote.handleSignalResponse(response)
    }

    /** Call it with every binary message of both `_data_track` channels, on the thread it comes on. */
    fun onMessage(packet: ByteBuffer) = remote.handlePacketReceived(packet)

    /**
     * Call it after sending and when the channel runs low, with `channel.bufferedAmount()`, never with the argument of WebRTC's callback: that
     * is the amount before. Once you began, go on: frames are paced by it. While the channel is not open give it 0xFFFF_FFFF: frames wait.
     */
    fun reportBufferedAmount(waiting: Long) = local.handleBufferedAmount(waiting.toULong())

    /** A quick reconnect: these go into `SyncState.publish_data_tracks`, before the requests that have waited. Then [onResumed]. */
    fun tracksForSyncState(): List<ByteArray> = local.publishResponsesForSyncState()

    /** A quick reconnect, after the SyncState: the SFU may have forgotten what we read. */
    fun onResumed() = remote.resendSubscriptionUpdates()

    /**
     * A full reconnect, after the new join response was handed in: the SFU knows nothing of us any more. Requests that have waited are thrown
     * away before: they are made anew.
     */
    fun onRejoined() {
        local.republishTracks()
        remote.resendSubscriptionUpdates()
    }

    /** The room ends: every wait ends, streams complete, callbacks stop. Calls are still taken, and answered with an error. */
    fun shutdown() {
        local.shutdown()
        remote.shutdown()
    }

    /** The end, when WebSocket and channel hand nothing in any more: a call after this is a mistake. */
    override fun close() {
        local.close()
        remote.close()
    }
}
