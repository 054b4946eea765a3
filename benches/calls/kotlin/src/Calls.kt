package calls

import kotlinx.coroutines.runBlocking

/**
 * Measures one side, `ours` or `plain`, and prints a line for each round of each row: `row side nanoseconds`, the last a frame.
 *
 * A process has one side only: what one leaves for the garbage collector would slow the other. Rows and rounds are those of Calls.swift.
 */
fun main(arguments: Array<String>) = runBlocking {
    val side = arguments.single()
    val calls = if (side == "ours") Pair.join() else PlainPair()
    for (round in 0..ROUNDS) {
        val (push, out) = calls.pushes()
        val results = listOf("push" to push, "out" to out, "in" to calls.receives(), "batch" to calls.batches())
        // The first are for the compiler.
        if (round > WARM_UP) for ((row, nanoseconds) in results) println("$row $side $nanoseconds")
    }
}

/** What is measured, each a frame and in nanoseconds. */
interface Calls {
    /** Large frames that are pushed, and their packets that leave: what each of the two costs. */
    fun pushes(): kotlin.Pair<Double, Double>

    /** Packets that come in, and their large frames that are read. */
    suspend fun receives(): Double

    /** Small frames that are there, and are read at once. */
    suspend fun batches(): Double
}

/** Time that adds up. */
class Stopwatch {
    var nanoseconds = 0L

    inline fun <T> time(work: () -> T): T {
        val start = System.nanoTime()
        return work().also { nanoseconds += System.nanoTime() - start }
    }

    fun each(frames: Int): Double = nanoseconds.toDouble() / frames
}

val large = ByteArray(64 shl 10) { 7 }
val small = ByteArray(64) { 7 }

/** Large ones, in a round. */
const val FRAMES = 480

/** Large ones that come in at once. */
const val GROUP = 16

/** Small ones that are read at once, and how often in a round. */
const val BATCH = 256
const val BATCHES = 40

private const val WARM_UP = 4
private const val ROUNDS = WARM_UP + 9
