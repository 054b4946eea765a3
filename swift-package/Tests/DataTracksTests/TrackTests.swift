import DataTracks
import Foundation
import Testing

/// Who publishes what: discovery, identity (P9), names, permissions, schemas, events.
@Suite(.timeLimit(.minutes(1)))
struct TrackTests {
    @Test func tracksPublishedBeforeTheJoinAreThereAfterIt() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice")
            let schema = DataTrackSchemaId(name: "Pose", encoding: .protobuf)
            let options = DataTrackOptions(name: "pose", schema: schema, frameEncoding: .protobuf)
            _ = try await alice.local.publishTrack(options: options)
            _ = try await alice.local.publishDataTrack(name: "plain")
            let bob = try await room.join("bob")
            try await until { bob.remote.tracks().count == 2 }
            let tracks = bob.remote.tracksByPublisher(publisherIdentity: "alice").map { $0.info() }
            #expect(tracks.map(\.name) == ["pose", "plain"])
            #expect(tracks.map(\.schema) == [schema, nil])
            #expect(tracks.map(\.frameEncoding) == [.protobuf, nil])
            #expect(tracks.allSatisfy { $0.sid.hasPrefix("DTR_") && !$0.usesE2ee })
            #expect(bob.remote.tracksByPublisher(publisherIdentity: "carol").isEmpty)
        }
    }

    @Test func eventsTellEachThingOnce() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            _ = try await subscribed(bob, "samples")
            track.unpublish()
            #expect(try await stream.next() == nil)
            // A second track: whatever would be told twice would have been told before it.
            _ = try await connected(alice, bob, DataTrackOptions(name: "marker"))
            // Who waits for a track is woken before the events of the same moment are told.
            try await until("alice is told") { alice.seen.now.contains("local published marker") }
            try await until("bob is told") { bob.seen.now.contains("published marker") }
            #expect(
                alice.seen.now == [
                    "local published samples", "local unpublished samples: requested", "local published marker",
                ])
            let told = bob.seen.now
            for once in ["published samples", "unpublished samples: requested", "published marker"] {
                #expect(told.filter { $0 == once }.count == 1, "\(once) in \(told)")
            }
            #expect(told.contains("subscription samples: active"))
        }
    }

    @Test func aParticipantThatLeavesTakesItsTracksAlongOnce() async throws {
        try await withAliceAndBob { alice, bob in
            let (_, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            try await alice.lose(.full)
            #expect([.publisherLeft, .requested].contains(try await remote.waitForUnpublish()))
            #expect(try await stream.next() == nil)
            try await until("the event") { bob.seen.now.contains { $0.hasPrefix("unpublished samples") } }
            #expect(bob.remote.tracks().isEmpty)
            // Another one: whatever would be told twice would have been told before it.
            try await alice.reconnect(.unnoticed)
            _ = try await bob.remote.waitForTrack(name: "samples", timeout: 5)
            #expect(bob.seen.now.filter { $0.hasPrefix("unpublished samples") }.count == 1)
        }
    }

    @Test func aDiscardedTrackObjectStaysPublished() async throws {
        try await withAliceAndBob { alice, bob in
            let stream = try await { try await connected(alice, bob).1 }()
            let kept = try #require(alice.local.tracks().first)
            #expect(kept.isPublished())
            try kept.tryPush(Data("still published"))
            #expect(try await stream.next()?.payload == Data("still published"))
        }
    }

    @Test func equalityIsThatOfTheTrackAndNotOfTheObject() async throws {
        try await withAliceAndBob { alice, bob in
            let one = try await alice.local.publishDataTrack(name: "one")
            let two = try await alice.local.publishDataTrack(name: "two")
            #expect(alice.local.tracks() == [one, two] && one != two)
            #expect(Set([one, two] + alice.local.tracks()).count == 2)
            let seen = try await bob.remote.waitForTrack(name: "one", timeout: 5)
            #expect(try await bob.remote.waitForTrack(name: "one", timeout: 5) == seen)
            one.unpublish()
            _ = try await seen.waitForUnpublish()
            _ = try await alice.local.publishDataTrack(name: "one")
            #expect(try await bob.remote.waitForTrack(name: "one", timeout: 5) != seen)
        }
    }

    @Test func aNameIsFreeAgainAfterTheEndOfItsTrack() async throws {
        try await withAliceAndBob { alice, _ in
            let first = try await alice.local.publishDataTrack(name: "name")
            await #expect(throws: PublishError.DuplicateName) { try await alice.local.publishDataTrack(name: "name") }
            first.unpublish()
            let second = try await alice.local.publishDataTrack(name: "name")
            #expect(second.isPublished() && !first.isPublished())
        }
    }

    @Test func aRevokedPermissionEndsThePublications() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            try await alice.control("revoke")
            #expect(try await track.waitForUnpublish() == .revoked)
            #expect(try await stream.next() == nil)
            await #expect(throws: PublishError.NotAllowed) { try await alice.local.publishDataTrack(name: "another") }
            try await alice.control("grant")
            #expect(try await alice.local.publishDataTrack(name: "another").isPublished())
        }
    }

    @Test func aPublishBeforeTheJoinFailsAtOnceAndCanBeRepeated() async throws {
        try await inRoom { room in
            let hello = Peer.Hello(address: Room.address, room: room.name)
            let early = Peer("early", hello: hello)
            early.outlet.breaks(.signal)
            await #expect(throws: PublishError.SignalNotSent) { try await early.local.publishDataTrack(name: "track") }
            early.outlet.breaks()
            try await early.join()
            #expect(try await early.local.publishDataTrack(name: "track").isPublished())
            early.leave()
        }
    }

    @Test func schemasAreStoredAndFound() async throws {
        try await withAliceAndBob { alice, bob in
            let pose = DataTrackSchemaId(name: "Pose", encoding: .jsonSchema)
            try await alice.local.defineSchema(pose, contents: Data(#"{"type": "object"}"#))
            #expect(try await bob.local.getSchema(pose, of: "alice") == Data(#"{"type": "object"}"#))
        }
    }
}
