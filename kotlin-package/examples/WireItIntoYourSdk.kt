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

/** Stands for your signalling client. Throws when the WebSocket is not open. */
interface SignalingClient {
    fun sendRequest(request: ByteArray)
}

/** Stands for your `RTCDataChannel`: label `_data_track`, unordered, no retransmits. Throws when it is not open. */
interface DataChannel {
    fun sendMessage(packet: ByteArray)
}

/**
 * The adapter between an SDK's room and the data tracks: everything that there is to do. Make one when the room is joined,
 * keep it as long as the room, hand the application [local] and [remote].
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

    /** Call it with every SignalResponse, as received, from any thread. Each manager takes what is its own. */
    fun onSignalResponse(response: ByteArray) {
        local.handleSignalResponse(response)
        remote.handleSignalResponse(response)
    }

    /** Call it with every binary message of both `_data_track` channels, on the thread it comes on. */
    fun onMessage(packet: ByteBuffer) = remote.handlePacketReceived(packet)

    /** Call it after sending and when the channel runs low. Once you began, go on: frames are paced by it. */
    fun onBufferedAmountChange(bytes: Long) = local.handleBufferedAmount(bytes.toULong())

    /** A quick reconnect: these go into `SyncState.publish_data_tracks`, then [onResumed]. */
    fun tracksForSyncState(): List<ByteArray> = local.publishResponsesForSyncState()

    /** A quick reconnect, after the SyncState: the SFU may have forgotten what we read. */
    fun onResumed() = remote.resendSubscriptionUpdates()

    /** A full reconnect, after the new join response was handed in: the SFU knows nothing of us any more. */
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
