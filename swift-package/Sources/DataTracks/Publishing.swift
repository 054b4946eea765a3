import Foundation

extension LocalDataTrackManager {
    /// Publishes a track; returns when the SFU has answered, within 10 seconds.
    ///
    /// Cancelling the task ends the call as ``PublishError/Cancelled``. If the SFU publishes the track all the same, it is undone.
    public func publishTrack(options: DataTrackOptions) async throws(PublishError) -> LocalDataTrack {
        try await cancellable(throwing: PublishError.self) { token in
            try await publishTrackWithToken(options: options, cancel: token)
        }
    }

    /// Publishes a track of this name with default options. See ``publishTrack(options:)``.
    public func publishDataTrack(name: String) async throws(PublishError) -> LocalDataTrack {
        try await publishTrack(options: DataTrackOptions(name: name))
    }

    /// Publishes a track for as long as `body` runs: it is unpublished when `body` returns, throws or is cancelled.
    ///
    /// ```swift
    /// try await manager.withDataTrack(name: "pose") { track in
    ///     for await pose in poses { try track.tryPush(.now(pose.encoded())) }
    /// }
    /// ```
    public func withDataTrack<Value: Sendable>(
        name: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (LocalDataTrack) async throws -> Value
    ) async throws -> Value {
        try await withDataTrack(options: DataTrackOptions(name: name), isolation: isolation, body)
    }

    /// As ``withDataTrack(name:isolation:_:)``, with all options.
    public func withDataTrack<Value: Sendable>(
        options: DataTrackOptions,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (LocalDataTrack) async throws -> Value
    ) async throws -> Value {
        let track = try await publishTrack(options: options)
        defer { track.unpublish() }
        return try await body(track)
    }

    /// Stores a schema at the SFU, so that others can ask for it. Do it before publishing a track that names it. After a full reconnect
    /// `republishTracks()` stores it again.
    public func defineSchema(_ id: DataTrackSchemaId, contents: Data) async throws(SchemaError) {
        try await cancellable(throwing: SchemaError.self) { token in
            try await defineSchemaWithToken(id: id, contents: contents, cancel: token)
        }
    }

    /// Reads a schema that a participant has stored.
    public func getSchema(_ id: DataTrackSchemaId, of participantIdentity: String) async throws(SchemaError) -> Data {
        try await cancellable(throwing: SchemaError.self) { token in
            try await getSchemaWithToken(participantIdentity: participantIdentity, id: id, cancel: token)
        }
    }
}
