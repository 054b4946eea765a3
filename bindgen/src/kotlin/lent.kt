
/**
 * Copies packets that native code lends for the time of a callback. At `address` stand where they are, how many bytes they have together,
 * and how many each has but the last.
 */
internal fun packetsLentAt(address: ULong): List<ByteArray> {
    val (first, length, stride) = Pointer(address.toLong()).getLongArray(0, 3)
    val packets = Pointer(first)
    val count = (length + stride - 1) / stride
    return List(count.toInt()) { packets.getByteArray(it * stride, minOf(stride, length - it * stride).toInt()) }
}

/** Packets only come from native code. */
internal fun neverLent(packets: List<ByteArray>): ULong =
    throw UnsupportedOperationException("${packets.size} packets do not go there")
