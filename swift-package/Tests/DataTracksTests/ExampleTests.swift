import Foundation
import Testing

/// The examples that people copy work: one publishes, the other reads it, each in a process of its own.
@Suite(.timeLimit(.minutes(1)))
struct ExampleTests {
    @Test func thePublisherIsReadByTheSubscriber() async throws {
        let room = "examples-\(UUID().uuidString.prefix(8))"
        let reader = try example("Subscriber", Room.address, "5", room)
        let publisher = try example("SensorPublisher", Room.address, "200", room)
        let read = await reader.output()
        publisher.end()
        let lines = read.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines.first?.hasPrefix("sample ") == true && lines.first?.hasSuffix(" ms old") == true)
        #expect(lines.last == "read 5 samples")
    }

    @Test func thePublisherEndsByItself() async throws {
        let publisher = try example("SensorPublisher", Room.address, "3", "examples-\(UUID().uuidString.prefix(8))")
        #expect(await publisher.output() == "sent 3 samples\n")
    }

    @Test(arguments: ["Subscriber", "SensorPublisher"])
    func whoIsRefusedSaysWhy(name: String) async throws {
        let words = await failure(of: try example(name, Room.address, "1", ""))
        #expect(words.hasPrefix("the SFU refuses us: "))
    }

    @Test func examplesEndWithTheSfu() async throws {
        let sfu = try await Sfu(at: "127.0.0.1:0")
        defer { sfu.end() }
        let reader = try example("Subscriber", sfu.address, "100000", "doomed")
        let publisher = try example("SensorPublisher", sfu.address, "100000", "doomed")
        #expect(await reader.firstLine().hasPrefix("sample "))
        sfu.end()
        for program in [reader, publisher] {
            #expect(await failure(of: program).contains("the SFU has closed the connection\n"))
        }
    }
}

/// What a program prints that ends by itself within five seconds, and not well.
private func failure(of program: Program) async -> String {
    let patience = Task {
        try await Task.sleep(nanoseconds: 5_000_000_000)
        program.end()
    }
    let words = await program.output()
    patience.cancel()
    #expect(program.status == 1)
    return words
}

/// A program of this package, beside the one that runs the tests.
private func example(_ name: String, _ arguments: String...) throws -> Program {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0])
    return try Program(tests.deletingLastPathComponent().appendingPathComponent(name), arguments, errors: true)
}
