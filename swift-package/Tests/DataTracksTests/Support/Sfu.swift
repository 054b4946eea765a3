import Foundation
import Testing

/// An embedded SFU of a test's own.
struct Sfu {
    let address: String
    private let program: Program

    init(at wanted: String) async throws {
        let path = try #require(ProcessInfo.processInfo.environment["DATATRACKS_BIN"], "it names the binary that serves")
        program = try Program(URL(fileURLWithPath: path), ["sfu", "--plain", wanted])
        let words = await program.firstLine().split(separator: " ")
        try #require(words.first == "plain" && words.count == 2, "\(words) does not say where it serves")
        address = String(words[1])
    }

    func end() {
        program.end()
    }

    func ended() async {
        await program.ended()
    }
}
