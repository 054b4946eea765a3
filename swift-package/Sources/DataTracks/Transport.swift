import Foundation

/// What your SDK does for the managers: it sends. One object can serve both.
///
/// The methods are called on the thread whose call caused them (a `tryPush`, a signal handed in) or on the library's deadline thread,
/// never on the main actor by themselves, and must not block. No lock is held: call anything you like. What they throw is counted and
/// ends nothing else. The managers hold the transport weakly.
public protocol DataTrackTransport: AnyObject, Sendable {
    /// Sends a `SignalRequest` over the WebSocket, in order. Throw when that is not possible: what waits for the answer fails at once.
    func sendSignalRequest(_ request: Data) throws

    /// Sends each packet as one binary message on the data channel `_data_track`, in order. Throw when that is not possible: the frame is
    /// dropped and counted. While the channel is not open, report 0xFFFF_FFFF as its buffered amount: frames wait then.
    func sendPackets(_ packets: [Data]) throws
}

extension LocalDataTrackManager {
    /// A manager that sends through `transport` and tells `events`.
    ///
    /// - Parameters:
    ///   - transport: Held weakly; keep it.
    ///   - events: To whom, and on which thread; nobody by default.
    ///   - encryptionProvider: A ``KeyRing``'s, or one of your own.
    ///   - localIdentity: This participant's; `nil`: learned from the join response.
    public convenience init(
        transport: any DataTrackTransport,
        events: DataTrackEvents<LocalDataTrackEvent> = .ignored,
        encryptionProvider: (any EncryptionProvider)? = nil,
        localIdentity: String? = nil
    ) {
        self.init(
            delegate: LocalAdapter(transport: transport, events: events),
            encryptionProvider: encryptionProvider,
            localIdentity: localIdentity
        )
    }
}

extension RemoteDataTrackManager {
    /// A manager that sends through `transport` and tells `events`.
    ///
    /// - Parameters:
    ///   - transport: Held weakly; keep it. Only its ``DataTrackTransport/sendSignalRequest(_:)`` is called.
    ///   - events: To whom, and on which thread; nobody by default.
    ///   - decryptionProvider: A ``KeyRing``'s, or one of your own.
    ///   - localIdentity: This participant's; `nil`: learned from the join response.
    public convenience init(
        transport: any DataTrackTransport,
        events: DataTrackEvents<RemoteDataTrackEvent> = .ignored,
        decryptionProvider: (any DecryptionProvider)? = nil,
        localIdentity: String? = nil
    ) {
        self.init(
            delegate: RemoteAdapter(transport: transport, events: events),
            decryptionProvider: decryptionProvider,
            localIdentity: localIdentity
        )
    }
}

private final class LocalAdapter: LocalDataTrackManagerDelegate {
    private let transport: Weakly
    private let events: DataTrackEvents<LocalDataTrackEvent>

    init(transport: any DataTrackTransport, events: DataTrackEvents<LocalDataTrackEvent>) {
        self.transport = Weakly(transport)
        self.events = events
    }

    /// The manager lets go of it when it is shut down.
    deinit {
        events.finish()
    }

    func onSignalRequest(request: Data) throws {
        try transport.get().sendSignalRequest(request)
    }

    func onPacketsAvailable(packets: PacketBatch) throws {
        try transport.get().sendPackets(packets)
    }

    func onTrackPublished(track: LocalDataTrack) {
        events.deliver(.published(track))
    }

    func onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) {
        events.deliver(.unpublished(track, reason: reason))
    }
}

private final class RemoteAdapter: RemoteDataTrackManagerDelegate {
    private let transport: Weakly
    private let events: DataTrackEvents<RemoteDataTrackEvent>

    init(transport: any DataTrackTransport, events: DataTrackEvents<RemoteDataTrackEvent>) {
        self.transport = Weakly(transport)
        self.events = events
    }

    /// The manager lets go of it when it is shut down.
    deinit {
        events.finish()
    }

    func onSignalRequest(request: Data) throws {
        try transport.get().sendSignalRequest(request)
    }

    func onTrackPublished(track: RemoteDataTrack) {
        events.deliver(.published(track))
    }

    func onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) {
        events.deliver(.unpublished(track, reason: reason))
    }

    func onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) {
        events.deliver(.subscriptionChanged(track, state: state))
    }
}

/// The application's transport, for as long as the application has it.
private struct Weakly: Sendable {
    let get: @Sendable () throws -> any DataTrackTransport

    init(_ transport: any DataTrackTransport) {
        get = { [weak transport] in
            guard let transport else { throw DelegateError.Failed(message: "the transport is gone") }
            return transport
        }
    }
}
