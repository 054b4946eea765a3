#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import LiveKitWebRTC
import Testing
import WireIntoYourSDK

/// The transport for LiveKit's WebRTC framework, plain and sealed, on channels that stand in for the framework's and end in the embedded SFU.
@Suite(.timeLimit(.minutes(1)))
struct WebRTCTests {
    @Test func framesGoOverItsChannels() async throws {
        try await inRoom { room in
            let host = try Host("alice", in: room)
            let bob = try await room.join("bob")
            host.published.change(to: .open)
            let track = try await host.session.local.publishDataTrack(name: "samples")
            let stream = try await subscribed(bob, "samples")
            try track.tryPush(Data("there"))
            #expect(try await stream.next()?.payload == Data("there"))

            let back = try await bob.local.publishDataTrack(name: "back")
            let returning = try await host.session.remote.waitForTrack(name: "back", timeout: 10).subscribe()
            try back.tryPush(Data("and back"))
            #expect(try await returning.next()?.payload == Data("and back"))
            let packets = host.session.remote.stats().packetsReceived
            host.another.receive(Data("of another channel"))
            #expect(host.session.remote.stats().packetsReceived == packets)
            host.end()
        }
    }

    @Test func whatWaitsInTheChannelDecides() async throws {
        try await inRoom { room in
            let host = try Host("alice", in: room)
            let bob = try await room.join("bob")
            let track = try await host.session.local.publishDataTrack(name: "samples")
            let stream = try await subscribed(bob, "samples")
            try track.tryPush(large)
            #expect(track.stats().framesSent == 0)
            host.published.change(to: .open)
            try track.tryPush(Data("small"))
            for try await frame in stream where frame.payload == Data("small") { break }

            host.published.change(bufferedAmount: full)
            let sent = track.stats().packetsSent
            try track.tryPush(Data("large") + large)
            // No more than the one that leaves now and then; an empty channel would take five at once.
            #expect(track.stats().packetsSent < sent + 4)
            host.published.change(bufferedAmount: 0)
            for try await frame in stream where frame.payload.starts(with: Data("large")) { break }
            host.end()
        }
    }

    @Test func sealedSessionsAreReadByWhoKnowsThePassphrase() async throws {
        try await inRoom { room in
            let alice = try Host("alice", in: room, passphrase: "correct horse")
            let bob = try Host("bob", in: room, passphrase: "correct horse")
            let eve = try Host("eve", in: room, passphrase: "battery staple")
            alice.published.change(to: .open)
            let track = try await alice.session.local.publishDataTrack(name: "samples")
            let stream = try await bob.session.remote.waitForTrack(name: "samples", timeout: 10).subscribe()
            let overheard = try await eve.session.remote.waitForTrack(name: "samples", timeout: 10)
            let nothing = try await overheard.subscribe()
            try track.tryPush(Data("secret"))
            #expect(try await stream.next()?.payload == Data("secret"))
            try await until { overheard.stats().framesDroppedUndecryptable == 1 }
            #expect(track.info().usesE2ee && nothing.stats().framesWaiting == 0)
            for host in [alice, bob, eve] { host.end() }
        }
    }

    @Test func whatIsNotOpenCannotSend() throws {
        let transport = WebRTCTransport { _ in throw Refused() }
        #expect(throws: WebRTCTransport.NotOpen.self) { try transport.sendPackets([Data()]) }
        #expect(throws: Refused.self) { try transport.sendSignalRequest(Data()) }
        transport.publish(on: LKRTCDataChannel(label: WebRTCTransport.label))
        #expect(throws: WebRTCTransport.NotOpen.self) { try transport.sendPackets([Data()]) }
        #expect(!WebRTCTransport.configuration.isOrdered && WebRTCTransport.configuration.maxRetransmits == 0)
    }
}

/// What an SDK has: a WebSocket and two channels, here all over one plain connection.
private final class Host: @unchecked Sendable {
    let session: DataTrackSession
    let published: LKRTCDataChannel
    let another = LKRTCDataChannel(label: "_reliable")
    private let received = LKRTCDataChannel(label: WebRTCTransport.label)
    private let transport: WebRTCTransport
    private let connection: PlainConnection

    init(_ identity: String, in room: Room, passphrase: String? = nil) throws {
        let connection = try PlainConnection(to: Room.address, hello: ["identity": identity, "room": room.name])
        self.connection = connection
        published = LKRTCDataChannel(label: WebRTCTransport.label) { try? connection.send(.packet, $0) }
        transport = WebRTCTransport { try connection.send(.signal, $0) }
        session =
            try passphrase.map { [transport] in
                try DataTrackSession.sealed(by: $0, transport: transport, identity: identity)
            } ?? DataTrackSession(transport: transport, identity: identity)
        transport.session = session
        transport.publish(on: published)
        transport.receive(on: another)
        transport.receive(on: received)
        nonisolated(unsafe) let received = received
        connection.receive { [session] kind, bytes in
            switch kind {
            case .signal: try? session.received(signal: bytes)
            case .packet: received.receive(bytes)
            case .hello, .control: break
            }
        }
    }

    func end() {
        session.close()
        connection.end()
    }
}
#endif
