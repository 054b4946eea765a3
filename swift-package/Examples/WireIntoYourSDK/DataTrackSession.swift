import DataTracks
import Foundation

/// The adapter between your SDK and the managers. Copy it, and call it from where your SDK gets and sends things.
public final class DataTrackSession: Sendable {
    /// What your app publishes with.
    public let local: LocalDataTrackManager
    /// What your app finds and reads others' tracks with.
    public let remote: RemoteDataTrackManager

    /// Make one before the first message of the WebSocket is handed in: the join response lists the tracks that are already there and, without
    /// an `identity`, tells it. `transport` is the object of your SDK that sends: see ``PlainConnection`` for its two methods. Keep it, the
    /// managers do not.
    public init(
        transport: any DataTrackTransport,
        identity: String? = nil,
        localEvents: DataTrackEvents<LocalDataTrackEvent> = .ignored,
        remoteEvents: DataTrackEvents<RemoteDataTrackEvent> = .ignored,
        encryption: (any EncryptionProvider)? = nil,
        decryption: (any DecryptionProvider)? = nil
    ) {
        local = LocalDataTrackManager(
            transport: transport, events: localEvents, encryptionProvider: encryption, localIdentity: identity)
        remote = RemoteDataTrackManager(
            transport: transport, events: remoteEvents, decryptionProvider: decryption, localIdentity: identity)
    }

    /// With managers of your own making.
    public init(local: LocalDataTrackManager, remote: RemoteDataTrackManager) {
        self.local = local
        self.remote = remote
    }

    /// Every binary message of your WebSocket, the join response first, as received and in order, on the thread that it comes on. Both
    /// managers get all of them: each takes what is its own, and a peek at the first bytes is what the rest costs.
    public func received(signal: Data) throws(SignalError) {
        do {
            _ = try local.handleSignalResponse(res: signal)
            _ = try remote.handleSignalResponse(res: signal)
        } catch let error as SignalError {
            throw error
        } catch {
            throw SignalError.Closed
        }
    }

    /// Every message of either data channel labelled `_data_track`, on the thread that it comes on: never hop to the main actor here.
    public func received(packet: Data) {
        remote.handlePacketReceived(packet: packet)
    }

    /// `bufferedAmount` of the data channel: after each send, and when it falls below its threshold (64 KiB is a good one). While the channel
    /// is not open, 0xFFFF_FFFF: frames wait.
    public func bufferedAmount(is bytes: UInt64) {
        local.handleBufferedAmount(bytes: bytes)
    }

    /// Goes into `SyncState.publish_data_tracks` when your SDK resumes a session, before the requests that have waited.
    public var publishedTracks: [Data] {
        local.publishResponsesForSyncState()
    }

    /// After the answer to a resume: a quick reconnect.
    public func resumed() {
        remote.resendSubscriptionUpdates()
    }

    /// After a new join response: a full reconnect. Tracks and streams stay what they are. Requests that have waited are thrown away before:
    /// they are made anew.
    public func rejoined() {
        local.republishTracks()
        remote.resendSubscriptionUpdates()
    }

    /// When the room is left. Every wait and every stream ends.
    public func close() {
        local.shutdown()
        remote.shutdown()
    }
}
