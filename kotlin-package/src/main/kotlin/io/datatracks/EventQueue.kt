package io.datatracks

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import java.lang.ref.WeakReference
import java.util.concurrent.ConcurrentLinkedQueue

/** Runs events in the order in which they come: on a dispatcher, or at once on the caller's thread, which is where `Unconfined` has them. */
internal class EventQueue(dispatcher: CoroutineDispatcher?) {
    // What an event throws goes to the handler of uncaught exceptions, as of any code that the application runs there, and ends nothing here.
    private val scope = dispatcher?.takeUnless { it == Dispatchers.Unconfined }?.let { CoroutineScope(SupervisorJob() + it.limitedParallelism(1)) }

    private val waiting = ConcurrentLinkedQueue<() -> Unit>()

    /** What waits here holds its listener: whoever lets go of the manager hears of the end all the same. */
    fun <T : Any> tell(listener: WeakReference<T>, event: (T) -> Unit) {
        val held = listener.get() ?: return
        if (scope == null) return event(held)
        waiting.add { event(held) }
        // Not this event but the first: `Main.immediate` runs what its own thread launches before what waits for that thread already.
        scope.launch { waiting.remove()() }
    }
}

/** Where events run if nothing else is said: on Android the main thread, elsewhere the thread that causes them (null). */
public fun defaultEventDispatcher(): CoroutineDispatcher? = if (isAndroid) Dispatchers.Main else null

private val isAndroid: Boolean by lazy {
    try {
        Class.forName("android.os.Looper").getMethod("getMainLooper").invoke(null) != null
    } catch (_: ReflectiveOperationException) {
        false
    }
}
