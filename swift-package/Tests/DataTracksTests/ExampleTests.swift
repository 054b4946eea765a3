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
}

/// A program of this package, beside the one that runs the tests.
private func example(_ name: String, _ arguments: String...) throws -> Program {
    let tests = URL(fileURLWithPath: CommandLine.arguments[0])
    return try Program(tests.deletingLastPathComponent().appendingPathComponent(name), arguments)
}
