import DataTracks
import Foundation
import Testing

/// What the host throws stays with the host (P5): counted, and nothing else ends because of it; calls from callbacks are safe (P11).
@Suite(.timeLimit(.minutes(1)))
struct FaultTests {
    @Test func eventsThatThrowAreCountedAndEndNothing() async throws {
        try await inRoom { room in
            let throwing = { @Sendable (callback: RawDelegate.Callback) in
                if ![.signalRequest, .packets].contains(callback) { throw Refused() }
            }
            let alice = try await room.join("alice", delegate: RawDelegate(heard: throwing))
            let bob = try await room.join("bob", delegate: RawDelegate(heard: throwing))
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(Data("all the same"))
            #expect(try await stream.next()?.payload == Data("all the same"))
            track.unpublish()
            #expect(try await stream.next() == nil)
            #expect(alice.local.stats().delegateErrors == 2)
            try await until { bob.remote.stats().delegateErrors >= 3 }
        }
    }

    @Test func packetsThatCannotBeSentAreCountedForTheirTrack() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            alice.outlet.breaks(.packet)
            try track.tryPush(Data("lost"))
            let stats = track.stats()
            #expect(stats.framesAccepted == 1 && stats.framesDroppedNotSent == 1 && stats.framesSent == 0)
            #expect(alice.local.stats().delegateErrors == 1)
            alice.outlet.breaks()
            try track.tryPush(Data("after that"))
            #expect(try await stream.next()?.payload == Data("after that"))
        }
    }

    @Test func aRequestThatCannotBeSentFailsItsCallAtOnce() async throws {
        try await withAliceAndBob { alice, bob in
            _ = try await alice.local.publishDataTrack(name: "there")
            let track = try await bob.remote.waitForTrack(name: "there", timeout: 5)
            alice.outlet.breaks(.signal)
            bob.outlet.breaks(.signal)
            let started = Date()
            await #expect(throws: PublishError.SignalNotSent) { try await alice.local.publishDataTrack(name: "track") }
            await #expect(throws: SubscribeError.SignalNotSent) { try await track.subscribe() }
            #expect(Date().timeIntervalSince(started) < 5)
            #expect(alice.local.stats().signalsNotSent == 1 && bob.remote.stats().signalsNotSent == 1)
            alice.outlet.breaks()
            bob.outlet.breaks()
            #expect(try await alice.local.publishDataTrack(name: "track").isPublished())
            #expect(try await track.subscribe().endReason() == nil)
        }
    }

    @Test func aTransportThatIsGoneIsOneThatCannotSend() async throws {
        var transport: Outlet? = Outlet()
        let manager = LocalDataTrackManager(transport: try #require(transport), localIdentity: "alice")
        transport = nil
        await #expect(throws: PublishError.SignalNotSent) { try await manager.publishDataTrack(name: "track") }
        manager.shutdown()
    }

    @Test func anyMethodMayBeCalledFromAnyCallback() async throws {
        try await inRoom { room in
            let alice = Locked<Peer?>(nil)
            let heard = Locked(Set<RawDelegate.Callback>())
            let joined = try await room.join(
                "alice",
                delegate: RawDelegate { callback in
                    guard let alice = alice.now else { return }
                    let isFirst = heard.with { $0.insert(callback).inserted }
                    _ = (alice.local.stats(), alice.remote.stats(), alice.remote.tracks())
                    _ = alice.local.publishResponsesForSyncState()
                    alice.local.handleBufferedAmount(bytes: 0)
                    guard isFirst else { return }
                    for track in alice.local.tracks() { try track.tryPush(Data("from \(callback)")) }
                })
            alice.with { $0 = joined }
            let bob = try await room.join("bob")
            let (track, stream) = try await connected(joined, bob)
            let (back, _) = try await connected(bob, joined, DataTrackOptions(name: "back"))
            try track.tryPush(Data("from outside"))
            for try await frame in stream where frame.payload == Data("from outside") { break }
            back.unpublish()
            track.unpublish()
            try await until("every callback was made") { heard.now.count == 5 }
            alice.with { $0 = nil }
        }
    }

    @Test func noiseOnTheChannelIsCountedAndHarmsNobody() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            for noise in [Data(), Data(repeating: 255, count: 40), Data([0x18]), Data(count: 12), Data(count: 70_000)] {
                bob.remote.handlePacketReceived(packet: noise)
            }
            try track.tryPush(Data("signal"))
            #expect(try await stream.next()?.payload == Data("signal"))
            #expect(bob.remote.stats().packetsMalformed >= 3)
        }
    }
}
