#if canImport(LiveKitWebRTC)
import Foundation
import LiveKitWebRTC

/// Where a room is, and what leads there.
public struct Settings: @unchecked Sendable {
    let server: URL
    /// Used from any thread, as WebRTC allows; its framework does not tell the compiler so.
    let webRTC: LKRTCPeerConnectionFactory
    let open: @Sendable (_ address: URL, _ token: String) -> any SignalSocket

    /// The factory is your SDK's own: one serves all rooms. `open` is for tests.
    public init(
        server: URL,
        webRTC: LKRTCPeerConnectionFactory,
        open: @escaping @Sendable (_ address: URL, _ token: String) -> any SignalSocket = { WebSocket(to: $0, token: $1) }
    ) {
        (self.server, self.webRTC, self.open) = (server, webRTC, open)
    }

    /// Where to join, or with the SID of before to come back. Your SDK, which has media, leaves `auto_subscribe` at 1.
    func address(resumed: String?) throws -> URL {
        var address = URLComponents(url: server.appendingPathComponent("rtc"), resolvingAgainstBaseURL: false)
        var query = ["protocol": "16", "sdk": "swift", "auto_subscribe": "0"]
        if let resumed {
            query["reconnect"] = "1"
            query["sid"] = resumed
        }
        address?.queryItems = query.map(URLQueryItem.init)
        guard let url = address?.url else { throw URLError(.badURL) }
        return url
    }
}

/// What a room tells, on threads of its own.
public enum RoomEvent: Sendable, Equatable {
    case reconnecting
    case reconnected(quick: Bool)
    case ended(End)

    /// Why a room is over without having been left.
    public enum End: Sendable {
        case server, lost, noDataTracks
    }
}

/// Why there is no session.
public enum RoomError: Error {
    case notLetIn
    /// Only joining anew can help.
    case forgotten
    /// As SFUs without data tracks do.
    case channelClosed
}

/// Does it, unless that takes too long.
func within(_ nanoseconds: UInt64, _ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(nanoseconds: nanoseconds)
            throw RoomError.forgotten
        }
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// Tells what happens again, soon, from what happens once.
struct Recurrence {
    private var before: TimeInterval?

    mutating func isThereAgain() -> Bool {
        let now = ProcessInfo.processInfo.systemUptime
        defer { before = now }
        return before.map { now - $0 < 30 } ?? false
    }
}

// As other SDKs do.
let patience: UInt64 = 10_000_000_000
/// Between attempts, in milliseconds.
let pauses: [UInt64] = [0, 300, 600, 1_200, 2_400, 4_800, 7_000, 7_000, 7_000, 7_000]
#endif
