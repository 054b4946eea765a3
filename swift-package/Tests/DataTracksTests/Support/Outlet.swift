import DataTracks
import Foundation
import WireIntoYourSDK

/// A transport that fails on demand, remembers what it sent, and can be moved to another connection.
final class Outlet: DataTrackTransport {
    typealias Kind = PlainConnection.Kind

    struct State: Sendable {
        var connection: PlainConnection?
        /// Sending a message of these kinds throws.
        var broken: Set<Kind> = []
        var signals: [Data] = []
        var packets: [Data] = []
        /// Sees every message before it is sent, on the thread that sends.
        var watch: (@Sendable (Kind, Data) -> Void)?
    }

    let state = Locked(State())

    func sendSignalRequest(_ request: Data) throws {
        try send(.signal, request)
    }

    func sendPackets(_ packets: [Data]) throws {
        for packet in packets {
            try send(.packet, packet)
        }
    }

    func send(_ kind: Kind, _ bytes: Data) throws {
        let now = try state.with { state in
            guard !state.broken.contains(kind) else { throw Refused() }
            if kind == .signal { state.signals.append(bytes) }
            if kind == .packet { state.packets.append(bytes) }
            return state
        }
        now.watch?(kind, bytes)
        try now.connection?.send(kind, bytes)
    }

    func breaks(_ kinds: Kind...) {
        state.with { $0.broken = Set(kinds) }
    }
}

/// What a broken transport throws.
struct Refused: Error {}
