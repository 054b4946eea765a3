import Foundation

/// What becomes of the tracks of this participant. Each is told once.
public enum LocalDataTrackEvent: Sendable {
    /// A track of ours is published.
    case published(LocalDataTrack)
    /// A track of ours is no longer published.
    case unpublished(LocalDataTrack, reason: UnpublishReason)
}

/// What becomes of the tracks of others. Each is told once.
public enum RemoteDataTrackEvent: Sendable {
    /// A participant publishes a track.
    case published(RemoteDataTrack)
    /// A track is no longer published.
    case unpublished(RemoteDataTrack, reason: UnpublishReason)
    /// The subscription to a track changed its state.
    case subscriptionChanged(RemoteDataTrack, state: SubscriptionState)
}

/// To whom a manager tells events, and where: on the main actor, as a stream, or on the thread that causes them.
///
/// Order is kept in all of them. Packets and frames never come this way.
public struct DataTrackEvents<Event: Sendable>: Sendable {
    let deliver: @Sendable (Event) -> Void
    /// Called when no event can come any more.
    let finish: @Sendable () -> Void

    private init(deliver: @escaping @Sendable (Event) -> Void, finish: @escaping @Sendable () -> Void = {}) {
        self.deliver = deliver
        self.finish = finish
    }

    /// Nobody is told.
    public static var ignored: Self {
        Self(deliver: { _ in })
    }

    /// On the main actor, one after the other. Never holds up the library, nor a frame.
    public static func onMainActor(_ handler: @escaping @MainActor @Sendable (Event) -> Void) -> Self {
        Self(deliver: { event in
            // Unlike tasks, a queue keeps the order; and that of the main actor is this one.
            DispatchQueue.main.async {
                MainActor.assumeIsolated { handler(event) }
            }
        })
    }

    /// On the thread that causes the event, before the call that caused it returns. The handler must not block.
    public static func onCallersThread(_ handler: @escaping @Sendable (Event) -> Void) -> Self {
        Self(deliver: handler)
    }

    /// As a stream, which ends when the manager is shut down. It keeps every event until it is read. For one manager only.
    public static func stream() -> (stream: AsyncStream<Event>, events: Self) {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        return (stream, Self(deliver: { continuation.yield($0) }, finish: { continuation.finish() }))
    }
}

/// Hears of the tracks of this participant, on the main actor. Implement what you need.
@MainActor
public protocol LocalDataTrackObserver: AnyObject, Sendable {
    /// A track of ours is published.
    func localDataTrackPublished(_ track: LocalDataTrack)
    /// A track of ours is no longer published.
    func localDataTrackUnpublished(_ track: LocalDataTrack, reason: UnpublishReason)
}

extension LocalDataTrackObserver {
    public func localDataTrackPublished(_ track: LocalDataTrack) {}
    public func localDataTrackUnpublished(_ track: LocalDataTrack, reason: UnpublishReason) {}
}

/// Hears of the tracks of others, on the main actor. Implement what you need.
@MainActor
public protocol RemoteDataTrackObserver: AnyObject, Sendable {
    /// A participant publishes a track.
    func remoteDataTrackPublished(_ track: RemoteDataTrack)
    /// A track is no longer published.
    func remoteDataTrackUnpublished(_ track: RemoteDataTrack, reason: UnpublishReason)
    /// The subscription to a track changed its state.
    func remoteDataTrackSubscriptionChanged(_ track: RemoteDataTrack, state: SubscriptionState)
}

extension RemoteDataTrackObserver {
    public func remoteDataTrackPublished(_ track: RemoteDataTrack) {}
    public func remoteDataTrackUnpublished(_ track: RemoteDataTrack, reason: UnpublishReason) {}
    public func remoteDataTrackSubscriptionChanged(_ track: RemoteDataTrack, state: SubscriptionState) {}
}

extension DataTrackEvents<LocalDataTrackEvent> {
    /// To an observer, on the main actor. It is held weakly.
    public static func observer(_ observer: any LocalDataTrackObserver) -> Self {
        onMainActor { [weak observer] event in
            switch event {
            case .published(let track): observer?.localDataTrackPublished(track)
            case .unpublished(let track, let reason): observer?.localDataTrackUnpublished(track, reason: reason)
            }
        }
    }
}

extension DataTrackEvents<RemoteDataTrackEvent> {
    /// To an observer, on the main actor. It is held weakly.
    public static func observer(_ observer: any RemoteDataTrackObserver) -> Self {
        onMainActor { [weak observer] event in
            switch event {
            case .published(let track): observer?.remoteDataTrackPublished(track)
            case .unpublished(let track, let reason): observer?.remoteDataTrackUnpublished(track, reason: reason)
            case .subscriptionChanged(let track, let state):
                observer?.remoteDataTrackSubscriptionChanged(track, state: state)
            }
        }
    }
}
