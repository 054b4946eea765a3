package io.datatracks

import java.nio.ByteBuffer

/**
 * Direct buffers to lend: native code reads no others, and each new one costs a system call and the garbage collector's time.
 * Keeps a few, of the size of a large frame at most.
 */
internal object DirectBuffers {
    private val free = ArrayDeque<ByteBuffer>()

    /** Lends a buffer that holds `length` bytes, as [fill] writes them, from position 0 to its limit. */
    inline fun <T> with(length: Int, fill: (ByteBuffer) -> Unit, use: (ByteBuffer) -> T): T {
        val buffer = take(length)
        try {
            fill(buffer)
            buffer.position(0)
            return use(buffer)
        } finally {
            giveBack(buffer)
        }
    }

    @PublishedApi
    internal fun take(length: Int): ByteBuffer {
        val kept = synchronized(free) {
            val index = free.indexOfFirst { it.capacity() >= length }
            if (index < 0) null else free.removeAt(index)
        }
        val buffer = kept ?: ByteBuffer.allocateDirect(maxOf(length, SMALLEST))
        buffer.clear()
        buffer.limit(length)
        return buffer
    }

    @PublishedApi
    internal fun giveBack(buffer: ByteBuffer) {
        if (buffer.capacity() > LARGEST) return
        synchronized(free) {
            if (free.size == MOST) free.removeFirst()
            free.addLast(buffer)
        }
    }

    /** Holds one packet: smaller buffers are not worth their object. */
    private const val SMALLEST = 16 * 1024

    /** Holds the largest frame. */
    private const val LARGEST = 2 * 1024 * 1024

    /** Threads that push at once are few. */
    private const val MOST = 4
}

/** Hands `length` bytes of an array to native code. */
internal inline fun <T> ByteArray.asDirect(offset: Int, length: Int, use: (ByteBuffer) -> T): T {
    if (offset < 0 || length < 0 || offset > size - length) {
        throw IndexOutOfBoundsException("offset $offset and length $length in an array of $size bytes")
    }
    return DirectBuffers.with(length, { it.put(this, offset, length) }, use)
}

/** Hands the bytes from position to limit to native code, without a copy where the buffer is direct. Leaves the buffer as it is. */
internal inline fun <T> ByteBuffer.asDirect(use: (ByteBuffer) -> T): T {
    if (!isDirect) return DirectBuffers.with(remaining(), { it.put(duplicate()) }, use)
    // Native code knows the address only: the lock, which nobody else can want, keeps the garbage collector from the memory.
    val bytes = slice()
    return synchronized(bytes) { use(bytes) }
}
