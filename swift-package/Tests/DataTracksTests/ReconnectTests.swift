import DataTracks
import Foundation
import Testing

/// Reconnects lose no intent (P8): what was published or read is so again, through the same track and the same stream.
@Suite(.timeLimit(.minutes(1)))
struct ReconnectTests {
    @Test func aPublisherResumes() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let sid = track.info().sid
            try await alice.reconnect(.quick)
            try await pushedUntilRead(track, stream)
            #expect(track.info().sid == sid && alice.local.tracks() == [track])
            #expect(alice.seen.now == ["local published samples"])
        }
    }

    @Test(arguments: [Peer.Loss.full, .unnoticed])
    func aPublisherComesBackAsANewParticipant(loss: Peer.Loss) async throws {
        try await withAliceAndBob { alice, bob in
            let (track, _) = try await connected(alice, bob)
            let sid = track.info().sid
            try await alice.reconnect(loss)
            try await until("it is published again") { track.info().sid != sid }
            #expect(track.isPublished() && alice.local.tracks() == [track])
            #expect(alice.seen.now == ["local published samples"])
            try await until("bob knows") { bob.remote.tracks().map { $0.info().sid } == [track.info().sid] }
            try await pushedUntilRead(track, subscribed(bob, "samples"))
        }
    }

    @Test(arguments: Peer.Loss.allCases)
    func aSubscriberComesBack(loss: Peer.Loss) async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            try await bob.reconnect(loss)
            try await pushedUntilRead(track, stream)
            #expect(stream.endReason() == nil && bob.remote.tracks() == [remote])
        }
    }

    @Test func aResumeThatIsRefusedBecomesANewSession() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, _) = try await connected(alice, bob)
            let sid = track.info().sid
            try await alice.lose(.full)
            try alice.connect(resume: true)
            try await until("it is published again") { track.info().sid != sid }
            #expect(track.isPublished())
        }
    }

    @Test func aPublishThatWaitsForItsAnswerIsAskedAgain() async throws {
        try await withAliceAndBob { alice, bob in
            try await alice.control("lose_next")
            let publishing = Task { try await alice.local.publishDataTrack(name: "patient") }
            try await until { alice.local.stats().tracksPending == 1 }
            try await alice.reconnect(.full)
            let track = try await publishing.value
            #expect(track.isPublished())
            let remote = try await bob.remote.waitForTrack(name: "patient", timeout: 8)
            try await until { remote.info().sid == track.info().sid }
        }
    }

    @Test func whatWasUnpublishedStaysSo() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, _) = try await connected(alice, bob)
            let kept = try await alice.local.publishDataTrack(name: "kept")
            track.unpublish()
            let sid = kept.info().sid
            try await alice.reconnect(.full)
            try await until("the other one is there again") { kept.info().sid != sid }
            try await until { bob.remote.tracks().map { $0.info().name } == ["kept"] }
            #expect(alice.local.tracks() == [kept])
        }
    }

    @Test func anSfuThatStartsAnewGetsEverythingAgain() async throws {
        let first = try await Sfu(at: "127.0.0.1:0")
        let (alice, bob) = (Peer("alice", at: first.address), Peer("bob", at: first.address))
        defer { for peer in [alice, bob] { peer.leave() } }
        for peer in [alice, bob] { try await peer.join() }
        let (track, stream) = try await connected(alice, bob)
        let sid = track.info().sid
        first.end()
        await first.ended()
        let second = try await Sfu(at: first.address)
        defer { second.end() }
        for peer in [alice, bob] { try await peer.reconnect(.unnoticed) }
        try await until("it is published again") { track.info().sid != sid }
        try await pushedUntilRead(track, stream)
    }
}

extension Peer {
    fileprivate convenience init(_ identity: String, at address: String) {
        self.init(identity, hello: Hello(address: address, room: "room"))
    }
}
