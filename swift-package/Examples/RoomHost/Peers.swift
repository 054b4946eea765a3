#if canImport(LiveKitWebRTC)
import Foundation
import LiveKitWebRTC
import WireIntoYourSDK

/// Both connections of a session.
final class Peers: Sendable {
    /// What can be done with them.
    enum Health {
        case connecting, usable, broken
        /// The SFU has closed a channel: it has no data tracks, or is about to go.
        case closed
    }

    let publisher: Peer
    let subscriber: Peer
    private let changes = Changes()

    init(on webRTC: LKRTCPeerConnectionFactory, servers: [IceServer], transport: WebRTCTransport, requests: Requests) throws {
        let changed = changes.tell
        transport.onStateChange = changed
        let peer = {
            try Peer($0, on: webRTC, servers: servers, transport: transport, requests: requests, onChange: changed)
        }
        (publisher, subscriber) = (try peer(.publisher), try peer(.subscriber))
    }

    subscript(role: Role) -> Peer {
        role == .publisher ? publisher : subscriber
    }

    var health: Health {
        let (states, channels) = ([publisher.state, subscriber.state], [publisher.channelState, subscriber.channelState])
        if channels.contains(where: { $0 == .closing || $0 == .closed }) { return .closed }
        if states.contains(where: { $0 == .disconnected || $0 == .failed }) { return .broken }
        // An SFU that has nothing for us to receive does not offer its connection.
        let receives = states[1] == .new || states[1] == .connected && channels[1] == .open
        return states[0] == .connected && channels[0] == .open && receives ? .usable : .connecting
    }

    func untilUsable() async throws {
        for await _ in changes.stream() {
            switch health {
            case .usable: return
            case .closed: throw RoomError.channelClosed
            case .connecting, .broken: break
            }
        }
        throw CancellationError()
    }

    /// What is broken already does not count: it may be about to be mended.
    func untilBroken() async {
        var before = health
        for await _ in changes.stream() {
            let now = health
            if now != before, now == .broken || now == .closed { return }
            before = now
        }
    }

    func close() {
        publisher.close()
        subscriber.close()
    }
}

/// Tells whoever waits that it is worth to look again.
private final class Changes: @unchecked Sendable {
    private let lock = NSLock()
    private var listeners: [AsyncStream<Void>.Continuation] = []

    /// Tells once at its start: look then as well.
    func stream() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { listener in
            lock.lock()
            defer { lock.unlock() }
            listeners.append(listener)
            listener.yield()
        }
    }

    @Sendable func tell() {
        lock.lock()
        defer { lock.unlock() }
        listeners.removeAll { if case .terminated = $0.yield() { true } else { false } }
    }
}
#endif
