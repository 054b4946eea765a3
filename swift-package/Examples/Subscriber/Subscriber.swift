// A reader: `swift run Subscriber 127.0.0.1:7000 10` prints 10 samples of the room `example`, then leaves.

import DataTracks
import Foundation
import WireIntoYourSDK

@main
struct Subscriber {
    static func main() async {
        do {
            try await subscribe()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func subscribe() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let address = arguments.first ?? "127.0.0.1:7000"
        let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 10

        let room = arguments.dropFirst(2).first ?? "example"
        let connection = try PlainConnection(to: address, hello: ["identity": "reader", "room": room])
        let session = DataTrackSession(transport: connection, identity: "reader")
        // Ends by itself, or with the connection.
        try await connection.serve(session) {
            // Waits until somebody publishes it.
            let track = try await session.remote.waitForTrack(name: "temperature", timeout: 30)
            var read = 0
            for try await frame in try await track.subscribe() {
                let age = frame.latency.map { String(format: "%.1f ms", $0 * 1000) } ?? "unknown"
                print("\(String(decoding: frame.payload, as: UTF8.self)), \(age) old")
                read += 1
                if read == count { break }
            }
            print("read \(read) samples")
        }
    }
}
