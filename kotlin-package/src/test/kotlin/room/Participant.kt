package room

import examples.PlainRoom
import io.datatracks.DataTrackFrame
import io.datatracks.KeyDerivation
import io.datatracks.KeyRing
import io.datatracks.KeyRingOptions
import io.datatracks.LocalDataTrack
import io.datatracks.RemoteDataTrack
import io.datatracks.asFlow
import io.datatracks.publishTrack
import io.datatracks.send
import io.datatracks.subscribe
import io.datatracks.waitForTrack
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.net.InetSocketAddress
import java.util.Base64

/** The Kotlin participant of the room of `tests/languages/test_room.py`, where the lines are that it takes and gives. */
object Participant {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = runBlocking(Dispatchers.Default) {
        val (address, room, identity, passphrase) = arguments
        val (host, port) = address.split(":")
        val keys = keyRing(passphrase)
        val participant = PlainRoom(
            InetSocketAddress(host, port.toInt()), identity, room,
            encryption = keys?.encryptionProvider(), decryption = keys?.decryptionProvider(),
        )
        participant.use {
            it.connect()
            participate(it, others = arguments.drop(4))
            println("left ${it.local.stats().panics + it.remote.stats().panics}")
        }
    }
}

private fun keyRing(passphrase: String): KeyRing? = passphrase.takeIf(String::isNotEmpty)?.let {
    KeyRing(KeyRingOptions(KeyDerivation.HKDF)).apply { setSharedKey(it.toByteArray(), 0u) }
}

private suspend fun participate(participant: PlainRoom, others: List<String>) = coroutineScope {
    val track = participant.local.publishTrack(participant.identity)
    val tracks = others.map { participant.remote.waitForTrack(it, publisherIdentity = it, timeoutMs = 30_000u) }
    for (other in tracks) {
        val stream = other.subscribe()
        launch { stream.asFlow().collect { say(other, it) } }
    }
    println("ready")
    for (line in generateSequence(::readlnOrNull)) obey(line, track, tracks)
    coroutineContext.cancelChildren()
}

private suspend fun obey(line: String, track: LocalDataTrack, others: List<RemoteDataTrack>) {
    val words = line.split(" ")
    when (words[0]) {
        "send" -> track.send(DataTrackFrame(Base64.getDecoder().decode(words[2]), words[1].toULong()))
        "tell" -> for (other in others) {
            val sealed = if (other.info().usesE2ee) "sealed" else "plain"
            println("track ${other.publisherIdentity()} $sealed ${other.stats().framesDroppedUndecryptable}")
        }
    }
}

private fun say(publisher: RemoteDataTrack, frame: DataTrackFrame) {
    val payload = Base64.getEncoder().encodeToString(frame.payload)
    println("frame ${publisher.publisherIdentity()} ${frame.userTimestamp} $payload")
}
