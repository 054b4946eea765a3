package io.datatracks

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The jar works as it is: its native library is found without a setting. Runs after the others, against the packaged jar. */
internal class JarIT : RoomTest() {
    @Test
    fun `the jar brings its library along`() = test {
        val from = LocalDataTrackManager::class.java.protectionDomain.codeSource.location.path
        assertTrue(from.endsWith(".jar"), from)
        assertNull(System.getProperty("jna.library.path"))
        val (track, stream) = connected(join("alice"), join("bob"))
        track.tryPush(frame("from a jar"))
        assertEquals("from a jar", stream.next().text)
    }
}
