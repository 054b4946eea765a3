#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import LiveKitWebRTC
import WireIntoYourSDK

/// A room of a LiveKit server, on LiveKit's WebRTC framework: what your SDK does anyway, as far as data tracks need it. No media.
///
///     join ──► conversation ──WebSocket or channel broken──► resume (quick) ──► conversation
///                   │                                            │ the SFU does not know us any more, ICE stays down
///                   │ the SFU says so, the channel closed        ▼
///                   ├────────────────────────────────────────► join (full) ──► conversation
///                   └ the SFU says so, the channel closed again, nothing helps ──► the end
///
/// The managers are the same all the time, and so are tracks and streams. Who has joined leaves: until then the room keeps itself.
public actor Room {
    /// What your app publishes and reads with.
    public nonisolated let session: DataTrackSession

    private let settings: Settings
    private let transport: WebRTCTransport
    private let requests = Requests()
    private let onEvent: @Sendable (RoomEvent) -> Void
    private var token: String
    private var sid = ""
    private var peers: Peers?
    private var conversation: Task<Ending, Never>?
    private var staying: Task<Void, Never>?
    /// An SFU that has no data tracks closes the channel; so does one that is about to go.
    private var closedChannel = Recurrence()

    /// `session`: how to make one, for example `{ try .sealed(by: "…", transport: $0) }`.
    public init(
        _ settings: Settings,
        token: String,
        session: (WebRTCTransport) throws -> DataTrackSession = { DataTrackSession(transport: $0) },
        onEvent: @escaping @Sendable (RoomEvent) -> Void = { _ in }
    ) throws {
        let transport = WebRTCTransport { [requests] in requests.send($0) }
        self.session = try session(transport)
        transport.session = self.session
        (self.settings, self.token, self.transport, self.onEvent) = (settings, token, transport, onEvent)
    }

    /// Returns when frames can flow. Throws when the server is away or lets nobody in; then the room is over.
    public func connect() async throws {
        do { try await join() } catch {
            await leave()
            throw error
        }
        staying = Task { await stay() }
    }

    /// Every wait ends; the others hear of it at once.
    public func leave() async {
        session.close()
        staying?.cancel()
        await requests.hold()?.finish(Request.leave)
        await staying?.value
        peers?.close()
    }

    private func stay() async {
        var end: RoomEvent.End?
        while end == nil, let ending = await conversation?.value, !Task.isCancelled {
            end = if case .forGood = ending { .server } else { await comeBack(after: ending) }
        }
        guard let end, !Task.isCancelled else { return }
        session.close()
        onEvent(.ended(end))
    }

    /// Nil when it is back, or has left meanwhile.
    private func comeBack(after ending: Ending) async -> RoomEvent.End? {
        onEvent(.reconnecting)
        var quick = if case .broken = ending { true } else { false }
        if peers?.health == .closed {
            if closedChannel.isThereAgain() { return .noDataTracks }
            quick = false
        }
        for pause in pauses {
            do {
                try await Task.sleep(nanoseconds: pause * 1_000_000)
                if quick { try await resume() } else { try await join() }
                onEvent(.reconnected(quick: quick))
                return nil
            } catch RoomError.channelClosed {
                if closedChannel.isThereAgain() { return .noDataTracks }
                quick = false
            } catch RoomError.forgotten {
                quick = false
            } catch {
                if Task.isCancelled { return nil }
                // The next attempt may do better.
            }
        }
        return .lost
    }

    /// As a new participant. The SFU knows nothing of what we published or read before.
    private func join() async throws {
        let again = peers != nil
        peers?.close()
        let (socket, first) = try await open(resumed: nil)
        guard case .joined(let sid, let servers) = try Response(first) else { throw RoomError.notLetIn }
        self.sid = sid
        if again { requests.forget() }  // the managers ask for everything anew, below
        let peers = try Peers(on: settings.webRTC, servers: servers, transport: transport, requests: requests)
        self.peers = peers
        try await converse(over: socket, first, peers, restart: false)
        if again { session.rejoined() }
    }

    /// As the same participant. Packets have flowed on meanwhile, if it was only the WebSocket that broke.
    private func resume() async throws {
        guard let peers else { throw RoomError.forgotten }
        let (socket, first) = try await open(resumed: sid)
        guard case .resumed = try Response(first) else { throw RoomError.forgotten }
        socket.send(Request.syncState(session.publishedTracks))  // before all that has waited
        try await converse(over: socket, first, peers, restart: true)
        session.resumed()
    }

    private func open(resumed: String?) async throws -> (any SignalSocket, Data) {
        requests.hold()?.end()
        let socket = settings.open(try settings.address(resumed: resumed), token)
        return (socket, try await socket.next())
    }

    /// Goes on with a new WebSocket, until frames can flow.
    private func converse(over socket: any SignalSocket, _ first: Data, _ peers: Peers, restart: Bool) async throws {
        let talk = Conversation(
            socket: socket, peers: peers, session: session,
            onNewToken: { [weak self] in await self?.renew($0) }, onMove: { [weak self] in await self?.moved(to: $0) })
        try Task.checkCancellation()  // who has left does not begin anew
        requests.flow(into: socket)
        talk.hand(first)
        conversation = Task { await talk.run() }
        try await within(patience) {
            try await peers.publisher.offer(restart: restart)
            try await peers.untilUsable()
        }
    }

    private func renew(_ token: String) {
        self.token = token
    }

    private func moved(to sid: String) {
        self.sid = sid
        session.rejoined()
    }
}
#endif
