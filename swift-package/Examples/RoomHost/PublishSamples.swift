#if canImport(LiveKitWebRTC)
import DataTracks
import Foundation
import WireIntoYourSDK

/// Joins, publishes a track for as long as there are samples, and leaves.
public func publish(_ samples: AsyncStream<Data>, to settings: Settings, token: String) async throws {
    let room = try Room(settings, token: token)
    try await room.connect()
    do {
        try await room.session.local.withDataTrack(name: "samples") { track in
            for await sample in samples { try track.tryPush(.now(sample)) }
            try await track.flush(timeout: 5)
        }
    } catch {
        await room.leave()
        throw error
    }
    await room.leave()
}
#endif
