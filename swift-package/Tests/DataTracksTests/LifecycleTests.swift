import DataTracks
import Foundation
import Testing

/// Nothing is left behind: memory and threads stay flat however often things are made and let go.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LifecycleTests {
    @Test func tenThousandManagersLeaveNothingBehind() async throws {
        try await expectFlatMemory(rounds: 10, within: 500) {
            for _ in 0..<1_000 {
                let outlet = Outlet()
                let local = LocalDataTrackManager(transport: outlet, localIdentity: "alice")
                let remote = RemoteDataTrackManager(transport: outlet, events: .ignored, localIdentity: "alice")
                local.shutdown()
                remote.shutdown()
            }
        }
    }

    @Test func managersWithoutAShutdownGoWithTheirLastOwner() async throws {
        weak var outlet: Outlet?
        do {
            let owner = Outlet()
            outlet = owner
            _ = LocalDataTrackManager(transport: owner, localIdentity: "alice").tracks()
        }
        #expect(outlet == nil)
    }

    @Test func tenThousandStreamsLeaveNothingBehind() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, kept) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            let threads = try #require(threadCount())
            try await expectFlatMemory(rounds: 20, within: 250) {
                for _ in 0..<500 {
                    let stream = try await remote.subscribe()
                    try track.tryPush(Data(count: 1_000))
                    stream.shutdown()
                }
                for peer in [alice, bob] { peer.forgetMessages() }
            }
            #expect(remote.stats().streams == 1)
            #expect(try #require(threadCount()) <= threads + ProcessInfo.processInfo.activeProcessorCount)
            kept.shutdown()
        }
    }
}

/// Expects that a round, once others have brought memory to its height, leaves it there: within so many kilobytes, each less than a fourth of what
/// it would be if nothing were given back. Of several rounds one is enough, since a sanitizer's own memory grows in steps.
private func expectFlatMemory(
    rounds: Int,
    within kilobytes: Int,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ round: () async throws -> Void
) async throws {
    var growth = [Int]()
    for _ in 0..<rounds {
        let before = try #require(residentKilobytes())
        try await round()
        growth.append(try #require(residentKilobytes()) - before)
    }
    let isFlat = growth.suffix(rounds / 2).contains { $0 < kilobytes }
    #expect(isFlat, "each round left KB behind: \(growth)", sourceLocation: sourceLocation)
}

/// How many threads this process has, by the kernel's count.
func threadCount() -> Int? {
    status("Threads:")
}

private func residentKilobytes() -> Int? {
    status("VmRSS:")
}

private func status(_ name: String) -> Int? {
    let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
}
