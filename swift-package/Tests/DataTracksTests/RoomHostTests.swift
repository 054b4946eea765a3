#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import LiveKitWebRTC
import Testing
import WireIntoYourSDK

@testable import RoomHost

/// The whole host on LiveKit's WebRTC framework: on what stands in for the framework, with the embedded SFU behind it.
@Suite(.timeLimit(.minutes(1)))
struct RoomHostTests {
    @Test func tracksOutliveBothReconnects() async throws {
        try await inRoom { room in
            let (host, bob) = try await (Host("alice", in: room), room.join("bob"))
            try await host.room.connect()
            let track = try await host.session.local.publishDataTrack(name: "samples")
            let stream = try await subscribed(bob, "samples")
            try await pushedUntilRead(track, stream)
            let back = try await bob.local.publishDataTrack(name: "back")
            let returning = try await host.session.remote.waitForTrack(name: "back", timeout: 10).subscribe()
            try await pushedUntilRead(back, returning)
            #expect(host.server.publisher.candidates == ["a way to the SFU"] && host.server.requests.contains(3))

            let sid = track.info().sid
            try await host.lose(.quick)
            #expect(host.events.now == [.reconnecting, .reconnected(quick: true)])
            #expect(host.server.requests.filter { $0 == 12 }.count == 1, "it says once what it has published")
            #expect(host.server.webRTC.made.count == 2 && host.server.publisher.restarts == 1)
            try await pushedUntilRead(track, stream)
            try await pushedUntilRead(back, returning)
            #expect(track.info().sid == sid)

            try await host.lose(.full)
            #expect(host.events.now.suffix(2) == [.reconnecting, .reconnected(quick: false)])
            #expect(host.server.webRTC.made.count == 4)
            try await until("it is published again") { track.info().sid != sid }
            try await pushedUntilRead(track, subscribed(bob, "samples"))
            try await pushedUntilRead(back, returning)
            try await host.leaves(bob)
        }
    }

    @Test func theExampleOfTheGuideIsRead() async throws {
        try await inRoom { room in
            let (server, bob) = (Server(for: "alice", in: room), try await room.join("bob"))
            let (samples, push) = AsyncStream.makeStream(of: Data.self)
            let publishing = Task { try await publish(samples, to: server.settings, token: "") }
            let stream = try await subscribed(bob, "samples")
            try await until("a sample arrives") {
                push.yield(Data("there"))
                return stream.stats().framesWaiting > 0
            }
            #expect(try await stream.next()?.payload == Data("there"))
            push.finish()
            try await publishing.value
            try await until("it is gone") { bob.remote.tracks().isEmpty }
        }
    }

    @Test func aConnectionThatBreaksIsMended() async throws {
        try await inRoom { room in
            let (host, bob) = try await (Host("alice", in: room), room.join("bob"))
            try await host.room.connect()
            let track = try await host.session.local.publishDataTrack(name: "samples")
            let stream = try await subscribed(bob, "samples")
            host.server.publisher.change(to: .failed)
            try await until { host.events.now == [.reconnecting, .reconnected(quick: true)] }
            #expect(host.server.publisher.restarts == 1)
            try await pushedUntilRead(track, stream)
            try await host.leaves(bob)
        }
    }

    @Test func anSfuThatClosesTheChannelAgainHasNoDataTracks() async throws {
        try await inRoom { room in
            let host = try Host("alice", in: room)
            try await host.room.connect()
            host.server.publisher.channels[0].change(to: .closed)
            try await until { host.events.now == [.reconnecting, .reconnected(quick: false)] }
            host.server.publisher.channels[0].change(to: .closed)
            try await until { host.events.now.last == .ended(.noDataTracks) }
            await #expect(throws: PublishError.Closed) { try await host.session.local.publishDataTrack(name: "late") }
            await host.room.leave()
        }
    }

    @Test func whoIsSentAwayHearsIt() async throws {
        try await inRoom { room in
            let host = try Host("alice", in: room)
            try await host.room.connect()
            let waiting = Task { try await host.session.remote.waitForTrack(name: "never", timeout: nil) }
            host.server.say(lengthDelimited(8, Data()))
            try await until { host.events.now == [.ended(.server)] }
            await #expect(throws: (any Error).self) { try await waiting.value }
            await host.room.leave()
        }
    }

