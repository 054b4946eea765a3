import DataTracks
import Foundation
import Testing
import WireIntoYourSDK

/// A room of a test's own, on the SFU that `cargo tasks swift` starts (or `datatracks sfu --plain 127.0.0.1:7000` by hand).
final class Room: Sendable {
    let name = "room-\(UUID().uuidString.prefix(8))"
    private let peers = Locked([Peer]())

    /// The bridge to a real SFU, where there is one.
    static let bridge = ProcessInfo.processInfo.environment["DATATRACKS_BRIDGE"]
    /// Whether rooms are those of the bridge.
    @TaskLocal static var isReal = false

    static var address: String {
        (isReal ? bridge : ProcessInfo.processInfo.environment["DATATRACKS_SFU"]) ?? "127.0.0.1:7000"
    }

    func join(
        _ identity: String,
        permissions: [String: Bool] = [:],
        providers: Peer.Providers = Peer.Providers(),
        delegate: RawDelegate? = nil,
        onEvent: @escaping @Sendable () -> Void = {}
    ) async throws -> Peer {
        let hello = Peer.Hello(address: Room.address, room: name, permissions: permissions)
        let peer = Peer(identity, hello: hello, providers: providers, delegate: delegate, onEvent: onEvent)
        peers.with { $0.append(peer) }
        try await peer.join()
        return peer
    }

    fileprivate func close() {
        for peer in peers.now {
            #expect(peer.local.stats().panics == 0, "\(peer.identity)")
            #expect(peer.remote.stats().panics == 0, "\(peer.identity)")
            peer.leave()
        }
    }
}

/// Runs a test in a room. At the end all leave, and no fault of the library may have been caught.
func inRoom(_ test: (Room) async throws -> Void) async throws {
    let room = Room()
    defer { room.close() }
    try await test(room)
}

/// Runs a test with alice and bob in a room.
func withAliceAndBob(_ test: (Peer, Peer) async throws -> Void) async throws {
    try await inRoom { room in
        try await test(room.join("alice"), room.join("bob"))
    }
}

/// A published track and an open stream of it.
func connected(
    _ publisher: Peer,
    _ subscriber: Peer,
    _ options: DataTrackOptions = DataTrackOptions(name: "samples"),
    stream: DataTrackSubscribeOptions = DataTrackSubscribeOptions()
) async throws -> (LocalDataTrack, DataTrackStream) {
    let track = try await publisher.local.publishTrack(options: options)
    return (track, try await subscribed(subscriber, options.name, stream))
}

/// A stream of the track of that name, as soon as there is one.
func subscribed(
    _ subscriber: Peer,
    _ name: String,
    _ options: DataTrackSubscribeOptions = DataTrackSubscribeOptions()
) async throws -> DataTrackStream {
    try await subscriber.remote.waitForTrack(name: name, timeout: 10).subscribe(options: options)
}

/// What arrives of a frame that is pushed. The embedded SFU loses none. A real one needs a moment to switch a subscription over, and its
/// packets are UDP: a large frame is spread over time, since room is reported, and pushed again if it has not come.
func arrival(
    of frame: DataTrackFrame,
    on track: LocalDataTrack,
    of publisher: Peer,
    at stream: DataTrackStream
) async throws -> DataTrackFrame? {
    var again = Date()
    try await until("a frame arrives") {
        if Room.isReal { publisher.local.handleBufferedAmount(bytes: 0) }
        if Date() >= again {
            try track.tryPush(frame)
            again = Room.isReal ? Date().addingTimeInterval(0.5) : .distantFuture
        }
        return stream.stats().framesWaiting > 0
    }
    return try await stream.next()
}

/// Waits until a condition holds, and fails after ten seconds.
func until(
    _ what: String = "the condition",
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = Date().addingTimeInterval(10)
    while try await !condition() {
        try #require(Date() < deadline, "\(what) does not come true", sourceLocation: sourceLocation)
        try await Task.sleep(nanoseconds: 2_000_000)
    }
}

/// Pushes until a frame comes through: after a reconnect the SFU needs a moment to switch over.
func pushedUntilRead(_ track: LocalDataTrack, _ stream: DataTrackStream) async throws {
    try await until("a frame arrives") {
        try? track.tryPush(Data("again".utf8))
        return stream.stats().framesWaiting > 0
    }
    #expect(try await stream.next()?.payload == Data("again".utf8))
}

extension Data {
    init(_ text: String) {
        self.init(text.utf8)
    }
}

/// More than a full channel lets through while a test lasts.
let large = Data(count: 1 << 20)
/// A buffered amount with which nothing but a packet now and then leaves.
let full: UInt64 = 1 << 30
