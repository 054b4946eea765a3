package host

import dev.onvoid.webrtc.RTCIceCandidate
import org.json.JSONException
import org.json.JSONObject
import java.io.ByteArrayOutputStream
import java.io.IOException

// The signals of connection and session, as far as a host without media needs them. Those of data tracks are the managers' own.
// Your SDK has all of LiveKit's messages already, generated; these are written by hand, so that there is nothing to generate here.

/** Where to join, or with the SID of before to come back. */
fun address(server: String, resumed: String?): String {
    val again = resumed?.let { "&reconnect=1&sid=$it" }.orEmpty()
    return "${server.trimEnd('/')}/rtc?protocol=16&sdk=android&auto_subscribe=0$again"
}

fun offer(sdp: String, id: Long): ByteArray = message { field(1) { description("offer", sdp, id) } }

fun answer(sdp: String, id: Long): ByteArray = message { field(2) { description("answer", sdp, id) } }

private fun Fields.description(type: String, sdp: String, id: Long) {
    field(1, type)
    field(2, sdp)
    field(3, id)
}

fun trickle(role: Role, candidate: RTCIceCandidate): ByteArray = message {
    val json = JSONObject().put("candidate", candidate.sdp).put("sdpMid", candidate.sdpMid)
    field(3) {
        field(1, json.put("sdpMLineIndex", candidate.sdpMLineIndex).toString())
        field(2, role.ordinal.toLong())
    }
}

/** Throws an IOException when it is none. */
fun candidate(trickle: Message): RTCIceCandidate = try {
    val json = JSONObject(trickle.text(1))
    RTCIceCandidate(json.optString("sdpMid"), json.optInt("sdpMLineIndex"), json.getString("candidate"))
} catch (error: JSONException) {
    throw IOException("this is no candidate", error)
}

/** Each track is a PublishDataTrackResponse, as the manager gives it. */
fun syncState(tracks: List<ByteArray>): ByteArray = message { field(12) { tracks.forEach { field(8, it) } } }

fun ping(now: Long): ByteArray = message { field(16) { field(1, now) } }

fun farewell(): ByteArray = message { field(8) { field(2, 1) } } // reason: client initiated

/**
 * A message that came, for the few fields that a host reads itself. Of a field that is there twice the last one counts. Numbers of fixed size
 * are in none of these messages.
 */
class Message(private val bytes: ByteArray) {
    private val numbers = HashMap<Int, Long>()
    private val texts = HashMap<Int, ByteArray>()
    private var position = 0

    init {
        while (position < bytes.size) {
            val key = varint().toInt()
            when (key and 7) {
                0 -> numbers[key ushr 3] = varint()
                2 -> texts[key ushr 3] = take(varint())
                else -> throw IOException("this is no signal")
            }
        }
    }

    fun number(field: Int): Long = numbers[field] ?: 0
    fun text(field: Int): String = texts[field]?.decodeToString().orEmpty()
    fun message(field: Int): Message? = texts[field]?.let(::Message)

    private fun varint(): Long {
        var value = 0L
        for (shift in 0..63 step 7) {
            val byte = take(1)[0].toLong()
            value = value or (byte and 0x7f shl shift)
            if (byte >= 0) return value
        }
        throw IOException("a number is too long")
    }

    private fun take(length: Long): ByteArray {
        if (length !in 0..bytes.size - position) throw IOException("a signal is cut off")
        return bytes.copyOfRange(position, position + length.toInt()).also { position += it.size }
    }
}

/** Writes a message. */
class Fields {
    private val out = ByteArrayOutputStream()
    val bytes: ByteArray get() = out.toByteArray()

    fun field(number: Int, value: Long) {
        varint(number.toLong() shl 3)
        varint(value)
    }

    fun field(number: Int, bytes: ByteArray) {
        varint(number.toLong() shl 3 or 2)
        varint(bytes.size.toLong())
        out.write(bytes, 0, bytes.size)
    }

    fun field(number: Int, text: String) = field(number, text.encodeToByteArray())
    fun field(number: Int, build: Fields.() -> Unit) = field(number, message(build))

    private tailrec fun varint(value: Long) {
        if (value ushr 7 == 0L) return out.write(value.toInt())
        out.write((value and 0x7f or 0x80).toInt())
        varint(value ushr 7)
    }
}

private fun message(build: Fields.() -> Unit): ByteArray = Fields().apply(build).bytes
