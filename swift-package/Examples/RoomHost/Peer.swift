#if canImport(LiveKitWebRTC)
import Foundation
import LiveKitWebRTC
import WireIntoYourSDK

/// A peer connection to the SFU. WebRTC hops to its own threads by itself, and calls back on them.
final class Peer: NSObject, LKRTCPeerConnectionDelegate, @unchecked Sendable {
    private let role: Role
    private let transport: WebRTCTransport
    private let requests: Requests
    private let onChange: @Sendable () -> Void
    private let connection: LKRTCPeerConnection

    // Nothing of WebRTC is called under the lock: its threads may wait for it.
    private let lock = NSLock()
    private var channel: LKRTCDataChannel?
    private var offers: UInt64 = 0
    /// Ways that were found before the offer is sent.
    private var early: [Data]?

    /// `onChange`: the state of the connection is another one.
    init(
        _ role: Role, on webRTC: LKRTCPeerConnectionFactory, servers: [IceServer], transport: WebRTCTransport, requests: Requests,
        onChange: @escaping @Sendable () -> Void
    ) throws {
        let configuration = LKRTCConfiguration()
        configuration.iceServers = servers.map {
            LKRTCIceServer(urlStrings: $0.addresses, username: $0.name, credential: $0.credential)
        }
        guard let connection = webRTC.peerConnection(with: configuration, constraints: constraints(), delegate: nil)
        else { throw NotMade() }
        (self.role, self.transport, self.requests, self.onChange) = (role, transport, requests, onChange)
        self.connection = connection
        super.init()
        connection.delegate = self
        guard role == .publisher else { return }
        // Before the first offer, so that data channels are in it.
        channel = connection.dataChannel(forLabel: WebRTCTransport.label, configuration: WebRTCTransport.configuration)
        if let channel { transport.publish(on: channel) }
    }

    var state: LKRTCPeerConnectionState { connection.connectionState }

    /// Nil while there is none.
    var channelState: LKRTCDataChannelState? {
        lock.lock()
        let channel = channel
        lock.unlock()
        return channel?.readyState
    }

    /// Asks for a connection, or with `restart` for new ways to the SFU.
    func offer(restart: Bool) async throws {
        let id = nextOffer()
        let sdp = try await connection.makeOffer(restart: restart)
        holdCandidates()
        try await connection.applyLocal(.offer, sdp)  // first: an answer makes sense to WebRTC only after it
        sendWithCandidates(Request.offer(sdp, id: id))
    }

    func answer(_ offer: String, id: UInt64) async throws {
        try await connection.applyRemote(.offer, offer)
        let sdp = try await connection.makeAnswer()
        requests.send(Request.answer(sdp, id: id))
        try await connection.applyLocal(.answer, sdp)
    }

    /// The answer to our offer, unless that has been replaced by another.
    func accept(answer: String, id: UInt64) async throws {
        if id == latestOffer { try await connection.applyRemote(.answer, answer) }
    }

    /// One that is of no use is one way less.
    func add(_ candidate: Candidate) {
        let candidate = LKRTCIceCandidate(sdp: candidate.sdp, sdpMLineIndex: candidate.line, sdpMid: candidate.mid)
        connection.add(candidate) { _ in }
    }

    func close() {
        connection.delegate = nil
        connection.close()
    }

    private func holdCandidates() {
        lock.lock()
        defer { lock.unlock() }
        early = []
    }

    private func sendWithCandidates(_ offer: Data) {
        lock.lock()
        defer { lock.unlock() }
        requests.send(offer)
        early?.forEach(requests.send)
        early = nil
    }

    private func nextOffer() -> UInt64 {
        lock.lock()
        defer { lock.unlock() }
        offers += 1
        return offers
    }

    private var latestOffer: UInt64 {
        lock.lock()
        defer { lock.unlock() }
        return offers
    }

    // What WebRTC says.

    func peerConnection(_: LKRTCPeerConnection, didOpen opened: LKRTCDataChannel) {
        guard opened.label == WebRTCTransport.label else { return }
        lock.lock()
        channel = opened
        lock.unlock()
        transport.receive(on: opened)
        onChange()
    }

    func peerConnection(_: LKRTCPeerConnection, didGenerate found: LKRTCIceCandidate) {
        let candidate = Candidate(sdp: found.sdp, line: found.sdpMLineIndex, mid: found.sdpMid)
        let request = Request.trickle(candidate, of: role)
        lock.lock()
        defer { lock.unlock() }
        if early?.append(request) == nil { requests.send(request) }
    }

    func peerConnection(_: LKRTCPeerConnection, didChange _: LKRTCPeerConnectionState) {
        onChange()
    }

    // Nothing to do for a host without media that offers by itself.
    func peerConnectionShouldNegotiate(_: LKRTCPeerConnection) {}
    func peerConnection(_: LKRTCPeerConnection, didChange _: LKRTCSignalingState) {}
    func peerConnection(_: LKRTCPeerConnection, didChange _: LKRTCIceConnectionState) {}
    func peerConnection(_: LKRTCPeerConnection, didChange _: LKRTCIceGatheringState) {}
    func peerConnection(_: LKRTCPeerConnection, didAdd _: LKRTCMediaStream) {}
    func peerConnection(_: LKRTCPeerConnection, didRemove _: LKRTCMediaStream) {}
    func peerConnection(_: LKRTCPeerConnection, didRemove _: [LKRTCIceCandidate]) {}
}
#endif
