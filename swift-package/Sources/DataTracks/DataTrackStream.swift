import Foundation

/// Frames in publishing order.
///
/// ```swift
/// for try await frame in try await track.subscribe() {
///     show(frame.payload, latency: frame.latency)
/// }
/// ```
/// The loop ends when the stream does; `endReason()` tells why. Cancelling the task closes the stream, which gives the subscription
/// at the SFU back, and the loop throws ``WaitError/Cancelled``. Leaving the loop by `break` leaves the stream open for another.
extension DataTrackStream: AsyncSequence {
    public typealias Element = DataTrackFrame

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(stream: self)
    }

    /// Reads a stream for a `for await` loop.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let stream: DataTrackStream

        public mutating func next() async throws(WaitError) -> DataTrackFrame? {
            try await stream.nextOrClose()
        }

        @available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *)
        public mutating func next(isolation: isolated (any Actor)?) async throws(WaitError) -> DataTrackFrame? {
            try await stream.nextOrClose()
        }
    }
}

extension DataTrackStream {
    /// The next frame, or `nil` at the end of the stream. Cancelling the task ends the wait only: the stream stays open, and no frame is
    /// lost.
    public func next() async throws(WaitError) -> DataTrackFrame? {
        try await cancellable(throwing: WaitError.self) { token in
            try await nextWithToken(cancel: token)
        }
    }

    /// Up to `max` frames, at least one (also for a `max` of 0); none at the end of the stream. Many small frames cost least this way.
    public func nextBatch(max: Int) async throws(WaitError) -> [DataTrackFrame] {
        try await cancellable(throwing: WaitError.self) { token in
            try await nextBatchWithToken(max: UInt32(clamping: max), cancel: token)
        }
    }

    /// What a loop asks for: a cancelled one does not come back, so its stream is closed. Not by the handler of the cancellation: closing calls
    /// the transport, and whoever cancels may be the main actor.
    fileprivate func nextOrClose() async throws(WaitError) -> DataTrackFrame? {
        do {
            return try await next()
        } catch {
            shutdown()
            throw error
        }
    }
}
