package io.datatracks

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

internal class FramesTest : RoomTest() {
    @Test
    fun `a frame that is pushed arrives`() = test {
        val (track, stream) = connected(join("alice"), join("bob"))
        track.tryPush(frame("hello", 7u))
        val frame = stream.next()
        assertEquals("hello", frame.text)
        assertEquals(7u, frame?.userTimestamp)
    }
}
