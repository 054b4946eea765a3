import DataTracks
import Foundation
import Testing
import WireIntoYourSDK

/// A participant of a test's room: a session over the plain protocol, what it saw, and the SFU's test controls.
final class Peer: Sendable {
    let identity: String
    let outlet = Outlet()
    let session: DataTrackSession
    /// Events in the order in which they came, in words: `published samples`.
    let seen: Locked<[String]>

    private struct State: Sendable {
        var joined = false
        var isCut = false
        var resuming = false
        var reconnects = 0
        var heldBack: [Data]?
        var packets: [Data] = []
        var answers: [Data] = []
        var listener: (@Sendable (Data) -> Void)?
    }

    private let hello: Hello
    private let state = Locked(State())

    struct Hello: Sendable {
        var address: String
        var room: String
        var permissions: [String: Bool] = [:]
    }

    /// `delegate`: hears everything on raw threads, in place of the split into transport and events.
    init(
        _ identity: String,
        hello: Hello,
        providers: Providers = Providers(),
        delegate: RawDelegate? = nil,
        onEvent: @escaping @Sendable () -> Void = {}
    ) {
        let seen = Locked([String]())
        self.identity = identity
        self.hello = hello
        self.seen = seen
        if let delegate {
            let outlet = outlet
            delegate.outlet.with { $0 = outlet }
            session = DataTrackSession(
                local: LocalDataTrackManager(
                    delegate: delegate, encryptionProvider: providers.encryption, localIdentity: identity),
                remote: RemoteDataTrackManager(
                    delegate: delegate, decryptionProvider: providers.decryption, localIdentity: identity)
            )
            return
        }
        session = DataTrackSession(
            transport: outlet,
            identity: identity,
            localEvents: .onCallersThread { event in
                seen.with { $0.append(inWords(event)) }
                onEvent()
            },
            remoteEvents: .onCallersThread { event in
                seen.with { $0.append(inWords(event)) }
                onEvent()
            },
            encryption: providers.encryption,
            decryption: providers.decryption
        )
    }

    struct Providers: Sendable {
        var encryption: (any EncryptionProvider)?
        var decryption: (any DecryptionProvider)?
    }

    var local: LocalDataTrackManager { session.local }
    var remote: RemoteDataTrackManager { session.remote }
    var receivedPackets: [Data] { state.now.packets }
    var sentPackets: [Data] { outlet.state.now.packets }

    func join() async throws {
        try connect(resume: false)
        try await until("joined") { self.state.now.joined }
    }

    func connect(resume: Bool) throws {
        let permissions = ["can_publish_data": true, "can_subscribe": true].merging(hello.permissions) { $1 }
        let words: [String: any Sendable] = [
            "identity": identity, "room": hello.room, "resume": resume, "permissions": permissions,
        ]
        let connection = try PlainConnection(to: hello.address, hello: words)
        state.with { state in
            state.resuming = resume
            state.isCut = false
        }
        outlet.state.with { $0.connection = connection }
        connection.receive { [weak self, weak connection] kind, bytes in
            // What a replaced connection still says is out of date.
            guard let self, let connection, outlet.state.now.connection === connection else { return }
            handle(kind, bytes)
        } atEnd: { [weak self, weak connection] in
            guard let self, let connection, outlet.state.now.connection === connection else { return }
            state.with { $0.isCut = true }
        }
    }

    private func handle(_ kind: PlainConnection.Kind, _ bytes: Data) {
        switch kind {
        case .hello: break
        case .control: state.with { $0.answers.append(bytes) }
        case .packet:
            state.with { $0.packets.append(bytes) }
            session.received(packet: bytes)
        case .signal:
            state.now.listener?(bytes)
            let isHeldBack = state.with { state in
                state.heldBack?.append(bytes)
                return state.heldBack != nil
            }
            if !isHeldBack { take(signal: bytes) }
        }
    }

    func take(signal bytes: Data) {
        try? session.received(signal: bytes)
        let before = state.now
        switch (fieldNumber(bytes), before.joined) {
        case (1, true): session.rejoined()
        case (19, _):
            let tracks = session.publishedTracks.map { lengthDelimited(8, $0) }
            try? outlet.send(.signal, lengthDelimited(12, tracks.reduce(Data(), +)))
            session.resumed()
        case (8, _) where before.resuming:
            try? connect(resume: false)
            return
        default: break
        }
        state.with { state in
            state.joined = true
            state.resuming = false
            state.reconnects += 1
        }
    }

    /// Hands every signal to somebody else as well.
    func alsoHands(signalsTo listener: @escaping @Sendable (Data) -> Void) {
        state.with { $0.listener = listener }
    }

    /// From now on signals are kept instead of taken; `release` takes them.
    func holdBack() {
        state.with { $0.heldBack = [] }
    }

    var heldBack: Int { state.now.heldBack?.count ?? 0 }

    func release() {
        let held = state.with { state in
            defer { state.heldBack = nil }
            return state.heldBack ?? []
        }
        held.forEach(take(signal:))
    }

    func forgetHeldBack() {
        state.with { $0.heldBack = nil }
    }

    /// Keeps no longer what it sent and received.
    func forgetMessages() {
        state.with { $0.packets = [] }
        outlet.state.with { ($0.packets, $0.signals) = ([], []) }
    }

    /// One test control of the SFU; returns when it has taken effect.
    func control(_ op: String, _ fields: [String: any Sendable] = [:]) async throws {
        state.with { $0.answers = [] }
        let words = fields.merging(["op": op]) { $1 }
        try outlet.send(.control, JSONSerialization.data(withJSONObject: words))
        if op == "drop_session" { return }
        try await until("an answer to \(op)") { !self.state.now.answers.isEmpty }
        #expect(String(decoding: state.now.answers[0], as: UTF8.self).contains(#""ok":true"#))
    }

    enum Loss: String, CaseIterable {
        /// The SFU keeps the participant; it has removed it; it has not noticed the loss.
        case quick, full, unnoticed
    }

    /// Loses the connection as a phone does. What it still says by then is heard.
    func lose(_ loss: Loss) async throws {
        try await control("drop_session", ["mode": loss.rawValue])
        try await until("the connection is closed") { self.state.now.isCut }
    }

    /// Loses the connection, and comes back.
    func reconnect(_ loss: Loss) async throws {
        let before = state.now.reconnects
        if loss != .unnoticed { try await lose(loss) }
        try connect(resume: loss == .quick)
        try await until("reconnected") { self.state.now.reconnects > before }
    }

    func leave() {
        session.close()
        outlet.state.now.connection?.end()
        outlet.state.with { $0.connection = nil }
    }
}

private func inWords(_ event: LocalDataTrackEvent) -> String {
    switch event {
    case .published(let track): "local published \(track.info().name)"
    case .unpublished(let track, let reason): "local unpublished \(track.info().name): \(reason)"
    }
}

private func inWords(_ event: RemoteDataTrackEvent) -> String {
    switch event {
    case .published(let track): "published \(track.info().name)"
    case .unpublished(let track, let reason): "unpublished \(track.info().name): \(reason)"
    case .subscriptionChanged(let track, let state): "subscription \(track.info().name): \(state)"
    }
}
