import Foundation

/// Measures one side, `ours` or `plain`, and prints a line for each round of each row: `row side nanoseconds`, the last a frame.
///
/// A process has one side only, as that in Kotlin. Rows and rounds are those of Calls.kt.
@main
enum Calls {
    static func main() async throws {
        try await measure(side: CommandLine.arguments[1])
    }

    private nonisolated static func measure(side: String) async throws {
        let calls: any Measured = side == "ours" ? try await Pair() : PlainPair()
        for round in 0...rounds {
            let (push, out) = try calls.pushes()
            let results = [
                ("push", push), ("out", out), ("in", try await calls.receives()), ("batch", try await calls.batches()),
            ]
            // The first is for warming up.
            for (row, nanoseconds) in results where round > 0 { print(row, side, nanoseconds) }
        }
    }
}

/// What is measured, each a frame and in nanoseconds.
protocol Measured {
    /// Large frames that are pushed, and their packets that leave: what each of the two costs.
    func pushes() throws -> (push: Double, out: Double)
    /// Packets that come in, and their large frames that are read.
    func receives() async throws -> Double
    /// Small frames that are there, and are read at once.
    func batches() async throws -> Double
}

/// Time that adds up.
struct Stopwatch {
    private var nanoseconds = UInt64(0)

    mutating func time<Answer>(_ work: () throws -> Answer) rethrows -> Answer {
        let start = DispatchTime.now().uptimeNanoseconds
        defer { nanoseconds += DispatchTime.now().uptimeNanoseconds - start }
        return try work()
    }

    mutating func time<Answer>(_ work: () async throws -> Answer) async rethrows -> Answer {
        let start = DispatchTime.now().uptimeNanoseconds
        defer { nanoseconds += DispatchTime.now().uptimeNanoseconds - start }
        return try await work()
    }

    func each(of frames: Int) -> Double {
        Double(nanoseconds) / Double(frames)
    }
}

/// What is measured has to be done.
func check(_ holds: Bool) {
    if !holds { fatalError("the work was not done") }
}

/// Odd, so that there is a median.
private let rounds = 9

let large = Data(repeating: 7, count: 64 << 10)
let small = Data(repeating: 7, count: 64)
/// Large ones, in a round.
let frames = 480
/// Large ones that come in at once: a task that begins to wait leaves its thread, which is not what is measured.
let group = 16
/// Small ones that are read at once.
let batch = 256
/// Those, in a round.
let batchesOfARound = 40
