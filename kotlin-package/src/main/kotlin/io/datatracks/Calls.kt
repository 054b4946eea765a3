package io.datatracks

import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.isActive
import kotlinx.coroutines.withContext
import kotlin.coroutines.coroutineContext

/**
 * Runs a generated call so that cancelling the coroutine ends it, and [undo]es its result where both happen at once.
 *
 * Left to itself a coroutine that is cancelled just as its result is there throws the result away: a track would stay published
 * that nobody knows of. So the call itself is not cancelled; its token is, and what it answers all the same is undone.
 */
internal suspend fun <T> cancellable(undo: (T) -> Unit = {}, call: suspend (RawCancelToken) -> T): T {
    val result = untilCancelled(call)
    // Asked once: a cancellation that comes after the answer leaves the result to the caller, who must not lose what was not undone.
    if (!coroutineContext.isActive) {
        undo(result)
        coroutineContext.ensureActive()
    }
    return result
}

/** As [cancellable], but a result that comes together with the cancellation is returned. */
internal suspend fun <T> untilCancelled(call: suspend (RawCancelToken) -> T): T = RawCancelToken().use { token ->
    val watch = Job(coroutineContext[Job])
    watch.invokeOnCompletion { cause -> if (cause != null) token.cancelIfOpen() }
    try {
        withContext(NonCancellable) { call(token) }
    } catch (error: Exception) {
        coroutineContext.ensureActive()
        watch.ensureActive() // cancelled alone, with all children of its coroutine
        throw error
    } finally {
        watch.complete()
    }
}

private fun RawCancelToken.cancelIfOpen() {
    try {
        cancel()
    } catch (_: ClosedException) {
        // The call has ended meanwhile, and its token with it.
    }
}
