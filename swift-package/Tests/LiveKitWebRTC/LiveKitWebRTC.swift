// Stands in for LiveKit's WebRTC framework where there is none: the declarations that `WebRTCTransport` uses, and a channel whose other end
// a test holds. So that example is compiled and tried; with the framework itself it has not run.

import Foundation

public enum LKRTCDataChannelState: Int {
    case connecting, open, closing, closed
}

public final class LKRTCDataChannelConfiguration: NSObject {
    public var isOrdered = true
    public var maxRetransmits: Int32 = -1
}

public final class LKRTCDataBuffer: NSObject {
    public let data: Data
    public let isBinary: Bool

    public init(data: Data, isBinary: Bool) {
        self.data = data
        self.isBinary = isBinary
    }
}

public protocol LKRTCDataChannelDelegate: AnyObject {
    func dataChannelDidChangeState(_ dataChannel: LKRTCDataChannel)
    func dataChannel(_ dataChannel: LKRTCDataChannel, didReceiveMessageWith buffer: LKRTCDataBuffer)
    func dataChannel(_ dataChannel: LKRTCDataChannel, didChangeBufferedAmount amount: UInt64)
}

public final class LKRTCDataChannel: NSObject {
    public let label: String
    public internal(set) var readyState = LKRTCDataChannelState.connecting
    public internal(set) var bufferedAmount: UInt64 = 0
    public weak var delegate: (any LKRTCDataChannelDelegate)?
    private let otherEnd: (Data) -> Void

    public init(label: String, otherEnd: @escaping (Data) -> Void = { _ in }) {
        self.label = label
        self.otherEnd = otherEnd
    }

    public func sendData(_ data: LKRTCDataBuffer) -> Bool {
        guard readyState == .open else { return false }
        otherEnd(data.data)
        return true
    }
}

extension LKRTCDataChannel {
    public func change(to state: LKRTCDataChannelState) {
        readyState = state
        delegate?.dataChannelDidChangeState(self)
    }

    /// Tells, as the framework does, how much was waiting before.
    public func change(bufferedAmount amount: UInt64) {
        let before = bufferedAmount
        bufferedAmount = amount
        delegate?.dataChannel(self, didChangeBufferedAmount: before)
    }

    public func receive(_ message: Data) {
        delegate?.dataChannel(self, didReceiveMessageWith: LKRTCDataBuffer(data: message, isBinary: true))
    }
}
