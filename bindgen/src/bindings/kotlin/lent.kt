
/**
 * Packets in sending order, each one binary message for the data channel `_data_track`. Native code lends them until the callback that
 * has them returns.
 */
public class LentPackets internal constructor(address: ULong) {
    // Where they are, how many bytes they have together, and how many each has but the last.
    private val form = Pointer(address.toLong()).getLongArray(0, 3)
    private val length = form[1].toInt()
    private val stride = form[2].toInt()
    private val starts get() = 0 until length step stride

    /** Copies, to keep. */
    public fun copies(): List<ByteArray> {
        val packets = Pointer(form[0])
        return starts.map { packets.getByteArray(it.toLong(), minOf(stride, length - it)) }
    }

    /**
     * The packets themselves: direct buffers, each from position 0 to its limit. To be read only, and only until the callback returns: the
     * memory is another's then.
     */
    public fun buffers(): List<ByteBuffer> {
        val packets = Pointer(form[0]).getByteBuffer(0, length.toLong())
        return starts.map {
            packets.limit(minOf(it + stride, length))
            packets.position(it)
            packets.slice()
        }
    }
}

/** Packets only come from native code. */
internal fun neverLent(packets: LentPackets): ULong = throw UnsupportedOperationException("$packets do not go there")
