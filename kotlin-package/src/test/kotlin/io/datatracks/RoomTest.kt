package io.datatracks

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.AfterEach
import java.net.InetSocketAddress
import java.util.UUID
import kotlin.test.assertEquals

/** A test in a room of its own. At the end all leave, and no panic may have been caught. */
internal abstract class RoomTest {
    private val room = "room-${UUID.randomUUID()}"
    private val peers = mutableListOf<Peer>()

    fun join(
        identity: String,
        encryption: EncryptionProvider? = null,
        decryption: DecryptionProvider? = null,
        permissions: String = Peer.ALL_PERMISSIONS,
        eventDispatcher: CoroutineDispatcher? = null,
        sfu: InetSocketAddress = Sfu.address,
    ): Peer = Peer(identity, room, permissions, encryption, decryption, eventDispatcher, sfu).also(peers::add)

    @AfterEach
    fun leave() = peers.forEach { peer ->
        assertEquals(0u, peer.local.stats().panics + peer.remote.stats().panics, peer.identity)
        peer.close()
    }

    /** For peers whose managers the test has closed. */
    fun forget(vararg closed: Peer) {
        peers.removeAll(closed.toSet())
    }

    fun test(block: suspend CoroutineScope.() -> Unit): Unit = runBlocking { withTimeout(50_000, block) }

    /** A published track and an open stream of it. */
    suspend fun connected(
        publisher: Peer,
        subscriber: Peer,
        options: DataTrackOptions = DataTrackOptions("samples"),
        reading: DataTrackSubscribeOptions = DataTrackSubscribeOptions(),
    ): Pair<LocalDataTrack, DataTrackStream> =
        publisher.local.publishTrack(options) to subscribed(subscriber, options.name, reading)

    suspend fun subscribed(
        subscriber: Peer,
        name: String,
        reading: DataTrackSubscribeOptions = DataTrackSubscribeOptions(),
    ): DataTrackStream = subscriber.remote.waitForTrack(name, timeoutMs = 10_000u).subscribe(reading)
}

internal fun frame(text: String, userTimestamp: ULong? = null) = DataTrackFrame(text.toByteArray(), userTimestamp)

internal fun frame(size: Int, userTimestamp: ULong? = null) = DataTrackFrame(ByteArray(size), userTimestamp)

internal val DataTrackFrame?.text get() = this?.payload?.decodeToString()

/** Waits until the condition holds. */
internal suspend fun until(what: String = "the condition", seconds: Int = 10, condition: () -> Boolean) {
    val deadline = System.nanoTime() + seconds * 1_000_000_000L
    while (!condition()) {
        check(System.nanoTime() < deadline) { "$what does not come true" }
        delay(2)
    }
}
