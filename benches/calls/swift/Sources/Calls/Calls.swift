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
        // Row by row: a heap that has served small frames takes a while to serve large ones well.
        for round in 0..<warmUp + rounds {
            let (push, out) = try calls.pushes()
            if round >= warmUp { report(["push": push, "out": out], of: side) }
        }
        for round in 0..<warmUp + rounds {
            let received = try await calls.receives()
            if round >= warmUp { report(["in": received], of: side) }
        }
        for round in 0..<warmUp + rounds {
            let read = try await calls.batches()
            if round >= warmUp { report(["batch": read], of: side) }
        }
    }

    private static func report(_ nanoseconds: [String: Double], of side: String) {
        for (row, time) in nanoseconds { print(row, side, time) }
    }
}

/// What is measured, each a frame and in nanoseconds.
protocol Measured {
    /// Large frames that are pushed, and their packets that leave: what each of the two costs.
    func pushes() throws -> (push: Double, out: Double)
    /// Packets that come in, and their large frame that is read.
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

/// Rounds that do not count.
private let warmUp = 5
/// Odd, so that there is a median.
private let rounds = 9

let large = Data(repeating: 7, count: 64 << 10)
let small = Data(repeating: 7, count: 64)
/// Large ones, in a round.
let frames = 500
/// Small ones that are read at once.
let batch = 256
/// Those, in a round.
let batchesOfARound = 40
