// The Swift participant of the room of `tests/languages/test_room.py`, where the lines are that it takes and gives.

import DataTracks
import Foundation
import WireIntoYourSDK

@main
struct Participant {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments[0] == "interop" { return try await takePartInInterop(arguments) }
        let (address, room, identity, passphrase) = (arguments[0], arguments[1], arguments[2], arguments[3])
        let keys = try keyRing(.hkdf, Data(passphrase.utf8))
        let connection = try PlainConnection(to: address, hello: ["identity": identity, "room": room])
        let session = DataTrackSession(
            transport: connection,
            identity: identity,
            encryption: keys?.encryptionProvider(),
            decryption: keys?.decryptionProvider()
        )
        connection.receive(into: session)
        try await participate(session, as: identity, with: arguments.dropFirst(4))
        say("left", session.local.stats().panics + session.remote.stats().panics)
    }
}

private func participate(_ session: DataTrackSession, as identity: String, with others: ArraySlice<String>) async throws {
    let track = try await session.local.publishDataTrack(name: identity)
    var tracks: [RemoteDataTrack] = []
    for other in others {
        tracks.append(try await session.remote.waitForTrack(name: other, publisherIdentity: other, timeout: 30))
    }
    try await withThrowingTaskGroup(of: Void.self) { reading in
        for other in tracks {
            let stream = try await other.subscribe()
            reading.addTask { try await read(stream, of: other.publisherIdentity()) }
        }
        say("ready")
        for await line in lines() {
            try await obey(line, track, tracks)
        }
        session.close()
        try await reading.waitForAll()
    }
}

private func obey(_ line: String, _ track: LocalDataTrack, _ others: [RemoteDataTrack]) async throws {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    switch words[0] {
    case "send":
        guard let payload = Data(base64Encoded: String(words[2])) else { throw CocoaError(.coderInvalidValue) }
        try await track.send(DataTrackFrame(payload: payload, userTimestamp: UInt64(words[1])))
    case "tell":
        for other in others {
            let sealed = other.info().usesE2ee ? "sealed" : "plain"
            say("track", other.publisherIdentity(), sealed, other.stats().framesDroppedUndecryptable)
        }
    default: break
    }
}

private func read(_ stream: DataTrackStream, of publisher: String) async throws {
    for try await frame in stream {
        say("frame", publisher, frame.userTimestamp.map(String.init) ?? "none", frame.payload.base64EncodedString())
    }
}
