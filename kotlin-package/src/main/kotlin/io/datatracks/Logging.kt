package io.datatracks

/**
 * Hands log records of at least [level] to [sink], for all managers of the process; the last call wins. Records hold no payloads, keys or
 * tokens. The sink runs on the thread that causes a record and must not block.
 */
public fun setLogSink(level: LogLevel, sink: (LogRecord) -> Unit): Unit =
    setLogSink(object : LogSink { override fun log(record: LogRecord) = sink(record) }, level)
