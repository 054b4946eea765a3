import Foundation

extension RemoteDataTrackManager {
    /// A track of that name, of any publisher or of one: at once when it is there, else as soon as it is published.
    public func waitForTrack(
        name: String,
        publisherIdentity: String? = nil,
        timeout: TimeInterval? = nil
    ) async throws(WaitError) -> RemoteDataTrack {
        try await cancellable(throwing: WaitError.self) { token in
            try await waitForTrackWithToken(
                name: name,
                publisherIdentity: publisherIdentity,
                timeoutMs: milliseconds(timeout),
                cancel: token
            )
        }
    }
}

extension RemoteDataTrack {
    /// Reads the track. Each call makes a stream with a buffer and a policy of its own; the SFU sees one subscription.
    ///
    /// Cancelling the task ends the call as ``SubscribeError/Cancelled`` and undoes the subscription, unless another stream has it.
    public func subscribe(
        options: DataTrackSubscribeOptions = DataTrackSubscribeOptions()
    ) async throws(SubscribeError) -> DataTrackStream {
        try await cancellable(throwing: SubscribeError.self) { token in
            try await subscribeWithToken(options: options, cancel: token)
        }
    }

    /// Waits for the end of the publication.
    public func waitForUnpublish() async throws(WaitError) -> UnpublishReason {
        try await cancellable(throwing: WaitError.self) { token in
            try await waitForUnpublishWithToken(cancel: token)
        }
    }
}
