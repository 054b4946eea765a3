#if canImport(LiveKitWebRTC)
import Foundation
import LiveKitWebRTC
import RoomHost
import WireIntoYourSDK

/// What a LiveKit server is to a room host. Signals of data tracks and sessions go through to the embedded SFU; offers, answers and candidates
/// are made up, and packets take the channels of what stands in for WebRTC.
final class Server: @unchecked Sendable {
    let webRTC = LKRTCPeerConnectionFactory()
    private let room: String
    private let identity: String
    private let state = Locked(State())

    private struct State: Sendable {
        var socket: Socket?
        var connection: PlainConnection?
        /// Which field of SignalRequest each was.
        var requests: [UInt64] = []
    }

    init(for identity: String, in room: Room) {
        (self.identity, self.room) = (identity, room.name)
    }

    var requests: [UInt64] { state.now.requests }
    var publisher: LKRTCPeerConnection { webRTC.made[webRTC.made.count - 2] }
    var subscriber: LKRTCPeerConnection { webRTC.made[webRTC.made.count - 1] }

    /// Of a room that is served here.
    var settings: Settings {
        Settings(server: URL(string: "ws://localhost")!, webRTC: webRTC) { [self] address, _ in open(address) }
    }

    private func open(_ address: URL) -> any SignalSocket {
        let resumes = address.query?.contains("reconnect=1") == true
        let socket = Socket { [weak self] in self?.take($0) }
        do {
            let words: [String: any Sendable] = ["identity": identity, "room": room, "resume": resumes]
            let connection = try PlainConnection(to: Room.address, hello: words)
            state.with { ($0.socket, $0.connection) = (socket, connection) }
            connection.receive { [weak self] kind, bytes in
                switch kind {
                case .signal: socket.say(bytes)
                case .packet: self?.subscriber.channels.last?.receive(bytes)
                case .hello, .control: break
                }
            } atEnd: {
                socket.end()
            }
        } catch {
            socket.end()
        }
        return socket
    }

    func say(_ response: Data) {
        state.now.socket?.say(response)
    }

    /// Loses the WebSocket as a phone does.
    func lose(_ loss: Peer.Loss) throws {
        let words = ["op": "drop_session", "mode": loss.rawValue]
        try state.now.connection?.send(.control, JSONSerialization.data(withJSONObject: words))
    }

    private func take(_ request: Data) {
        let kind = fieldNumber(request)
        let connection = state.with { state in
            state.requests.append(kind)
            return state.connection
        }
        switch kind {
        case 1:
            publisher.channels[0].leads { try? connection?.send(.packet, $0) }
            say(description(2, "answer", id: request.last))
            say(candidate)
            say(description(3, "offer", id: 7))
        case 2 where subscriber.channels.isEmpty:
            subscriber.open(LKRTCDataChannel(label: "_lossy"))
            subscriber.open(LKRTCDataChannel(label: WebRTCTransport.label))
        case 2, 3, 16: break
        default: try? connection?.send(.signal, request)
        }
    }

    /// A WebSocket without a web.
    private final class Socket: SignalSocket {
        private let messages: AsyncStream<Data>
        private let incoming: AsyncStream<Data>.Continuation
        private let onRequest: @Sendable (Data) -> Void

        init(onRequest: @escaping @Sendable (Data) -> Void) {
            (messages, incoming) = AsyncStream.makeStream()
            self.onRequest = onRequest
        }

        func say(_ response: Data) {
            incoming.yield(response)
        }

        func send(_ message: Data) {
            onRequest(message)
        }

        func next() async throws -> Data {
            for await message in messages { return message }
            throw Refused()
        }

        func finish(_ message: Data) async {
            send(message)
            end()
        }

        func end() {
            incoming.finish()
        }
    }
}

/// A SessionDescription in a SignalResponse. Ids are small.
private func description(_ field: UInt64, _ type: String, id: UInt8?) -> Data {
    let words = lengthDelimited(1, Data(type)) + lengthDelimited(2, Data("ways to the SFU"))
    return lengthDelimited(field, words + varint(3 << 3) + Data([id ?? 0]))
}

private let candidate = lengthDelimited(
    4, lengthDelimited(1, Data(#"{"candidate":"a way to the SFU","sdpMid":"0","sdpMLineIndex":0}"#)))
#endif
