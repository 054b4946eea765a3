import DataTracks
import Foundation
import Testing

/// A log handler hears what happens, and never payloads, keys or tokens (P13).
@Suite(.serialized, .timeLimit(.minutes(1)))
struct LoggingTests {
    @Test func theHandlerHearsOfTracksAndOfNothingSecret() async throws {
        let told = Locked("")
        DataTrackLog.start(level: .trace) { record in
            told.with { $0 += "\(record.target) \(record.text)\n" }
        }
        defer { DataTrackLog.stop() }
        try await inRoom { room in
            let keys = ring("the passphrase")
            let alice = try await room.join("alice", providers: .sealing(with: keys))
            let bob = try await room.join("bob", providers: .sealing(with: keys))
            let (track, stream) = try await connected(alice, bob, DataTrackOptions(name: "logged"))
            try track.tryPush(Data("the payload"))
            #expect(try await stream.next()?.payload == Data("the payload"))
            track.unpublish()
            try await until("the track is named") { told.now.contains("logged") }
            #expect(!told.now.contains("the payload") && !told.now.contains("the passphrase"))
        }
    }
}
