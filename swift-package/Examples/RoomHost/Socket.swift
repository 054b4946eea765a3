import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Whole binary messages, in order, both ways. Never comes back once it is over.
public protocol SignalSocket: AnyObject, Sendable {
    /// From any thread. Never waits.
    func send(_ message: Data)
    /// The next message. Throws when the connection could not be had, when it is over, or silent for so long that it must be.
    func next() async throws -> Data
    /// Ends when this has been sent, or cannot be.
    func finish(_ message: Data) async
    func end()
}

/// One WebSocket to the server.
public final class WebSocket: SignalSocket {
    private let task: URLSessionWebSocketTask
    private let outgoing: AsyncStream<Data>.Continuation
    private let sending: Task<Void, Never>

    /// Begins to connect; `next()` says whether it worked. The token is in a header, since addresses end up in logs.
    public init(to address: URL, token: String) {
        var request = URLRequest(url: address)
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        #if canImport(FoundationNetworking)
        // Elsewhere that is what it says by itself.
        request.setValue("Upgrade", forHTTPHeaderField: "Connection")
        #endif
        let task = URLSession.shared.webSocketTask(with: request)
        task.maximumMessageSize = largestMessage
        let (messages, outgoing) = AsyncStream.makeStream(of: Data.self)
        sending = Task {
            for await message in messages {
                try? await task.send(.data(message))
            }
        }
        self.task = task
        self.outgoing = outgoing
        task.resume()
    }

    deinit {
        end()
    }

    public func send(_ message: Data) {
        outgoing.yield(message)
    }

    public func next() async throws -> Data {
        let silence = Task { [self] in
            try await Task.sleep(nanoseconds: longestSilence)
            end()
        }
        defer { silence.cancel() }
        return try await withTaskCancellationHandler {
            while true {
                if case .data(let message) = try await task.receive() { return message }
            }
        } onCancel: {
            end()
        }
    }

    public func finish(_ message: Data) async {
        outgoing.yield(message)
        outgoing.finish()
        let patience = Task { [self] in
            try await Task.sleep(nanoseconds: longestFarewell)
            end()
        }
        await sending.value
        patience.cancel()
        end()
    }

    public func end() {
        outgoing.finish()
        task.cancel(with: .normalClosure, reason: nil)
    }
}

/// A server tells who is in a large room in one message; by itself a task takes no more than one MiB.
private let largestMessage = 16 << 20
/// A LiveKit server answers the ping of every five seconds.
private let longestSilence: UInt64 = 15_000_000_000
private let longestFarewell: UInt64 = 1_000_000_000
