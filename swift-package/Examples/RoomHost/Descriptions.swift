#if canImport(LiveKitWebRTC)
import LiveKitWebRTC

/// Offers and answers as texts: what WebRTC makes of them stays on its threads, a text may be handed around.
extension LKRTCPeerConnection {
    /// `restart`: for new ways to the SFU, which are looked for while the old ones are in use.
    func makeOffer(restart: Bool) async throws -> String {
        let mandatory = restart ? [kLKRTCMediaConstraintsIceRestart: kLKRTCMediaConstraintsValueTrue] : nil
        return try await withCheckedThrowingContinuation { done in
            offer(for: constraints(mandatory)) { done.resume(with: text($0, $1)) }
        }
    }

    func makeAnswer() async throws -> String {
        try await withCheckedThrowingContinuation { done in
            answer(for: constraints()) { done.resume(with: text($0, $1)) }
        }
    }

    func applyLocal(_ type: LKRTCSdpType, _ sdp: String) async throws {
        try await withCheckedThrowingContinuation { done in
            setLocalDescription(LKRTCSessionDescription(type: type, sdp: sdp)) { done.resume(with: success(unless: $0)) }
        }
    }

    func applyRemote(_ type: LKRTCSdpType, _ sdp: String) async throws {
        try await withCheckedThrowingContinuation { done in
            setRemoteDescription(LKRTCSessionDescription(type: type, sdp: sdp)) { done.resume(with: success(unless: $0)) }
        }
    }
}

/// Nothing in particular is wanted of a connection without media.
func constraints(_ mandatory: [String: String]? = nil) -> LKRTCMediaConstraints {
    LKRTCMediaConstraints(mandatoryConstraints: mandatory, optionalConstraints: nil)
}

/// WebRTC made nothing of it.
struct NotMade: Error {}

private func text(_ description: LKRTCSessionDescription?, _ error: (any Error)?) -> Result<String, any Error> {
    description.map { .success($0.sdp) } ?? .failure(error ?? NotMade())
}

private func success(unless error: (any Error)?) -> Result<Void, any Error> {
    error.map { .failure($0) } ?? .success(())
}
#endif
