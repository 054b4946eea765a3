package io.datatracks

import java.io.File
import java.net.InetSocketAddress

/** One embedded SFU for all tests; each test has a room of its own. `DATATRACKS_BIN` says which binary serves it. */
internal object Sfu {
    val address: InetSocketAddress by lazy { Plain("sfu", "--plain", "127.0.0.1:0").address }
}

/** A process that serves the plain protocol and says where in its first line: `plain 127.0.0.1:PORT`. */
internal class Plain(vararg arguments: String) : AutoCloseable {
    private val process: Process = start(*arguments)
    val address: InetSocketAddress

    init {
        Runtime.getRuntime().addShutdownHook(Thread(::close))
        val line = process.inputStream.bufferedReader().readLine()
        val (word, at) = checkNotNull(line) { "the SFU does not start" }.split(" ")
        check(word == "plain") { "said $line instead of where it serves" }
        address = InetSocketAddress(at.substringBeforeLast(":"), at.substringAfterLast(":").toInt())
    }

    override fun close() {
        process.destroyForcibly().waitFor()
    }
}

private fun start(vararg arguments: String): Process {
    val path = System.getenv("DATATRACKS_BIN") ?: "../target/debug/datatracks"
    check(File(path).exists()) { "$path is missing: cargo build --features host, or set DATATRACKS_BIN" }
    return ProcessBuilder(path, *arguments).redirectError(ProcessBuilder.Redirect.INHERIT).start()
}
