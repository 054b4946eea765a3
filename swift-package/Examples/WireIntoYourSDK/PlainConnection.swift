import DataTracks
import Foundation

/// Stands where your SDK has its WebSocket and its data channel: both over one TCP connection to `datatracks sfu --plain`, each message
/// a kind, a length (32 bits, big-endian) and its bytes.
public final class PlainConnection: DataTrackTransport {
    /// What a message is.
    public enum Kind: UInt8, Sendable {
        case hello, signal, packet, control
    }

    private let descriptor: Int32
    private let sending = NSLock()

    /// Connects, for example to `127.0.0.1:7000`, and says who joins which room.
    public init(to address: String, hello: [String: any Sendable]) throws {
        let parts = address.split(separator: ":")
        var endpoint = sockaddr_in()
        endpoint.sin_family = sa_family_t(AF_INET)
        endpoint.sin_port = (parts.last.flatMap { UInt16($0) } ?? 0).bigEndian
        inet_pton(AF_INET, String(parts.first ?? ""), &endpoint.sin_addr)
        descriptor = socket(AF_INET, streamSocket, 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &endpoint) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard connected == 0 else { throw Broken("there is no SFU at \(address)") }
        try send(.hello, JSONSerialization.data(withJSONObject: hello))
    }

    deinit {
        _ = close(descriptor)
    }

    public func sendSignalRequest(_ request: Data) throws {
        try send(.signal, request)
    }

    public func sendPackets(_ packets: [Data]) throws {
        for packet in packets {
            try send(.packet, packet)
        }
    }

    /// Sends one message.
    public func send(_ kind: Kind, _ bytes: Data) throws {
        var message = Data([kind.rawValue])
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { message.append(contentsOf: $0) }
        message.append(bytes)
        sending.lock()
        defer { sending.unlock() }
        try message.withUnsafeBytes { rest in
            var rest = rest[...]
            while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let sent = Foundation.send(descriptor, start, rest.count, noSignal)
                guard sent > 0 else { throw Broken("the connection is gone") }
                rest = rest.dropFirst(sent)
            }
        }
    }

    /// Hands every message to `handler`, on a thread of its own, and tells when the connection ends.
    public func receive(_ handler: @escaping @Sendable (Kind, Data) -> Void, atEnd: @escaping @Sendable () -> Void = {}) {
        Thread.detachNewThread { [self] in
            while let head = read(5), let kind = Kind(rawValue: head[0]) {
                let length = head.dropFirst().reduce(0) { $0 << 8 | Int($1) }
                guard let bytes = read(length) else { break }
                handler(kind, bytes)
            }
            atEnd()
        }
    }

    /// Hands everything that comes to `session` while `body` runs, then leaves. When the connection ends before, `body` is cancelled, and this
    /// throws why; an SDK would come back instead.
    public func serve(_ session: DataTrackSession, while body: @escaping @Sendable () async throws -> Void) async throws {
        let (connection, end) = AsyncThrowingStream<Never, any Error>.makeStream()
        receive { kind, bytes in
            switch kind {
            case .signal: try? session.received(signal: bytes)
            case .packet: session.received(packet: bytes)
            case .control: end.finish(throwing: Broken("the SFU refuses us: \(String(decoding: bytes, as: UTF8.self))"))
            case .hello: break
            }
        } atEnd: {
            end.finish(throwing: Broken("the SFU has closed the connection"))
        }
        defer {
            session.close()
            self.end()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for try await _ in connection {} }
            group.addTask { try await body() }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Leaves the room, and ends the connection for both sides. Who ends it without a LeaveRequest is waited for.
    public func end() {
        try? sendSignalRequest(Data([leaveRequest << 3 | lengthDelimited, 0]))
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func read(_ count: Int) -> Data? {
        var bytes = Data(count: count)
        var filled = 0
        while filled < count {
            let received = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + filled, count - filled, 0) }
            guard received > 0 else { return nil }
            filled += received
        }
        return bytes
    }

    /// The connection is gone, and why.
    public struct Broken: Error, CustomStringConvertible {
        public let description: String

        init(_ why: String) {
            description = why
        }
    }
}

/// A field of SignalRequest.
private let leaveRequest: UInt8 = 8

/// The wire type of messages.
private let lengthDelimited: UInt8 = 2

#if canImport(Glibc)
private let streamSocket = Int32(SOCK_STREAM.rawValue)
private let noSignal = Int32(MSG_NOSIGNAL)
#else
private let streamSocket = SOCK_STREAM
private let noSignal: Int32 = 0
#endif
