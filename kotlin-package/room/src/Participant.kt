package host

import io.datatracks.DataTrackSubscribeOptions
import io.datatracks.KeyDerivation
import io.datatracks.KeyRing
import io.datatracks.KeyRingOptions
import io.datatracks.LocalDataTrack
import io.datatracks.PublishException
import io.datatracks.PushFrameException
import io.datatracks.RemoteDataTrack
import io.datatracks.RemoteDataTrackEvents
import io.datatracks.SubscribeException
import io.datatracks.UnpublishReason
import io.datatracks.frames
import io.datatracks.publishTrack
import io.datatracks.tryPush
import io.datatracks.waitForTrack
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.json.JSONObject
import java.security.MessageDigest
import java.util.Base64

/**
 * A participant that is told by lines what to do: those of `tests/interop/peer.py`, where they are listed. It also says "reconnecting", and
 * here "reconnected" says whether it was `quick`, "disconnected" `why`, and "ended" how many frames were `undecryptable`.
 */
object Participant {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = runBlocking(Dispatchers.Default) {
        val room = Room(
            setting("LIVEKIT_URL"), setting("LIVEKIT_TOKEN"), keys(), Announcements,
            onReconnecting = { say("reconnecting") },
            onReconnected = { quick -> say("reconnected", "quick" to quick) },
            onEnd = { why -> say("disconnected", "why" to why) },
        )
        try {
            room.connect()
            say("joined")
            obeyAll(room)
        } catch (_: Refused) {
            say("disconnected", "why" to Room.End.NO_DATA_TRACKS)
        } finally {
            room.leave()
            say("left")
        }
    }

    private suspend fun obeyAll(room: Room) = coroutineScope {
        val published = HashMap<String, LocalDataTrack>()
        for (line in generateSequence(::readlnOrNull)) obey(room, published, line.split(" "))
        coroutineContext.cancelChildren()
    }

    private suspend fun CoroutineScope.obey(room: Room, published: MutableMap<String, LocalDataTrack>, words: List<String>) {
        val name = words[1]
        when (words[0]) {
            "publish" -> publish(room, name)?.let { published[name] = it }
            "send" -> send(published.getValue(name), name, words[2].toULongOrNull(), Base64.getDecoder().decode(words[3]))
            "unpublish" -> published.remove(name)?.unpublish().also { say("unpublished", "name" to name) }
            "subscribe" -> launch { read(name, room.remote.waitForTrack(name)) }
        }
    }

    private suspend fun publish(room: Room, name: String): LocalDataTrack? = try {
        room.local.publishTrack(name).also { say("published", "name" to name, "encrypted" to it.info().usesE2ee) }
    } catch (error: PublishException) {
        say("refused", "name" to name, "error" to error.message)
        null
    }

    private fun send(track: LocalDataTrack, name: String, timestamp: ULong?, payload: ByteArray) = try {
        track.tryPush(payload, timestamp)
    } catch (error: PushFrameException) {
        say("not sent", "name" to name, "error" to error.message)
    }

    private suspend fun read(name: String, track: RemoteDataTrack) {
        try {
            track.frames(DataTrackSubscribeOptions(bufferFrames = 256u)).collect { frame ->
                val sha = MessageDigest.getInstance("SHA-256").digest(frame.payload).take(8).joinToString("") { "%02x".format(it) }
                say("frame", "name" to name, "len" to frame.payload.size, "sha" to sha, "ts" to frame.userTimestamp?.toLong())
            }
            say("ended", "name" to name, "undecryptable" to track.stats().framesDroppedUndecryptable.toLong())
        } catch (error: SubscribeException) {
            say("ended", "name" to name, "error" to error.message)
        }
    }

    private fun keys(): KeyRing? {
        val key = setting("DATATRACKS_E2EE_KEY")
        val passphrase = setting("DATATRACKS_E2EE_PASSPHRASE")
        return when {
            key.isNotEmpty() -> ring(KeyDerivation.HKDF, Base64.getDecoder().decode(key))
            passphrase.isNotEmpty() -> ring(KeyDerivation.PBKDF2, passphrase.toByteArray())
            else -> null
        }
    }

    private fun ring(derivation: KeyDerivation, material: ByteArray) =
        KeyRing(KeyRingOptions(derivation)).apply { setSharedKey(material, 0u) }

    private fun setting(name: String) = System.getenv(name).orEmpty()
}

private object Announcements : RemoteDataTrackEvents {
    override fun onTrackPublished(track: RemoteDataTrack) {
        val info = track.info()
        say("track", "publisher" to track.publisherIdentity(), "name" to info.name, "encrypted" to info.usesE2ee)
    }

    override fun onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) =
        say("untrack", "name" to track.info().name)
}

private fun say(event: String, vararg what: Pair<String, Any?>) {
    val line = JSONObject(mapOf("event" to event))
    what.forEach { (name, value) -> line.put(name, value ?: JSONObject.NULL) }
    println(line)
}
