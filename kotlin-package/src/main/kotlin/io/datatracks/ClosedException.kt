package io.datatracks

/**
 * Something was called on an object after its `close()`: the caller's mistake, and no state of the track or the room. After `shutdown()`
 * alone, calls answer with errors of their own.
 */
public class ClosedException internal constructor(what: String) : IllegalStateException(
    "$what is closed: nothing can be called on it any more",
)