    @Test func inTheRoomThatItIsMovedToEverythingIsAskedForAgain() async throws {
        try await inRoom { room in
            let host = try Host("alice", in: room)
            try await host.room.connect()
            _ = try await host.session.local.publishDataTrack(name: "samples")
            let participant = lengthDelimited(1, Data("PA_moved")) + lengthDelimited(2, Data("alice"))
            host.server.say(lengthDelimited(24, lengthDelimited(2, Data("another")) + lengthDelimited(3, participant)))
            try await until("it is published again") { host.server.requests.filter { $0 == 19 }.count > 1 }
            await host.room.leave()
        }
    }

    @Test func whatIsNotThereCannotBeJoined() async throws {
        let settings = Settings(server: URL(string: "ws://127.0.0.1:1")!, webRTC: LKRTCPeerConnectionFactory())
        let room = try RoomHost.Room(settings, token: "")
        await #expect(throws: URLError.self) { try await room.connect() }
    }

    @Test func itsWebSocketSpeaksWithAServer() async throws {
        let (program, server) = try await server()
        defer { program.end() }
        let settings = Settings(server: server, webRTC: LKRTCPeerConnectionFactory())
        let address = try settings.address(resumed: nil)
        let socket = WebSocket(to: address, token: tokenOfAlice)
        guard case .joined(let sid, _) = try Response(await socket.next()) else { throw Refused() }
        #expect(sid.hasPrefix("PA_"))
        for _ in 0..<20 { socket.send(Request.ping(at: Date())) }
        for _ in 0..<20 {
            while fieldNumber(try await socket.next()) != 20 {}
        }
        await socket.finish(Request.leave)
        await #expect(throws: (any Error).self) { while true { _ = try await socket.next() } }

        let stranger = WebSocket(to: address, token: "not one")
        await #expect(throws: (any Error).self) { try await stranger.next() }
    }

    @Test func whatIsNoSignalIsRefused() throws {
        for bytes in [[0x0A], [0x0A, 0x02, 0x00], [0x0B], [0xFF], [UInt8](repeating: 0xFF, count: 20)] as [[UInt8]] {
            #expect(throws: Message.Malformed.self) { try Response(Data(bytes)) }
        }
        #expect(throws: (any Error).self) { try Response(lengthDelimited(4, lengthDelimited(1, Data("{}")))) }
    }
}

/// A room, its server, and what it told.
private struct Host {
    let server: Server
    let room: RoomHost.Room
    let events = Locked([RoomEvent]())

    init(_ identity: String, in room: Room) throws {
        let (server, events) = (Server(for: identity, in: room), events)
        self.server = server
        self.room = try RoomHost.Room(server.settings, token: "", onEvent: { event in events.with { $0.append(event) } })
    }

    var session: DataTrackSession { room.session }

    /// Loses the connection, and waits until it is back.
    func lose(_ loss: Peer.Loss) async throws {
        let before = events.now.count
        try server.lose(loss)
        try await until("it is back") { events.now.count == before + 2 }
    }

    /// Leaves, and others know it.
    func leaves(_ other: Peer) async throws {
        let before = events.now
        await room.leave()
        try await until("it is gone") { other.remote.tracks().isEmpty }
        #expect(server.requests.last == 8 && events.now == before)
        #expect(session.local.stats().panics == 0 && session.remote.stats().panics == 0)
    }
}

/// The embedded SFU as a LiveKit server.
private func server() async throws -> (Program, URL) {
    let path = try #require(ProcessInfo.processInfo.environment["DATATRACKS_BIN"], "it names the binary that serves")
    let program = try Program(URL(fileURLWithPath: path), ["sfu", "--listen", "127.0.0.1:0"])
    let words = await program.firstLine().split(separator: " ")
    let address = try #require(words.last.flatMap { URL(string: String($0)) }, "\(words) does not say where it serves")
    return (program, address)
}

/// Of the room `room`, by the key that the embedded SFU has by itself, until 2100.
private let tokenOfAlice = [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJyb29tIn19",
    "jca9VfrXEXuFaJtDWBbTv5D0RF_tz6UZ9-ieoytxs7M",
].joined(separator: ".")
#endif
