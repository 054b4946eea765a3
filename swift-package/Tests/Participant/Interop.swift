// The same host in the rooms of `tests/interop`: it is told by the lines of `peer.py`, which lists them. Arguments are "interop", the address of
// a bridge, room, identity, and "plain ''", or "passphrase" or "key" with its value. A frame has its "payload" in place of "sha": Foundation has
// no SHA-256 everywhere.

import DataTracks
import Foundation
import WireIntoYourSDK

func takePartInInterop(_ arguments: [String]) async throws {
    let (address, room, identity) = (arguments[1], arguments[2], arguments[3])
    let keys = try keys(arguments[4], arguments[5])
    let connection = try PlainConnection(to: address, hello: ["identity": identity, "room": room])
    let transport = PacedTransport(connection)
    let session = DataTrackSession(
        transport: transport,
        identity: identity,
        encryption: keys?.encryptionProvider(),
        decryption: keys?.decryptionProvider()
    )
    connection.receive(into: session)
    tell("joined")
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { for await _ in transport.sent { session.bufferedAmount(is: 0) } }
        var published: [String: LocalDataTrack] = [:]
        for await line in lines() {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "publish": published[words[1]] = try await publish(words[1], session.local)
            case "send": try push(published[words[1]], words[2], words[3])
            case "unpublish": published.removeValue(forKey: words[1])?.unpublish()
            case "subscribe": tasks.addTask { try await read(words[1], session.remote) }
            default: break
            }
        }
        for track in published.values { track.unpublish() }
        session.close()
        tasks.cancelAll()
        while await tasks.nextResult() != nil {}
    }
    tell("left")
}

/// What the bridge has no room for TCP holds back, so all that was sent has left. Telling so is what switches pacing on.
private final class PacedTransport: DataTrackTransport {
    let sent: AsyncStream<Void>
    private let connection: PlainConnection
    private let note: AsyncStream<Void>.Continuation

    init(_ connection: PlainConnection) {
        self.connection = connection
        (sent, note) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        note.yield()
    }

    func sendSignalRequest(_ request: Data) throws {
        try connection.sendSignalRequest(request)
    }

    func sendPackets(_ packets: [Data]) throws {
        try connection.sendPackets(packets)
        note.yield()
    }
}

private func keys(_ kind: String, _ value: String) throws -> KeyRing? {
    switch kind {
    case "passphrase": return try keyRing(.pbkdf2, Data(value.utf8))
    case "key": return try keyRing(.hkdf, Data(base64Encoded: value) ?? Data())
    default: return nil
    }
}

private func publish(_ name: String, _ manager: LocalDataTrackManager) async throws -> LocalDataTrack {
    let track = try await manager.publishDataTrack(name: name)
    tell("published", ["name": name, "encrypted": track.info().usesE2ee])
    return track
}

private func push(_ track: LocalDataTrack?, _ timestamp: String, _ payload: String) throws {
    guard let payload = Data(base64Encoded: payload) else { throw CocoaError(.coderInvalidValue) }
    try track?.tryPush(payload, userTimestamp: UInt64(timestamp))
}

private func read(_ name: String, _ manager: RemoteDataTrackManager) async throws {
    let track = try await manager.waitForTrack(name: name)
    let stream = try await track.subscribe(options: DataTrackSubscribeOptions(bufferFrames: 256))
    for try await frame in stream {
        let timestamp: any Sendable = frame.userTimestamp ?? NSNull()
        let payload = frame.payload.base64EncodedString()
        tell("frame", ["name": name, "len": frame.payload.count, "ts": timestamp, "payload": payload])
    }
    tell("ended", ["name": name, "undecryptable": track.stats().framesDroppedUndecryptable])
}

private func tell(_ event: String, _ what: [String: any Sendable] = [:]) {
    let line = what.merging(["event": event]) { $1 }
    guard let json = try? JSONSerialization.data(withJSONObject: line) else { return }
    say(String(decoding: json, as: UTF8.self))
}
