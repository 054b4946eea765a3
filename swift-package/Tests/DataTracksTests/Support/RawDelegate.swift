import DataTracks
import Foundation

/// The generated delegates as they are: everything on raw threads. What it is told goes to `heard`, which may throw.
final class RawDelegate: LocalDataTrackManagerDelegate, RemoteDataTrackManagerDelegate {
    enum Callback: Sendable, Hashable {
        case signalRequest, packets, trackPublished, trackUnpublished, subscriptionChanged
    }

    let outlet = Locked<Outlet?>(nil)
    private let heard: @Sendable (Callback) throws -> Void

    init(heard: @escaping @Sendable (Callback) throws -> Void) {
        self.heard = heard
    }

    func onSignalRequest(request: Data) throws {
        try heard(.signalRequest)
        try outlet.now?.sendSignalRequest(request)
    }

    func onPacketsAvailable(packets: PacketBatch) throws {
        try heard(.packets)
        try outlet.now?.sendPackets(packets)
    }

    func onTrackPublished(track: LocalDataTrack) throws { try heard(.trackPublished) }
    func onTrackUnpublished(track: LocalDataTrack, reason: UnpublishReason) throws { try heard(.trackUnpublished) }
    func onTrackPublished(track: RemoteDataTrack) throws { try heard(.trackPublished) }
    func onTrackUnpublished(track: RemoteDataTrack, reason: UnpublishReason) throws { try heard(.trackUnpublished) }
    func onSubscriptionChanged(track: RemoteDataTrack, state: SubscriptionState) throws { try heard(.subscriptionChanged) }
}
