// Peer connections of the stand-in: descriptions are words, and one is connected, with its channels open, when it has both.

import Foundation

public enum LKRTCPeerConnectionState: Int {
    case new, connecting, connected, disconnected, failed, closed
}

public enum LKRTCSignalingState: Int {
    case stable, haveLocalOffer, haveLocalPrAnswer, haveRemoteOffer, haveRemotePrAnswer, closed
}

public enum LKRTCIceConnectionState: Int {
    case new, checking, connected, completed, failed, disconnected, closed, count
}

public enum LKRTCIceGatheringState: Int {
    case new, gathering, complete
}

public enum LKRTCSdpType: Int {
    case offer, prAnswer, answer, rollback
}

public final class LKRTCMediaStream: NSObject {}

public final class LKRTCSessionDescription: NSObject {
    public let type: LKRTCSdpType
    public let sdp: String

    public init(type: LKRTCSdpType, sdp: String) {
        (self.type, self.sdp) = (type, sdp)
    }
}

public final class LKRTCIceCandidate: NSObject {
    public let sdp: String
    public let sdpMLineIndex: Int32
    public let sdpMid: String?

    public init(sdp: String, sdpMLineIndex: Int32, sdpMid: String?) {
        (self.sdp, self.sdpMLineIndex, self.sdpMid) = (sdp, sdpMLineIndex, sdpMid)
    }
}

public final class LKRTCIceServer: NSObject {
    public let urlStrings: [String]

    public init(urlStrings: [String], username: String?, credential: String?) {
        self.urlStrings = urlStrings
    }
}

public final class LKRTCConfiguration: NSObject {
    public var iceServers: [LKRTCIceServer] = []
}

public let kLKRTCMediaConstraintsIceRestart = "IceRestart"
public let kLKRTCMediaConstraintsValueTrue = "true"

public final class LKRTCMediaConstraints: NSObject {
    fileprivate let mandatory: [String: String]

    public init(mandatoryConstraints mandatory: [String: String]?, optionalConstraints _: [String: String]?) {
        self.mandatory = mandatory ?? [:]
    }
}

public protocol LKRTCPeerConnectionDelegate: AnyObject {
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didChange stateChanged: LKRTCSignalingState)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didAdd stream: LKRTCMediaStream)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didRemove stream: LKRTCMediaStream)
    func peerConnectionShouldNegotiate(_ peerConnection: LKRTCPeerConnection)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didChange newState: LKRTCIceConnectionState)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didChange newState: LKRTCIceGatheringState)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didGenerate candidate: LKRTCIceCandidate)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didRemove candidates: [LKRTCIceCandidate])
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didOpen dataChannel: LKRTCDataChannel)
    func peerConnection(_ peerConnection: LKRTCPeerConnection, didChange newState: LKRTCPeerConnectionState)
}

public final class LKRTCPeerConnectionFactory: NSObject {
    private let connections = Guarded([LKRTCPeerConnection]())

    /// Every connection that it has made, in order.
    public var made: [LKRTCPeerConnection] { connections.with { $0 } }

    public func peerConnection(
        with configuration: LKRTCConfiguration, constraints _: LKRTCMediaConstraints, delegate: (any LKRTCPeerConnectionDelegate)?
    ) -> LKRTCPeerConnection? {
        let connection = LKRTCPeerConnection(configuration)
        connection.delegate = delegate
        connections.with { $0.append(connection) }
        return connection
    }
}

public final class LKRTCPeerConnection: NSObject {
    public let configuration: LKRTCConfiguration
    private let state = Guarded(State())

    private struct State {
        var connectionState = LKRTCPeerConnectionState.new
        weak var delegate: (any LKRTCPeerConnectionDelegate)?
        var local: LKRTCSessionDescription?
        var remote: LKRTCSessionDescription?
        var channels: [LKRTCDataChannel] = []
        var candidates: [String] = []
        var restarts = 0
    }

    fileprivate init(_ configuration: LKRTCConfiguration) {
        self.configuration = configuration
    }

    public var connectionState: LKRTCPeerConnectionState { state.with { $0.connectionState } }

    public var delegate: (any LKRTCPeerConnectionDelegate)? {
        get { state.with { $0.delegate } }
        set { state.with { $0.delegate = newValue } }
    }

    public func offer(
        for constraints: LKRTCMediaConstraints,
        completionHandler: @escaping @Sendable (LKRTCSessionDescription?, (any Error)?) -> Void
    ) {
        let restarts = constraints.mandatory[kLKRTCMediaConstraintsIceRestart] == kLKRTCMediaConstraintsValueTrue
        state.with { $0.restarts += restarts ? 1 : 0 }
        completionHandler(LKRTCSessionDescription(type: .offer, sdp: "ways to me"), nil)
    }

    public func answer(
        for _: LKRTCMediaConstraints,
        completionHandler: @escaping @Sendable (LKRTCSessionDescription?, (any Error)?) -> Void
    ) {
        completionHandler(LKRTCSessionDescription(type: .answer, sdp: "ways to me"), nil)
    }

    public func setLocalDescription(
        _ description: LKRTCSessionDescription, completionHandler: @escaping @Sendable ((any Error)?) -> Void
    ) {
        state.with { state in
            state.local = description
            if description.type == .offer { state.remote = nil }
        }
        delegate?.peerConnection(self, didGenerate: LKRTCIceCandidate(sdp: "a way to me", sdpMLineIndex: 0, sdpMid: "0"))
        connectWhenDescribed()
        completionHandler(nil)
    }

    public func setRemoteDescription(
        _ description: LKRTCSessionDescription, completionHandler: @escaping @Sendable ((any Error)?) -> Void
    ) {
        state.with { state in
            state.remote = description
            if description.type == .offer { state.local = nil }
        }
        connectWhenDescribed()
        completionHandler(nil)
    }

    public func add(_ candidate: LKRTCIceCandidate, completionHandler: @escaping @Sendable ((any Error)?) -> Void) {
        state.with { $0.candidates.append(candidate.sdp) }
        completionHandler(nil)
    }

    public func dataChannel(forLabel label: String, configuration _: LKRTCDataChannelConfiguration) -> LKRTCDataChannel? {
        let channel = LKRTCDataChannel(label: label)
        state.with { $0.channels.append(channel) }
        return channel
    }

    public func close() {
        change(to: .closed)
        for channel in channels { channel.change(to: .closed) }
    }
}

extension LKRTCPeerConnection {
    public var channels: [LKRTCDataChannel] { state.with { $0.channels } }
    public var candidates: [String] { state.with { $0.candidates } }
    public var restarts: Int { state.with { $0.restarts } }

    public func change(to new: LKRTCPeerConnectionState) {
        let isNews = state.with { state in
            defer { state.connectionState = new }
            return state.connectionState != new
        }
        if isNews { delegate?.peerConnection(self, didChange: new) }
    }

    /// The other side makes a channel.
    public func open(_ channel: LKRTCDataChannel) {
        channel.change(to: .open)
        state.with { $0.channels.append(channel) }
        delegate?.peerConnection(self, didOpen: channel)
    }

    private func connectWhenDescribed() {
        guard state.with({ $0.local != nil && $0.remote != nil }) else { return }
        change(to: .connected)
        for channel in channels where channel.readyState == .connecting { channel.change(to: .open) }
    }
}
