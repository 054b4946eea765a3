package host

import dev.onvoid.webrtc.CreateSessionDescriptionObserver
import dev.onvoid.webrtc.PeerConnectionFactory
import dev.onvoid.webrtc.PeerConnectionObserver
import dev.onvoid.webrtc.RTCAnswerOptions
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
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.drop
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.merge
import kotlinx.coroutines.suspendCancellableCoroutine
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.coroutines.Continuation
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** What a [Peer] tells, on threads of WebRTC. */
interface PeerEvents {
    fun onCandidate(role: Role, candidate: RTCIceCandidate)
    fun onMessage(packet: ByteBuffer)
    fun onBufferedAmount(bytes: Long)
}

/** A participant has two connections: we offer the one and send on it, the SFU offers the other, if there is something to receive. */
enum class Role { PUBLISHER, SUBSCRIBER }

/** A peer connection to the SFU and its channel `_data_track`. */
class Peer(
    webRtc: PeerConnectionFactory,
    private val role: Role,
    private val events: PeerEvents,
) : PeerConnectionObserver, RTCDataChannelObserver {
    private val connectionState = MutableStateFlow(RTCPeerConnectionState.NEW)
    private val channelState = MutableStateFlow(RTCDataChannelState.CONNECTING)
    private val connection = webRtc.createPeerConnection(RTCConfiguration(), this)

    // Who uses the channel has the lock, so that nobody disposes of it meanwhile.
    private val lock = Any()
    private var channel: RTCDataChannel? = null

    init {
        if (role == Role.PUBLISHER) take(connection.createDataChannel(LABEL, UNRELIABLE))
    }

    val isClosed get() = channelState.value > RTCDataChannelState.OPEN

    /** Whether frames can flow. Throws [Refused] when the server closes the channel instead. */
    val isUsable get() = states().map { (connection, channel) ->
        if (channel > RTCDataChannelState.OPEN) throw Refused()
        val isOpen = connection == RTCPeerConnectionState.CONNECTED && channel == RTCDataChannelState.OPEN
        isOpen || role == Role.SUBSCRIBER && connection == RTCPeerConnectionState.NEW
    }

    /** What is broken already does not count: it may be about to be mended. A restart of ICE shows as `CONNECTING`. */
    val breaks get() = states().drop(1).filter { (connection, channel) -> connection in BROKEN || channel > RTCDataChannelState.OPEN }

    private fun states() = combine(connectionState, channelState, ::Pair)

    /** Hands out the offer before its candidates come. */
    suspend fun offer(restart: Boolean, send: (sdp: String) -> Unit) {
        val options = RTCOfferOptions().apply { iceRestart = restart }
        describe(send) { connection.createOffer(options, it) }
    }

    suspend fun answer(offer: String, send: (sdp: String) -> Unit) {
        accept(RTCSdpType.OFFER, offer)
        describe(send) { connection.createAnswer(RTCAnswerOptions(), it) }
    }

    suspend fun accept(type: RTCSdpType, sdp: String): Unit = suspendCancellableCoroutine {
        try {
            connection.setRemoteDescription(RTCSessionDescription(type, sdp), Applied(it))
        } catch (error: Error) {
            it.resumeWithException(IOException(error)) // webrtc-java throws this for what it cannot even read
        }
    }

    private suspend fun describe(send: (sdp: String) -> Unit, create: (CreateSessionDescriptionObserver) -> Unit) {
        val description = suspendCancellableCoroutine { create(Created(it)) }
        send(description.sdp)
        suspendCancellableCoroutine { connection.setLocalDescription(description, Applied(it)) }
    }

    fun addCandidate(candidate: RTCIceCandidate) {
        runCatching { connection.addIceCandidate(candidate) } // one that is of no use is one way less
    }

    /** Sends the packets of a frame, and answers how many bytes wait then. Throws when that is not possible. */
    fun send(packets: List<ByteBuffer>): Long = synchronized(lock) {
        val channel = channel ?: throw IOException("the channel is closed")
        packets.forEach { channel.send(RTCDataChannelBuffer(it, true)) }
        channel.bufferedAmount
    }

    fun close() {
        // Not under the lock: closing waits for threads of WebRTC, which may wait for the lock.
        synchronized(lock) { channel.also { channel = null } }?.run {
            unregisterObserver()
            close()
            dispose()
        }
        connection.close()
    }

    private fun take(opened: RTCDataChannel) {
        synchronized(lock) { channel = opened }
        opened.registerObserver(this)
        onStateChange()
    }

    override fun onDataChannel(opened: RTCDataChannel) {
        if (opened.label == LABEL) take(opened)
    }

    override fun onIceCandidate(candidate: RTCIceCandidate) = events.onCandidate(role, candidate)

    override fun onConnectionChange(state: RTCPeerConnectionState) {
        connectionState.value = state
    }

    override fun onStateChange() {
        channelState.value = synchronized(lock) { channel?.state } ?: RTCDataChannelState.CLOSED
    }

    override fun onMessage(buffer: RTCDataChannelBuffer) = events.onMessage(buffer.data)

    override fun onBufferedAmountChange(previous: Long) {
        if (role == Role.PUBLISHER) events.onBufferedAmount(synchronized(lock) { channel?.bufferedAmount } ?: return)
    }

    private companion object {
        val BROKEN = setOf(RTCPeerConnectionState.DISCONNECTED, RTCPeerConnectionState.FAILED)
        const val LABEL = "_data_track"
        val UNRELIABLE = RTCDataChannelInit().apply {
            ordered = false
            maxRetransmits = 0
        }
    }
}

/** As servers without data tracks do. */
class Refused : IOException("the server closes the channel")

/** Both connections. */
class Peers(webRtc: PeerConnectionFactory, events: PeerEvents) {
    val publisher = Peer(webRtc, Role.PUBLISHER, events)
    val subscriber = Peer(webRtc, Role.SUBSCRIBER, events)
    private val both = listOf(publisher, subscriber)

    operator fun get(role: Long) = if (role == Role.SUBSCRIBER.ordinal.toLong()) subscriber else publisher

    val isClosed get() = both.any(Peer::isClosed)

    /** Throws [Refused] when the server closes one channel, while the other is still awaited as well. */
    suspend fun untilUsable() = combine(publisher.isUsable, subscriber.isUsable, Boolean::and).first { it }

    suspend fun untilBroken() = merge(publisher.breaks, subscriber.breaks).first()

    fun close() = both.forEach(Peer::close)
}

private class Created(private val caller: Continuation<RTCSessionDescription>) : CreateSessionDescriptionObserver {
    override fun onSuccess(description: RTCSessionDescription) = caller.resume(description)
    override fun onFailure(error: String) = caller.resumeWithException(IOException(error))
}

private class Applied(private val caller: Continuation<Unit>) : SetSessionDescriptionObserver {
    override fun onSuccess() = caller.resume(Unit)
    override fun onFailure(error: String) = caller.resumeWithException(IOException(error))
}
