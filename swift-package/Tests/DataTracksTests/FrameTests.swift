import DataTracks
import Foundation
import Testing

/// What is pushed arrives: every size, every timestamp, in order; and the counts tell the truth (P2, P3).
@Suite(.timeLimit(.minutes(1)))
struct FrameTests {
    @Test(arguments: [0, 1, 15_988, 15_989, 65_536, 1 << 20])
    func aFrameOfAnySizeArrivesWhole(size: Int) async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let payload = Data((0..<size).map { UInt8($0 % 251) })
            let frame = DataTrackFrame(payload: payload)
            #expect(try await arrival(of: frame, on: track, of: alice, at: stream) == frame)
        }
    }

    @Test(arguments: [nil, 0, 1, 1_700_000_000_000, UInt64.max] as [UInt64?])
    func aTimestampArrivesAsGiven(timestamp: UInt64?) async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let frame = DataTrackFrame(payload: Data("x"), userTimestamp: timestamp)
            #expect(try await arrival(of: frame, on: track, of: alice, at: stream)?.userTimestamp == timestamp)
        }
    }

    @Test func aFrameOfNowTellsItsLatency() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(.now(Data("now")))
            let frame = try #require(try await stream.next())
            let latency = try #require(frame.latency)
            #expect((-0.001...5).contains(latency))
            #expect(DataTrackFrame(payload: Data()).latency == nil)
        }
    }

    @Test func aSliceOfLargerDataIsPushedAsItIs() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(Data("before the slice and after".utf8)[7..<16])
            #expect(try await stream.next()?.payload == Data("the slice"))
        }
    }

    @Test func framesArriveInPublishingOrder() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob, stream: .init(bufferFrames: 500))
            let sizes = Array(repeating: [1, 40_000, 0, 17_000], count: 50).flatMap { $0 }
            for (number, size) in sizes.enumerated() {
                try track.tryPush(Data(count: size), userTimestamp: UInt64(number))
            }
            for (number, size) in sizes.enumerated() {
                let frame = try #require(try await stream.next())
                #expect(frame.userTimestamp == UInt64(number))
                #expect(frame.payload.count == size)
            }
        }
    }

    @Test func aBatchHasWhatWaitsAndAtLeastOne() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            async let first = stream.nextBatch(max: 10)
            try track.tryPush(Data("0"))
            #expect(try await first.map(\.payload) == [Data("0")])
            for number in 0..<5 { try track.tryPush(Data("\(number)")) }
            try await until { stream.stats().framesWaiting == 5 }
            #expect(try await stream.nextBatch(max: 3).map(\.payload) == ["0", "1", "2"].map { Data($0) })
            #expect(try await stream.nextBatch(max: 3).map(\.payload) == ["3", "4"].map { Data($0) })
        }
    }

    @Test func twoStreamsHaveBuffersAndPoliciesOfTheirOwn() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, newest) = try await connected(alice, bob, stream: .init(bufferFrames: 2))
            let oldest = try await subscribed(bob, "samples", .init(bufferFrames: 3, bufferPolicy: .dropNewest))
            let latest = try await subscribed(bob, "samples", .init(bufferPolicy: .latestOnly))
            for number in UInt64(0)..<5 { try track.tryPush(Data(), userTimestamp: number) }
            try await until { latest.stats().framesDroppedFull == 4 }
            try await until { newest.stats().framesDroppedFull == 3 && oldest.stats().framesDroppedFull == 2 }
            #expect(try await newest.nextBatch(max: 9).map(\.userTimestamp) == [3, 4])
            #expect(try await oldest.nextBatch(max: 9).map(\.userTimestamp) == [0, 1, 2])
            #expect(try await latest.nextBatch(max: 9).map(\.userTimestamp) == [4])
        }
    }

    @Test func sixtyFourTracksPushedAtOnceDoNotMix() async throws {
        try await withAliceAndBob { alice, bob in
            let count = 64
            let rounds = 20
            let tracks = try await inParallel(count) { try await alice.local.publishDataTrack(name: "track-\($0)") }
            let streams = try await inParallel(count) {
                try await subscribed(bob, "track-\($0)", .init(bufferFrames: UInt32(rounds)))
            }
            _ = try await inParallel(count) { number in
                for sequence in 0..<rounds { try tracks[number].tryPush(tagged(number, sequence)) }
            }
            for (number, stream) in streams.enumerated() {
                for sequence in 0..<rounds {
                    #expect(try await stream.next()?.payload == tagged(number, sequence))
                }
                #expect(stream.stats().framesWaiting == 0)
            }
        }
    }

    @Test func aThousandTracksAreFoundByOneWhoJoinsLater() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice")
            for wave in 0..<10 {
                _ = try await inParallel(100) { try await alice.local.publishDataTrack(name: "track-\(wave * 100 + $0)") }
            }
            let bob = try await room.join("bob")
            try await until { bob.remote.tracks().count == 1_000 }
            #expect(bob.remote.tracksByPublisher(publisherIdentity: "alice").count == 1_000)
            let stream = try await subscribed(bob, "track-999")
            try await pushedUntilRead(try #require(alice.local.tracks().first { $0.info().name == "track-999" }), stream)
        }
    }

    @Test func theNewestWinsWhereThereIsNoRoomAndTheCountsSaySo() async throws {
        try await withAliceAndBob { alice, bob in
            let options = DataTrackOptions(name: "samples", maxWaitingBytes: 50_000)
            let (track, stream) = try await connected(alice, bob, options)
            alice.local.handleBufferedAmount(bytes: full)
            for number in UInt64(0)..<10 { try track.tryPush(Data(count: 15_000), userTimestamp: number) }
            #expect(track.stats().framesAccepted == 10)
            #expect(track.stats().framesDroppedFull > 0)
            #expect(accounted(track.stats()) == 10)
            alice.local.handleBufferedAmount(bytes: 0)
            try await track.flush(timeout: 5)
            let stats = track.stats()
            #expect(stats.framesWaiting == 0 && accounted(stats) == 10)
            var arrived = [UInt64]()
            for _ in 0..<stats.framesSent { arrived.append(try #require(try await stream.next()?.userTimestamp)) }
            #expect(arrived == Array(UInt64(0)..<10).suffix(arrived.count))
        }
    }

    @Test func sendingASequenceAsksForNoFrameBeforeThereIsRoom() async throws {
        try await withAliceAndBob { alice, bob in
            let options = DataTrackOptions(name: "samples", dropPolicy: .refuse, maxWaitingBytes: 20_000)
            let (track, stream) = try await connected(alice, bob, options, stream: .init(bufferFrames: 64))
            alice.local.handleBufferedAmount(bytes: full)
            try track.tryPush(large)
            let asked = Locked(0)
            let frames = AsyncStream<DataTrackFrame>(unfolding: {
                let number = asked.with { asked in
                    asked += 1
                    return asked
                }
                return number <= 20 ? DataTrackFrame(payload: Data(count: 15_000)) : nil
            })
            let sending = Task { try await track.send(contentsOf: frames) }
            try await until { asked.now == 1 }
            #expect(track.stats().framesAccepted == 1)
            try await until("everything is sent") {
                alice.local.handleBufferedAmount(bytes: 0)
                return track.stats().framesSent == 21
            }
            try await sending.value
            #expect(track.stats().framesRefused == 0)
            for _ in 0..<21 { #expect(try await stream.next() != nil) }
        }
    }

    private func accounted(_ stats: LocalTrackStats) -> UInt64 {
        stats.framesSent + stats.framesWaiting + stats.framesDroppedFull + stats.framesDroppedExpired
            + stats.framesDroppedUnpublished + stats.framesDroppedNotSent
    }
}

/// A payload that tells whose it is, in every byte.
private func tagged(_ track: Int, _ sequence: Int) -> Data {
    let tag = Data("(\(track), \(sequence))")
    return (0..<400).reduce(into: Data()) { all, _ in all.append(tag) }
}

/// Does something `count` times at once; the results in order.
func inParallel<Result: Sendable>(
    _ count: Int,
    _ work: @escaping @Sendable (Int) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        for number in 0..<count {
            group.addTask { (number, try await work(number)) }
        }
        return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }.sorted { $0.key < $1.key }.map(\.value)
    }
}
