// Stands in for LiveKit's WebRTC framework where there is none: the declarations that the examples use, and data channels whose other end a
// test holds. So those examples are compiled and tried; with the framework itself they have not run.

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
    private let state: Guarded<State>

    private struct State {
        var readyState = LKRTCDataChannelState.connecting
        var bufferedAmount: UInt64 = 0
        weak var delegate: (any LKRTCDataChannelDelegate)?
        var otherEnd: (Data) -> Void
    }

    public init(label: String, otherEnd: @escaping (Data) -> Void = { _ in }) {
        self.label = label
        state = Guarded(State(otherEnd: otherEnd))
    }

    public var readyState: LKRTCDataChannelState { state.with { $0.readyState } }
    public var bufferedAmount: UInt64 { state.with { $0.bufferedAmount } }

    public var delegate: (any LKRTCDataChannelDelegate)? {
        get { state.with { $0.delegate } }
        set { state.with { $0.delegate = newValue } }
    }

    public func sendData(_ data: LKRTCDataBuffer) -> Bool {
        guard readyState == .open else { return false }
        state.with { $0.otherEnd }(data.data)
        return true
    }
}

extension LKRTCDataChannel {
    public func change(to new: LKRTCDataChannelState) {
        let isNews = state.with { state in
            defer { state.readyState = new }
            return state.readyState != new
        }
        if isNews { delegate?.dataChannelDidChangeState(self) }
    }

    /// Tells, as the framework does, how much was waiting before.
    public func change(bufferedAmount amount: UInt64) {
        let before = state.with { state in
            defer { state.bufferedAmount = amount }
            return state.bufferedAmount
        }
        delegate?.dataChannel(self, didChangeBufferedAmount: before)
    }

    public func receive(_ message: Data) {
        delegate?.dataChannel(self, didReceiveMessageWith: LKRTCDataBuffer(data: message, isBinary: true))
    }

    /// Gives it another end.
    public func leads(to otherEnd: @escaping (Data) -> Void) {
        state.with { $0.otherEnd = otherEnd }
    }
}
