package io.datatracks

import examples.PlainRoom
import examples.fieldNumber
import kotlinx.coroutines.CoroutineDispatcher
import java.io.IOException
import java.net.InetSocketAddress
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS

/** What a delegate was told. */
internal data class Event(val kind: String, val track: Any, val detail: Any? = null)

/** What tests add to a room: faults on demand, what it saw, and the SFU's test controls. */
internal class Peer(
    identity: String,
    room: String,
    permissions: String = ALL_PERMISSIONS,
    encryption: EncryptionProvider? = null,
    decryption: DecryptionProvider? = null,
    eventDispatcher: CoroutineDispatcher? = null,
    sfu: InetSocketAddress = Sfu.address,
    private val events: Events = Events(),
) : PlainRoom(sfu, identity, room, permissions, events.ofOurs, events.ofOthers, encryption, decryption, eventDispatcher) {
    /** Kinds of messages that cannot be sent now. */
    @Volatile
    var broken = emptySet<Int>()

    /** Called on each packet before it is sent. */
    @Volatile
    var onSend: (kind: Int, bytes: ByteArray) -> Unit = { _, _ -> }

    /** When set, signals of the SFU wait here instead of being handed in. */
    @Volatile
    var heldBack: ConcurrentLinkedQueue<ByteArray>? = null

    val sentSignals = ConcurrentLinkedQueue<ByteArray>()
    val sentPackets = ConcurrentLinkedQueue<ByteArray>()
    val receivedPackets = ConcurrentLinkedQueue<ByteArray>()
    private val answers = LinkedBlockingQueue<String>()
    private var lost = CountDownLatch(1)
    private var reconnected = CountDownLatch(1)

    init {
        connect()
        check(joined.await(10, SECONDS)) { "no JoinResponse within 10 s" }
    }

    override fun send(kind: Int, bytes: ByteArray) {
        if (kind in broken) throw IOException("the transport is broken")
        if (kind == SIGNAL) sentSignals.add(bytes)
        if (kind == PACKET) sentPackets.add(bytes)
        onSend(kind, bytes)
        super.send(kind, bytes)
    }

    override fun handle(kind: Int, bytes: ByteArray) {
        if (kind == PACKET) receivedPackets.add(bytes)
        when {
            kind == CONTROL -> answers.add(bytes.decodeToString())
            kind == SIGNAL && heldBack?.add(bytes) != null -> {}
            else -> super.handle(kind, bytes)
        }
    }

    override fun afterSignal(message: Int) {
        super.afterSignal(message)
        reconnected.countDown()
    }

    override fun onConnectionLost(why: IOException) = lost.countDown()

    /** One test control of the SFU: returns when it has taken effect. */
    fun control(op: String, fields: String = "") {
        lost = CountDownLatch(1)
        send(CONTROL, """{"op": "$op"$fields}""".toByteArray())
        if (op == "drop_session") {
            check(lost.await(10, SECONDS)) { "the SFU did not close the connection" }
            return
        }
        val answer = checkNotNull(answers.poll(10, SECONDS)) { "no answer to $op" }
        check("true" in answer) { answer }
    }

    /**
     * Loses the connection as a phone does, and comes back: `quick` and `full` when the SFU has noticed and has kept or removed the
     * participant; `unnoticed`: as a new session while the SFU still has the old one.
     */
    fun reconnect(mode: String) {
        if (mode != "unnoticed") control("drop_session", """, "mode": "$mode"""")
        reconnected = CountDownLatch(1)
        connect(resume = mode == "quick")
        check(reconnected.await(10, SECONDS)) { "no answer to the reconnect within 10 s" }
    }

    /** Whether a SignalResponse with this field waits to be handed in. */
    fun holdsBack(message: Int): Boolean = heldBack.orEmpty().any { fieldNumber(it) == message }

    /** Hands in what was held back. */
    fun releaseSignals() {
        val held = checkNotNull(heldBack)
        heldBack = null
        held.forEach { super.handle(SIGNAL, it) }
    }

    /** The next event of this kind; what comes before it is passed over. */
    fun expect(kind: String): Event {
        while (true) {
            val event = checkNotNull(events.queue.poll(20, SECONDS)) { "$identity heard nothing of: $kind" }
            if (event.kind == kind) return event
        }
    }

    /** The kinds of the events that have come so far. */
    fun seen(): List<String> = generateSequence { events.queue.poll() }.map { it.kind }.toList()

    /** Passes over the events of the tracks of this name. */
    fun forget(name: String) {
        events.queue.removeIf { nameOf(it.track) == name }
    }

    private fun nameOf(track: Any) = when (track) {
        is LocalDataTrack -> track.info().name
        is RemoteDataTrack -> track.info().name
        else -> null
    }

    fun onEvent(action: (Event) -> Unit) {
        events.action = action
    }

    companion object {
        const val ALL_PERMISSIONS = """{"can_publish_data": true, "can_subscribe": true}"""
        const val MUTE = """{"can_publish_data": false, "can_subscribe": true}"""
        const val DEAF = """{"can_publish_data": true, "can_subscribe": false}"""
    }
}

// Fields of SignalResponse.
internal const val PUBLISH_RESPONSE = 27
internal const val SUBSCRIBER_HANDLES = 29

/** Notes all events, and runs an action on each, on the thread that brings it. */
internal class Events {
    val queue = LinkedBlockingQueue<Event>()

    @Volatile
    var action: (Event) -> Unit = {}

    val ofOurs = object : LocalDataTrackEvents {
        override fun onTrackPublished(track: LocalDataTrack) = note("local published", track)
        override fun onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) =
            note("local unpublished", track, reason)
    }

    val ofOthers = object : RemoteDataTrackEvents {
        override fun onTrackPublished(track: RemoteDataTrack) = note("published", track)
        override fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) =
            note("unpublished", track, reason)
        override fun onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) =
            note("subscription", track, state)
    }

    private fun note(kind: String, track: Any, detail: Any? = null) {
        val event = Event(kind, track, detail)
        try {
            action(event)
        } finally {
            queue.add(event)
        }
    }
}
