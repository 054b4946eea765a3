// A sensor that publishes: `swift run SensorPublisher 127.0.0.1:7000 100` sends 100 samples to the room `example`.

import DataTracks
import Foundation
import WireIntoYourSDK

@main
struct SensorPublisher {
    static func main() async {
        do {
            try await publish()
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(1)
        }
    }

    private static func publish() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        let address = arguments.first ?? "127.0.0.1:7000"
        let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 100

        // Your SDK's transport, and the managers on top of it.
        let room = arguments.dropFirst(2).first ?? "example"
        let connection = try PlainConnection(to: address, hello: ["identity": "sensor", "room": room])
        let session = DataTrackSession(transport: connection, identity: "sensor")
        // Ends by itself, or with the connection.
        try await connection.serve(session) {
            // The track is there while this block runs, and gone after it, whatever happens.
            try await session.local.withDataTrack(name: "temperature") { track in
                for number in 0..<count {
                    try track.tryPush(.now(Data("sample \(number)".utf8)))
                    try await Task.sleep(nanoseconds: 20_000_000)
                }
                try await track.flush(timeout: 5)
            }
            print("sent \(count) samples")
        }
    }
}
