import Foundation

/// Where requests go out, from any thread and in order. While there is no WebSocket they wait.
final class Requests: @unchecked Sendable {
    private let lock = NSLock()
    private var socket: (any SignalSocket)?
    private var waiting: [Data] = []

    func send(_ request: Data) {
        lock.lock()
        defer { lock.unlock() }
        if let socket { socket.send(request) } else { waiting.append(request) }
    }

    /// Those that have waited go first.
    func flow(into opened: any SignalSocket) {
        lock.lock()
        defer { lock.unlock() }
        waiting.forEach(opened.send)
        waiting = []
        socket = opened
    }

    /// From now on they wait. Answers the WebSocket that they have taken.
    func hold() -> (any SignalSocket)? {
        lock.lock()
        defer { lock.unlock() }
        defer { socket = nil }
        return socket
    }

    /// What waits is for a session that is no more.
    func forget() {
        lock.lock()
        defer { lock.unlock() }
        waiting = []
    }
}
