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
    // Row by row: a heap that has served small frames takes a while to serve large ones well.
    rounds(side) { calls.pushes().let { (push, out) -> mapOf("push" to push, "out" to out) } }
    rounds(side) { mapOf("in" to calls.receives()) }
    rounds(side) { mapOf("batch" to calls.batches()) }
}

private suspend fun rounds(side: String, measure: suspend () -> Map<String, Double>) {
    repeat(WARM_UP) { measure() }
    repeat(ROUNDS) { measure().forEach { (row, nanoseconds) -> println("$row $side $nanoseconds") } }
}

/** What is measured, each a frame and in nanoseconds. */
interface Calls {
    /** Large frames that are pushed, and their packets that leave: what each of the two costs. */
    fun pushes(): kotlin.Pair<Double, Double>

    /** Packets that come in, and their large frame that is read. */
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
const val FRAMES = 500

/** Small ones that are read at once, and how often in a round. */
const val BATCH = 256
const val BATCHES = 40

/** For the compiler. */
private const val WARM_UP = 5

/** Odd, so that there is a median. */
private const val ROUNDS = 9
