package host

import dev.onvoid.webrtc.CreateSessionDescriptionObserver
import dev.onvoid.webrtc.PeerConnectionFactory
import dev.onvoid.webrtc.PeerConnectionObserver
import dev.onvoid.webrtc.RTCConfiguration
import dev.onvoid.webrtc.RTCDataChannel
import dev.onvoid.webrtc.RTCDataChannelBuffer
import dev.onvoid.webrtc.RTCDataChannelInit
import dev.onvoid.webrtc.RTCDataChannelObserver
import dev.onvoid.webrtc.RTCDataChannelState
import dev.onvoid.webrtc.RTCIceCandidate
import dev.onvoid.webrtc.RTCOfferOptions
import dev.onvoid.webrtc.RTCPeerConnectionState
import dev.onvoid.webrtc.RTCSdpType
import dev.onvoid.webrtc.RTCSessionDescription
import dev.onvoid.webrtc.SetSessionDescriptionObserver
import dev.onvoid.webrtc.media.audio.HeadlessAudioDeviceModule
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.drop
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.suspendCancellableCoroutine
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** What a [Peer] tells, on threads of WebRTC. */
interface PeerEvents {
    fun onCandidate(candidate: RTCIceCandidate)
    fun onMessage(packet: ByteBuffer)
    fun onBufferedAmount(bytes: Long)
}

/** The peer connection to the SFU, and on it the channel of all data tracks, which takes packets both ways. */
class Peer(private val events: PeerEvents) : PeerConnectionObserver, RTCDataChannelObserver {
    private val connectionState = MutableStateFlow(RTCPeerConnectionState.NEW)
    private val channelState = MutableStateFlow(RTCDataChannelState.CONNECTING)
    private val connection = FACTORY.createPeerConnection(RTCConfiguration(), this)

    /** Null when it is closed. Who sends has its lock, so that nobody closes it meanwhile: a channel that is disposed of is memory of others. */
    private var channel: RTCDataChannel? = connection.createDataChannel("_data_track", UNRELIABLE)
    private val lock = Any()

    init {
        channel?.registerObserver(this)
    }

    val hasChannel get() = channelState.value == RTCDataChannelState.OPEN

    suspend fun untilUsable() {
        states().first { (connection, channel) -> connection == RTCPeerConnectionState.CONNECTED && channel == RTCDataChannelState.OPEN }
    }

    /** What is broken already does not count: it may be about to be mended. A restart of ICE shows as `CONNECTING`. */
    suspend fun untilBroken() {
        states().drop(1).first { (connection, channel) -> connection in BROKEN || channel > RTCDataChannelState.OPEN }
    }

    private fun states() = combine(connectionState, channelState, ::Pair)

    /** Says which description to send; ICE begins when it was sent. */
    suspend fun offer(restart: Boolean, send: (sdp: String) -> Unit) {
        val options = RTCOfferOptions().apply { iceRestart = restart }
        val offer = suspendCancellableCoroutine { connection.createOffer(options, Created(it)) }
        send(offer.sdp)
        suspendCancellableCoroutine { connection.setLocalDescription(offer, Applied(it)) }
    }

    suspend fun accept(answer: String) {
        val description = RTCSessionDescription(RTCSdpType.ANSWER, answer)
        suspendCancellableCoroutine { connection.setRemoteDescription(description, Applied(it)) }
    }

    fun addCandidate(candidate: RTCIceCandidate) {
        runCatching { connection.addIceCandidate(candidate) } // one that is of no use is one way less
    }

    /** Sends the packets of a frame, and answers how much waits then. Throws when that is not possible. */
    fun send(packets: List<ByteBuffer>): Long = synchronized(lock) {
        val channel = channel ?: throw IOException("the channel is closed")
        packets.forEach { channel.send(RTCDataChannelBuffer(it, true)) }
        channel.bufferedAmount
    }

    fun close() {
        // Not under the lock: closing waits for threads that may be about to send.
        val channel = synchronized(lock) { channel.also { channel = null } } ?: return
        channel.unregisterObserver()
        channel.close()
        channel.dispose()
        connection.close()
    }

    override fun onIceCandidate(candidate: RTCIceCandidate) = events.onCandidate(candidate)

    override fun onConnectionChange(state: RTCPeerConnectionState) {
        connectionState.value = state
    }

    override fun onStateChange() {
        channelState.value = synchronized(lock) { channel?.state } ?: RTCDataChannelState.CLOSED
    }

    override fun onMessage(buffer: RTCDataChannelBuffer) = events.onMessage(buffer.data)

    override fun onBufferedAmountChange(previous: Long) {
        events.onBufferedAmount(synchronized(lock) { channel?.bufferedAmount } ?: return)
    }

    private companion object {
        val BROKEN = setOf(RTCPeerConnectionState.DISCONNECTED, RTCPeerConnectionState.FAILED)

        /** Without audio: on a machine that has none the usual factory ends the process. */
        val FACTORY = PeerConnectionFactory(HeadlessAudioDeviceModule())
        val UNRELIABLE = RTCDataChannelInit().apply {
            ordered = false
            maxRetransmits = 0
        }
    }
}

private class Created(private val caller: Continuation<RTCSessionDescription>) : CreateSessionDescriptionObserver {
    override fun onSuccess(description: RTCSessionDescription) = caller.resume(description)
    override fun onFailure(error: String) = caller.resumeWithException(IOException(error))
}

private class Applied(private val caller: Continuation<Unit>) : SetSessionDescriptionObserver {
    override fun onSuccess() = caller.resume(Unit)
    override fun onFailure(error: String) = caller.resumeWithException(IOException(error))
}
