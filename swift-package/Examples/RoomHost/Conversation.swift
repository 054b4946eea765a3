#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import WireIntoYourSDK

/// What is said over one WebSocket, from the first answer to the end.
struct Conversation: Sendable {
    let socket: any SignalSocket
    let peers: Peers
    let session: DataTrackSession
    /// A token is good for some minutes; the SFU sends the next one in time.
    let onNewToken: @Sendable (String) async -> Void
    /// Under another SID. In the other room nothing is published or read yet.
    let onMove: @Sendable (String) async -> Void

    /// Until the end, and how that is.
    func run() async -> Ending {
        let pings = Task {
            while true {
                try await Task.sleep(nanoseconds: pause)
                socket.send(Request.ping(at: Date()))
            }
        }
        let watch = Task {
            await peers.untilBroken()
            // A server that ends the session closes channels as well, and says why.
            if peers.health == .closed { try? await Task.sleep(nanoseconds: timeForAnExplanation) }
            if !Task.isCancelled { socket.end() }
        }
        defer {
            pings.cancel()
            watch.cancel()
            socket.end()
        }
        do {
            while true {
                let bytes = try await socket.next()
                hand(bytes)
                if let ending = try await act(on: Response(bytes)) { return ending }
            }
        } catch {
            return .broken  // it is over, or what the SFU says makes no sense to us or to WebRTC
        }
    }

    /// Each manager takes what is its own of a message.
    func hand(_ bytes: Data) {
        try? session.received(signal: bytes)  // it throws when that is no signal, or the room has just been left
    }

    /// What is the host's own. Answers the end of the conversation if this is it.
    private func act(on response: Response) async throws -> Ending? {
        switch response {
        case .offered(let sdp, let id): try await peers.subscriber.answer(sdp, id: id)
        case .answered(let sdp, let id): try await peers.publisher.accept(answer: sdp, id: id)
        case .trickled(let candidate, let role): peers[role].add(candidate)
        case .newToken(let token): await onNewToken(token)
        case .moved(let sid, let token):
            if !token.isEmpty { await onNewToken(token) }
            await onMove(sid)
        case .left(let ending): return ending
        case .joined, .resumed, .other: break
        }
        return nil
    }
}

/// As other SDKs do.
private let pause: UInt64 = 5_000_000_000
private let timeForAnExplanation: UInt64 = 2_000_000_000
#endif
