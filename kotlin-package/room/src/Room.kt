package host

import dev.onvoid.webrtc.PeerConnectionFactory
import dev.onvoid.webrtc.RTCIceCandidate
import dev.onvoid.webrtc.RTCSdpType
import dev.onvoid.webrtc.media.audio.HeadlessAudioDeviceModule
import io.datatracks.DirectDataTrackTransport
import io.datatracks.KeyRing
import io.datatracks.LocalDataTrackManager
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.RemoteDataTrackManager
import io.datatracks.RemoteDataTrackTransport
import io.datatracks.SignalException
import io.datatracks.handlePacketReceived
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * A room of a LiveKit server: what your SDK does anyway, as far as data tracks need it. No media.
 *
 *     join ──► listening ──WebSocket or channel broken──► resume (quick) ──► listening
 *                  │                                         │ the server does not know us any more, ICE stays down
 *                  │ the server says so, the channel closed  ▼
 *                  ├─────────────────────────────────────► join (full) ──► listening
 *                  └ the server says so, the channel closed again, nothing helps ──► the end
 *
 * The managers are the same all the time, and so are tracks and streams. Connection and session are changed on one thread at a time;
 * requests and packets come on those of the managers' callers.
 */
class Room(
    private val url: String,
    private var token: String,
    keys: KeyRing? = null,
    remoteEvents: RemoteDataTrackEvents? = null,
    private val onReconnecting: () -> Unit = {},
    private val onReconnected: (quick: Boolean) -> Unit = {},
    private val onEnd: (End) -> Unit = {},
) : DirectDataTrackTransport, RemoteDataTrackTransport, PeerEvents {
    val local = LocalDataTrackManager(this, null, keys?.encryptionProvider())
    val remote = RemoteDataTrackManager(this, remoteEvents, keys?.decryptionProvider())

    /** Without audio: on a machine that has none the usual one ends the process. */
    private val webRtc = PeerConnectionFactory(HeadlessAudioDeviceModule())

    private val job = SupervisorJob()
    private val thread = Dispatchers.Default.limitedParallelism(1)
    private lateinit var listening: Deferred<Ending>
    private var sid = ""
    private var offers = 0L
    private var refused: TimeSource.Monotonic.ValueTimeMark? = null
    @Volatile
    private var peers: Peers? = null
    private val leaves = AtomicBoolean()

    // Both under the lock of `waiting`: requests wait, in order, while there is no socket.
    private val waiting = ArrayDeque<ByteArray>()
    private var socket: Socket? = null

    /**
     * Returns when frames can flow; throws an IOException when the server is away or refuses, or somebody leaves meanwhile, [Refused] when it
     * has no data tracks.
     */
    suspend fun connect() {
        val room = CoroutineScope(thread + job) // whose end is the end of joining, too
        val joining = room.async { join() }
        try {
            joining.await()
        } catch (cancelled: CancellationException) {
            withContext(NonCancellable) { joining.cancelAndJoin() }
            currentCoroutineContext().ensureActive()
            throw IOException("the room has been left", cancelled)
        }
        room.launch { stay() }
    }

    /** Every wait ends; the others hear of it at once. Done to its end in a coroutine that is cancelled, too: nothing else lets go of WebRTC. */
    suspend fun leave(): Unit = withContext(NonCancellable) {
        if (leaves.getAndSet(true)) return@withContext job.join() // somebody else does it
        local.shutdown()
        remote.shutdown()
        try {
            synchronized(waiting) { socket }?.finish(farewell()) // before listening ends, and the socket with it
        } finally {
            try {
                job.cancelAndJoin()
                peers?.close()
            } finally {
                webRtc.dispose() // and its threads, which would keep the process
                // Nobody is left who hands them anything.
                local.close()
                remote.close()
            }
        }
    }

    // What the managers ask of us, on any thread.

    override fun onSignalRequest(request: ByteArray) = send(request)

    override fun onPacketsLent(packets: List<ByteBuffer>) {
        val waits = peers?.publisher?.send(packets) ?: throw IOException("there is no channel")
        local.handleBufferedAmount(waits.toULong())
    }

    // What WebRTC tells us, on its threads.

    override fun onMessage(packet: ByteBuffer) = remote.handlePacketReceived(packet)

    override fun onBufferedAmount(bytes: Long) = local.handleBufferedAmount(bytes.toULong())

    override fun onCandidate(role: Role, candidate: RTCIceCandidate) = send(trickle(role, candidate))

    // The session.

    private suspend fun stay() {
        var end: End?
        do {
            val ending = listening.await()
            if (leaves.get()) return
            end = if (ending == Ending.FOR_GOOD) End.SERVER else comeBack(ending)
        } while (end == null)
        local.shutdown()
        remote.shutdown()
        onEnd(end)
    }

    /** Null when it is back. */
    private suspend fun comeBack(ending: Ending): End? {
        onReconnecting()
        var quick = ending == Ending.BROKEN
        if (peers?.isClosed == true) {
            if (isRefusedAgain()) return End.NO_DATA_TRACKS
            quick = false
        }
        for (pause in PAUSES_MS) {
            delay(pause)
            try {
                if (quick) resume() else join()
                onReconnected(quick)
                return null
            } catch (_: Forgotten) {
                quick = false
            } catch (_: Refused) {
                if (isRefusedAgain()) return End.NO_DATA_TRACKS
                quick = false
            } catch (_: IOException) {
                // The next attempt may do better.
            }
        }
        return End.LOST
    }

    /** A server that has no data tracks closes the channel; so does one that is about to go. */
    private fun isRefusedAgain(): Boolean {
        val before = refused
        refused = TimeSource.Monotonic.markNow()
        return before != null && before.elapsedNow() < RECURRENCE
    }

    /** As a new participant. The SFU knows nothing of what we published or read before. */
    private suspend fun join() {
        val again = peers != null
        peers?.close()
        local.handleBufferedAmount(NO_ROOM) // frames wait until there is a channel again
        val (socket, response, joined) = open(resumed = null, JOIN)
        sid = joined.message(JOINED_PARTICIPANT)?.text(PARTICIPANT_SID).orEmpty()
        if (again) synchronized(waiting) { waiting.clear() } // the managers ask for everything anew, below
        takeUp(socket, response, Peers(webRtc, this).also { peers = it }, restart = false)
        local.handleBufferedAmount(0u)
        if (again) local.republishTracks()
        if (again) remote.resendSubscriptionUpdates()
    }

    /** As the same participant. Packets have flowed on meanwhile, if it was only the WebSocket that broke. */
    private suspend fun resume() {
        val peers = peers ?: throw Forgotten("there is no connection")
        val (socket, response) = open(resumed = sid, RECONNECT)
        socket.send(syncState(local.publishResponsesForSyncState())) // before all that has waited
        takeUp(socket, response, peers, restart = true)
        remote.resendSubscriptionUpdates()
    }

    /** A new WebSocket, the first message of the server, and the field of it that says that we are let in. */
    private suspend fun open(resumed: String?, admission: Int): Triple<Socket, ByteArray, Message> {
        synchronized(waiting) { socket.also { socket = null } }?.end()
        val opened = Socket.open(address(url, resumed), token)
        try {
            val first = opened.next() ?: throw IOException("the server says nothing")
            val admitted = Message(first).message(admission) ?: throw Forgotten("the server does not let us in")
            return Triple(opened, first, admitted)
        } catch (error: Throwable) {
            opened.end() // nobody else has it yet
            throw error
        }
    }

    /** Goes on with a new WebSocket, until packets can flow. */
    private suspend fun takeUp(opened: Socket, first: ByteArray, peers: Peers, restart: Boolean) {
        synchronized(waiting) {
            waiting.forEach(opened::send)
            waiting.clear()
            socket = opened
        }
        hand(first)
        listening = CoroutineScope(thread + job).async { listen(opened, peers) }
        offers += 1
        withTimeoutOrNull(PATIENCE_MS) {
            peers.publisher.offer(restart) { sdp -> send(offer(sdp, offers)) }
            peers.untilUsable()
        } ?: throw Forgotten("the channel does not open")
    }

    private suspend fun listen(socket: Socket, peers: Peers): Ending = coroutineScope {
        val pings = launch {
            while (true) {
                delay(PING_MS)
                socket.send(ping(System.currentTimeMillis()))
            }
        }
        val watch = launch {
            peers.untilBroken()
            if (peers.isClosed) delay(EXPLANATION_MS) // a server that ends the session does this too, and says why
            socket.end()
        }
        try {
            converse(socket, peers)
        } catch (_: IOException) {
            Ending.BROKEN // what it says makes no sense to us, or to WebRTC
        } finally {
            pings.cancel()
            watch.cancel()
            retire(socket)
        }
    }

    /** What is asked for from now on waits for the next one. */
    private fun retire(over: Socket) {
        synchronized(waiting) { if (socket === over) socket = null }
        over.end()
    }

    private suspend fun converse(socket: Socket, peers: Peers): Ending {
        while (true) {
            val response = socket.next() ?: return Ending.BROKEN
            hand(response)
            act(Message(response), peers)?.let { return it }
        }
    }

    /** Each manager takes what is its own. */
    private fun hand(response: ByteArray) {
        try {
            local.handleSignalResponse(response)
            remote.handleSignalResponse(response)
        } catch (_: SignalException) {
            // It is no signal, or the room has just been left.
        }
    }

    /** What is ours. Answers the end of the conversation if this is it. */
    private suspend fun act(response: Message, peers: Peers): Ending? {
        response.message(OFFER)?.let { peers.subscriber.answer(it.text(SDP)) { sdp -> send(answer(sdp, it.number(SDP_ID))) } }
        response.message(ANSWER)?.let { if (it.number(SDP_ID) == offers) peers.publisher.accept(RTCSdpType.ANSWER, it.text(SDP)) }
        response.message(TRICKLE)?.let { peers[it.number(TRICKLE_TARGET)].addCandidate(candidate(it)) }
        response.text(REFRESH_TOKEN).ifEmpty { null }?.let { token = it }
        response.message(ROOM_MOVED)?.let(::moved)
        return when (response.message(LEAVE)?.number(LEAVE_ACTION)) {
            null -> null
            ACTION_RESUME -> Ending.BROKEN
            ACTION_RECONNECT -> Ending.FORGOTTEN
            else -> Ending.FOR_GOOD
        }
    }

    /** As another participant; there nothing is published or read yet. */
    private fun moved(response: Message) {
        response.text(MOVED_TOKEN).ifEmpty { null }?.let { token = it }
        sid = response.message(MOVED_PARTICIPANT)?.text(PARTICIPANT_SID).orEmpty()
        local.republishTracks()
        remote.resendSubscriptionUpdates()
    }

    private fun send(request: ByteArray) = synchronized(waiting) {
        socket?.send(request) ?: waiting.addLast(request)
    }

    /** Why a room is over. */
    enum class End { SERVER, LOST, NO_DATA_TRACKS }

    private enum class Ending { BROKEN, FORGOTTEN, FOR_GOOD }

    /** Only joining anew can help. */
    private class Forgotten(why: String) : IOException(why)

    private companion object {
        // Fields of SignalResponse, and of what is in it.
        const val JOIN = 1
        const val JOINED_PARTICIPANT = 2
        const val PARTICIPANT_SID = 1
        const val ANSWER = 2
        const val OFFER = 3
        const val SDP = 2
        const val SDP_ID = 3
        const val TRICKLE = 4
        const val TRICKLE_TARGET = 2
        const val LEAVE = 8
        const val LEAVE_ACTION = 3
        const val ACTION_RESUME = 1L
        const val ACTION_RECONNECT = 2L
        const val REFRESH_TOKEN = 16
        const val RECONNECT = 19
        const val ROOM_MOVED = 24
        const val MOVED_TOKEN = 2
        const val MOVED_PARTICIPANT = 3

        /** More than any channel is ever said to hold. */
        val NO_ROOM = UInt.MAX_VALUE.toULong()

        // As other SDKs do.
        const val PING_MS = 5_000L
        const val PATIENCE_MS = 10_000L
        const val EXPLANATION_MS = 2_000L
        val RECURRENCE = 30.seconds
        val PAUSES_MS = listOf<Long>(0, 300, 600, 1_200, 2_400, 4_800, 7_000, 7_000, 7_000, 7_000)
    }
}
