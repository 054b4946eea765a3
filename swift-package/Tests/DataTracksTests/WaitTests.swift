import DataTracks
import Foundation
import Testing

/// Every wait ends, once: done, refused, timed out, cancelled with its task, or closed (P6); and what nobody waits for any more is undone
/// at the SFU (P7).
@Suite(.timeLimit(.minutes(1)))
struct WaitTests {
    @Test func shutdownCompletesEverythingThatWaits() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            alice.holdBack()
            alice.local.handleBufferedAmount(bytes: full)
            try track.tryPush(large)
            let signals = alice.outlet.state.now.signals.count
            let publishing = Task { try await alice.local.publishDataTrack(name: "pending") }
            let unpublished = Task { try await track.waitForUnpublish() }
            let flushed = Task { try await track.flush() }
            let next = Task { try await stream.next() }
            let batch = Task { try await stream.nextBatch(max: 5) }
            let loop = Task { for try await _ in stream {} }
            let gone = Task { try await remote.waitForUnpublish() }
            let found = Task { try await bob.remote.waitForTrack(name: "never") }
            try await until("the publish is asked for") { alice.outlet.state.now.signals.count > signals }
            bob.remote.shutdown()
            alice.local.shutdown()
            await #expect(throws: PublishError.Closed) { try await publishing.value }
            #expect(try await unpublished.value == .shutdown)
            await #expect(throws: WaitError.Closed) { try await flushed.value }
            #expect(try await next.value == nil)
            #expect(try await batch.value == [])
            try await loop.value
            #expect(try await gone.value == .shutdown)
            await #expect(throws: WaitError.Closed) { try await found.value }
            #expect(stream.endReason() == .shutdown)
            #expect(!track.isPublished() && !remote.isPublished())
            alice.local.shutdown()
            bob.remote.shutdown()
        }
    }

    @Test func aCancelledTaskEndsEveryCall() async throws {
        try await withAliceAndBob { alice, bob in
            let options = DataTrackOptions(name: "samples", dropPolicy: .refuse, maxWaitingBytes: 3_300_000)
            let (track, stream) = try await connected(alice, bob, options)
            let remote = try #require(bob.remote.tracks().first)
            _ = try await alice.local.publishDataTrack(name: "another")
            let another = try await bob.remote.waitForTrack(name: "another", timeout: 5)
            alice.local.handleBufferedAmount(bytes: full)
            // Full, and for seconds also after the first of them has begun to leave.
            for _ in 0..<3 { try track.tryPush(large) }
            let tooMuch = DataTrackFrame(payload: Data(count: 2_000_000))
            alice.holdBack()
            bob.holdBack()
            let schema = DataTrackSchemaId(name: "Pose", encoding: .protobuf)
            await cancelled(.Cancelled as PublishError) { _ = try await alice.local.publishDataTrack(name: "pending") }
            await cancelled(.Cancelled as PublishError) {
                try await alice.local.withDataTrack(name: "pending") { _ in
                    _ = Issue.record("the body ran")
                }
            }
            await cancelled(.Cancelled as SchemaError) { try await alice.local.defineSchema(schema, contents: Data("x")) }
            await cancelled(.Cancelled as SchemaError) { _ = try await alice.local.getSchema(schema, of: "bob") }
            await cancelled(.Cancelled as PushFrameError) { try await track.send(tooMuch) }
            await cancelled(.Cancelled as WaitError) { try await track.flush() }
            await cancelled(.Cancelled as WaitError) { _ = try await track.waitForUnpublish() }
            await cancelled(.Cancelled as SubscribeError) { _ = try await another.subscribe() }
            await cancelled(.Cancelled as WaitError) { _ = try await remote.waitForUnpublish() }
            await cancelled(.Cancelled as WaitError) { _ = try await bob.remote.waitForTrack(name: "never") }
            await cancelled(.Cancelled as WaitError) { _ = try await stream.next() }
            await cancelled(.Cancelled as WaitError) { _ = try await stream.nextBatch(max: 2) }
            #expect(stream.endReason() == nil)
            await cancelled(.Cancelled as WaitError) { for try await _ in stream {} }
            #expect(stream.endReason() == .closed)
        }
    }

    @Test func aTokenCancelsEveryCallThatHasIt() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let token = CancelToken()
            let next = Task { try await stream.nextWithToken(cancel: token) }
            let unpublished = Task { try await track.waitForUnpublishWithToken(cancel: token) }
            token.cancel()
            token.cancel()
            #expect(token.isCancelled())
            await #expect(throws: WaitError.Cancelled) { try await next.value }
            await #expect(throws: WaitError.Cancelled) { try await unpublished.value }
            try track.tryPush(Data("the stream lives on"))
            #expect(try await stream.next()?.payload == Data("the stream lives on"))
        }
    }

    @Test func aCancelledNextLosesNoFrame() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            for number in 0..<50 {
                let reading = Task { try await stream.next() }
                if number % 2 == 0 { await Task.yield() }
                try track.tryPush(Data("\(number)"))
                reading.cancel()
                let frame: DataTrackFrame?
                do { frame = try await reading.value } catch WaitError.Cancelled { frame = try await stream.next() }
                #expect(frame?.payload == Data("\(number)"))
            }
        }
    }

    @Test func aCancelledPublishIsUndoneAtTheSfu() async throws {
        try await withAliceAndBob { alice, bob in
            alice.holdBack()
            let publishing = Task { try await alice.local.publishDataTrack(name: "unwanted") }
            try await until("the SFU has answered") { alice.heldBack > 0 }
            publishing.cancel()
            await #expect(throws: PublishError.Cancelled) { try await publishing.value }
            _ = try await bob.remote.waitForTrack(name: "unwanted", timeout: 5)
            alice.release()
            try await until("it is gone at the SFU") { bob.remote.tracks().isEmpty }
            #expect(alice.local.tracks().isEmpty)
            #expect(try await alice.local.publishDataTrack(name: "unwanted").isPublished())
        }
    }

    @Test func aCancelledSubscribeIsUndoneAtTheSfu() async throws {
        try await withAliceAndBob { alice, bob in
            let track = try await alice.local.publishDataTrack(name: "samples")
            let remote = try await bob.remote.waitForTrack(name: "samples", timeout: 5)
            bob.holdBack()
            let subscribing = Task { try await remote.subscribe() }
            try await until("the SFU has answered") { bob.heldBack > 0 }
            subscribing.cancel()
            await #expect(throws: SubscribeError.Cancelled) { try await subscribing.value }
            bob.release()
            try await until("it is given back") { remote.subscriptionState() == .unsubscribed }
            try await noPacketArrives(from: track, of: alice, at: bob)
        }
    }

    @Test func withDataTrackUnpublishesOnEveryWayOut() async throws {
        try await withAliceAndBob { alice, bob in
            let answer = try await alice.local.withDataTrack(name: "returns") { track in
                #expect(track.isPublished())
                return 7
            }
            #expect(answer == 7)
            await #expect(throws: Refused.self) {
                try await alice.local.withDataTrack(name: "throws") { _ in throw Refused() }
            }
            let isInside = Locked(false)
            let sleeping = Task {
                try await alice.local.withDataTrack(name: "is cancelled") { track in
                    isInside.with { $0 = true }
                    _ = try await track.waitForUnpublish()
                }
            }
            try await until("the block runs") { isInside.now }
            sleeping.cancel()
            await #expect(throws: WaitError.Cancelled) { try await sleeping.value }
            #expect(alice.local.tracks().isEmpty)
            try await until("all are gone at the SFU") { bob.remote.tracks().isEmpty }
        }
    }

    @Test func aTimeoutIsOne() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, _) = try await connected(alice, bob)
            alice.local.handleBufferedAmount(bytes: full)
            try track.tryPush(large)
            await #expect(throws: WaitError.TimedOut) { try await track.flush(timeout: 0.05) }
            await #expect(throws: WaitError.TimedOut) { try await track.flush(timeout: 0) }
            await #expect(throws: WaitError.TimedOut) { try await track.flush(timeout: .nan) }
            await #expect(throws: WaitError.TimedOut) { try await bob.remote.waitForTrack(name: "never", timeout: 0.05) }
        }
    }

    @Test func waitingForATrackFindsWhatIsThereAndWhatComes() async throws {
        try await withAliceAndBob { alice, bob in
            async let later = bob.remote.waitForTrack(name: "later", publisherIdentity: "alice", timeout: 10)
            async let elsewhere = bob.remote.waitForTrack(name: "later", publisherIdentity: "carol", timeout: 0.2)
            _ = try await alice.local.publishDataTrack(name: "later")
            let track = try await later
            #expect(track.info().name == "later" && track.publisherIdentity() == "alice")
            #expect(try await bob.remote.waitForTrack(name: "later", timeout: 1) == track)
            do {
                _ = try await elsewhere
                Issue.record("carol publishes nothing")
            } catch {
                #expect(error as? WaitError == .TimedOut)
            }
        }
    }

    /// Starts a call in a task, cancels it when it waits, and expects this error.
    private func cancelled<Failure: Error & Equatable>(
        _ error: Failure,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ call: @escaping @Sendable () async throws -> Void
    ) async {
        let started = Locked(false)
        let task = Task {
            started.with { $0 = true }
            try await call()
        }
        while !started.now { await Task.yield() }
        for _ in 0..<20 { await Task.yield() }
        task.cancel()
        await #expect(throws: error, sourceLocation: sourceLocation) { try await task.value }
    }
}

/// Pushes frames, and expects that the SFU sends none of them on. It answers controls in order: what it had to say before is there then.
func noPacketArrives(from track: LocalDataTrack, of publisher: Peer, at subscriber: Peer) async throws {
    try await subscriber.control("grant")
    let before = subscriber.receivedPackets.count
    for _ in 0..<20 { try track.tryPush(Data("for nobody")) }
    try await publisher.control("grant")
    try await subscriber.control("grant")
    #expect(subscriber.receivedPackets.count == before)
}
