import Foundation

/// Another program, as a process of its own.
final class Program: Sendable {
    private let process = Process()
    private let pipe = Pipe()

    /// With `errors`, what it prints is also what it says about failures.
    init(_ program: URL, _ arguments: [String], errors: Bool = false) throws {
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = pipe
        if errors { process.standardError = pipe }
        try process.run()
    }

    /// What it prints first.
    func firstLine() async -> String {
        await inBackground { [pipe] in
            var line = Data()
            while let byte = try? pipe.fileHandleForReading.read(upToCount: 1), byte != Data("\n"), !byte.isEmpty {
                line += byte
            }
            return String(decoding: line, as: UTF8.self)
        }
    }

    /// Everything that it prints until it ends.
    func output() async -> String {
        await inBackground { [pipe, process] in
            let data = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: data, as: UTF8.self)
        }
    }

    /// 0 if it has ended well.
    var status: Int32 { process.terminationStatus }

    /// Ends it. It may have inherited that it hears no other signal: threads that run tasks do not.
    func end() {
        kill(process.processIdentifier, SIGKILL)
    }

    /// Waits until it has ended.
    func ended() async {
        _ = await inBackground { [process] in
            process.waitUntilExit()
            return ""
        }
    }
}

/// Reads block: they are not for the threads that tasks share.
private func inBackground(_ work: @escaping @Sendable () -> String) async -> String {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}
