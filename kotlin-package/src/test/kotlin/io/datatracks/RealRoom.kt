package io.datatracks

import core.CoreList
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory
import java.net.InetSocketAddress

/** The core of the list in real rooms: `cargo tasks kotlin` starts livekit-server and a bridge, says where it is, and names this class. */
internal class RealRoom {
    @TestFactory
    fun `the core of the list`(): List<DynamicTest> {
        val bridge = checkNotNull(System.getenv("DATATRACKS_BRIDGE")) { "DATATRACKS_BRIDGE names no bridge" }
        val address = InetSocketAddress(bridge.substringBeforeLast(":"), bridge.substringAfterLast(":").toInt())
        return CoreList.names.map { name -> DynamicTest.dynamicTest(name) { CoreList.run(name, address, isReal = true) } }
    }
}
