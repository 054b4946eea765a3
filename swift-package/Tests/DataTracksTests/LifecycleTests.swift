import DataTracks
import Foundation
import Testing

/// Nothing is left behind: memory and threads stay flat however often things are made and let go.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LifecycleTests {
    @Test func tenThousandManagersLeaveNothingBehind() throws {
        func cycle() throws {
            for _ in 0..<1_000 {
                let outlet = Outlet()
                let local = LocalDataTrackManager(transport: outlet, localIdentity: "alice")
                let remote = RemoteDataTrackManager(transport: outlet, events: .ignored, localIdentity: "alice")
                local.shutdown()
                remote.shutdown()
            }
        }
        try cycle()
        let before = try #require(residentKilobytes())
        for _ in 0..<9 { try cycle() }
        let grown = try #require(residentKilobytes()) - before
        #expect(grown < 8_000, "\(grown) KB after 9 000 more pairs of managers")
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

    @Test func aThousandStreamsLeaveNothingBehind() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, kept) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            func cycle() async throws {
                for _ in 0..<500 {
                    let stream = try await remote.subscribe()
                    try track.tryPush(Data(count: 1_000))
                    stream.shutdown()
                }
            }
            try await cycle()
            let (memory, threads) = (try #require(residentKilobytes()), try #require(threadCount()))
            try await cycle()
            try await cycle()
            #expect(remote.stats().streams == 1)
            #expect(try #require(residentKilobytes()) - memory < 16_000)
            #expect(try #require(threadCount()) <= threads + ProcessInfo.processInfo.activeProcessorCount)
            kept.shutdown()
        }
    }
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
