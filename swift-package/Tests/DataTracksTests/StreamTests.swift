import DataTracks
import Foundation
import Testing

/// A stream is an `AsyncSequence` that gives its subscription back.
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
    @Test func aLoopReadsToTheEndAndTheReasonIsKnown() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            for number in 0..<5 { try track.tryPush(Data("\(number)")) }
            try await until { stream.stats().framesWaiting == 5 }
            track.unpublish()
            var read = [Data]()
            for try await frame in stream { read.append(frame.payload) }
            #expect(read == (0..<5).map { Data("\($0)") })
            #expect(stream.endReason() == .unpublished)
        }
    }

    @Test func errorsOfALoopAreTyped() async throws {
        try await withAliceAndBob { alice, bob in
            let (_, stream) = try await connected(alice, bob)
            stream.shutdown()
            // Compiles only while the sequence throws nothing but WaitError.
            let outcome: Result<Int, WaitError> = await counted(stream)
            #expect(outcome == .success(0))
            #expect(stream.endReason() == .closed)
        }
    }

    @Test func cancellingTheTaskOfALoopGivesTheSubscriptionBack() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            let first = Locked(false)
            let reading = Task {
                for try await _ in stream { first.with { $0 = true } }
            }
            try track.tryPush(Data("first"))
            try await until { first.now }
            reading.cancel()
            await #expect(throws: WaitError.Cancelled) { try await reading.value }
            #expect(stream.endReason() == .closed)
            #expect(remote.subscriptionState() == .unsubscribed)
            try await noPacketArrives(from: track, of: alice, at: bob)
        }
    }

    @Test func aCancelledLoopSaysSoThoughTheTrackHasEnded() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(Data("unread"))
            try await until { stream.stats().framesWaiting == 1 }
            track.unpublish()
            try await until { stream.endReason() == .unpublished }
            let reading = Task {
                while !Task.isCancelled { await Task.yield() }
                for try await _ in stream { Issue.record("a frame for nobody") }
            }
            reading.cancel()
            await #expect(throws: WaitError.Cancelled) { try await reading.value }
            #expect(stream.stats().framesDroppedClosed == 1)
        }
    }

    @Test func leavingALoopLeavesTheStreamOpen() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            for number in 0..<4 { try track.tryPush(Data("\(number)")) }
            for try await frame in stream where frame.payload == Data("1") { break }
            #expect(stream.endReason() == nil)
            #expect(try await stream.next()?.payload == Data("2"))
        }
    }

    @Test func aDroppedStreamGivesTheSubscriptionBack() async throws {
        try await withAliceAndBob { alice, bob in
            let remote: RemoteDataTrack
            let track: LocalDataTrack
            do {
                let stream: DataTrackStream
                (track, stream) = try await connected(alice, bob)
                remote = try #require(bob.remote.tracks().first)
                #expect(stream.endReason() == nil && remote.subscriptionState() == .active)
            }
            try await until("it is given back") { remote.subscriptionState() == .unsubscribed }
            #expect(track.isPublished())
        }
    }

    @Test func resubscribingAtOnceWorks() async throws {
        try await withAliceAndBob { alice, bob in
            var (track, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            for _ in 0..<5 {
                stream.shutdown()
                stream = try await remote.subscribe()
                try await pushedUntilRead(track, stream)
            }
            track.unpublish()
        }
    }

    @Test func aClosedStreamAnswersAtOnce() async throws {
        try await withAliceAndBob { alice, bob in
            let (_, stream) = try await connected(alice, bob)
            let reading = Task { try await stream.next() }
            stream.shutdown()
            #expect(try await reading.value == nil)
            #expect(stream.endReason() == .closed)
        }
    }
}

private func counted(_ stream: DataTrackStream) async -> Result<Int, WaitError> {
    var count = 0
    var iterator = stream.makeAsyncIterator()
    do throws(WaitError) {
        while try await iterator.next() != nil { count += 1 }
        return .success(count)
    } catch {
        return .failure(error)
    }
}
