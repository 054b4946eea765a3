#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import LiveKitWebRTC

/// Stands between a ``DataTrackSession`` and the data channels of a room, on the WebRTC framework of LiveKit's Swift SDK. Your room holds
/// both. It is tested on something that stands in for the framework; with the framework itself it has not run, since what tests this
/// package has no Mac.
public final class WebRTCTransport: NSObject, DataTrackTransport, LKRTCDataChannelDelegate, @unchecked Sendable {
    /// Of both channels: yours, on the publisher's connection, and the SFU's, on the subscriber's.
    public static let label = "_data_track"

    /// For the channel that you make on the publisher's connection, before its offer.
    public static var configuration: LKRTCDataChannelConfiguration {
        let configuration = LKRTCDataChannelConfiguration()
        configuration.isOrdered = false
        configuration.maxRetransmits = 0
        return configuration
    }

    /// Set it before signals and packets flow.
    public weak var session: DataTrackSession?

    /// Called when either channel has opened or closed, for whoever waits for that.
    public var onStateChange: (@Sendable () -> Void)? {
        get { locked { $0.onStateChange } }
        set { locked { $0.onStateChange = newValue } }
    }

    private let sendOverWebSocket: @Sendable (Data) throws -> Void
    private let lock = NSLock()
    private var state = State()

    /// `sendOverWebSocket` sends one binary message, in order. It queues while your SDK reconnects, and throws when that is hopeless.
    public init(sendOverWebSocket: @escaping @Sendable (Data) throws -> Void) {
        self.sendOverWebSocket = sendOverWebSocket
    }

    /// The channel that you made, after a join and after each full reconnect.
    public func publish(on channel: LKRTCDataChannel) {
        locked { $0.publisher = channel }
        channel.delegate = self
        dataChannelDidChangeState(channel)
    }

    /// The channel that the SFU made: call it from `peerConnection(_:didOpen:)` of the subscriber's connection, with any channel.
    public func receive(on channel: LKRTCDataChannel) {
        guard channel.label == Self.label else { return }
        locked { $0.subscriber = channel }
        channel.delegate = self
    }

    public func sendSignalRequest(_ request: Data) throws {
        try sendOverWebSocket(request)
    }

    public func sendPackets(_ packets: [Data]) throws {
        guard let channel = publisher, channel.readyState == .open else { throw NotOpen() }
        for packet in packets {
            guard channel.sendData(LKRTCDataBuffer(data: packet, isBinary: true)) else { throw NotOpen() }
        }
        session?.bufferedAmount(is: channel.bufferedAmount)
    }

    /// On a thread of WebRTC, and that is where it is handled.
    public func dataChannel(_: LKRTCDataChannel, didReceiveMessageWith buffer: LKRTCDataBuffer) {
        session?.received(packet: buffer.data)
    }

    /// What WebRTC gives along is not what waits now: the channel is asked.
    public func dataChannel(_ channel: LKRTCDataChannel, didChangeBufferedAmount _: UInt64) {
        guard channel === publisher else { return }
        session?.bufferedAmount(is: channel.bufferedAmount)
    }

    /// While the channel is not open, frames wait as they do behind a full one; the packet that leaves now and then is lost, and its frame
    /// counted.
    public func dataChannelDidChangeState(_ channel: LKRTCDataChannel) {
        if channel === publisher {
            session?.bufferedAmount(is: channel.readyState == .open ? channel.bufferedAmount : noRoom)
        }
        onStateChange?()
    }

    private var publisher: LKRTCDataChannel? {
        locked { $0.publisher }
    }

    private func locked<Result>(_ use: (inout State) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return use(&state)
    }

    private struct State {
        var publisher: LKRTCDataChannel?
        var subscriber: LKRTCDataChannel?
        var onStateChange: (@Sendable () -> Void)?
    }

    /// The channel is not there, or not open.
    public struct NotOpen: Error {}
}

/// More than any channel holds.
private let noRoom = UInt64(UInt32.max)
#endif
