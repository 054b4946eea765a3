import DataTracks
import Foundation
import Testing
import WireIntoYourSDK

@Test func aFrameArrives() async throws {
    let address = try #require(ProcessInfo.processInfo.environment["DATATRACKS_SFU"])
    let a = try PlainConnection(to: address, hello: ["identity": "alice", "room": "r"])
    let alice = DataTrackSession(transport: a, identity: "alice")
    a.receive { kind, bytes in if kind == .signal { try? alice.received(signal: bytes) } else { alice.received(packet: bytes) } }
    let b = try PlainConnection(to: address, hello: ["identity": "bob", "room": "r"])
    let bob = DataTrackSession(transport: b, identity: "bob")
    b.receive { kind, bytes in if kind == .signal { try? bob.received(signal: bytes) } else { bob.received(packet: bytes) } }
    let track = try await alice.local.publishDataTrack(name: "x")
    let stream = try await bob.remote.waitForTrack(name: "x", timeout: 5).subscribe()
    try track.tryPush(.now(Data("hello".utf8)))
    let frame = try await stream.next()
    #expect(frame?.payload == Data("hello".utf8))
    #expect(try #require(frame?.latency) < 5)
    alice.close()
    bob.close()
}
