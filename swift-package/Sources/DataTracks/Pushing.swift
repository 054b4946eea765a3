import Foundation

extension LocalDataTrack {
    /// Accepts a frame, or tells why not; never waits.
    ///
    /// What is accepted is sent, or dropped with a count in `stats()`. Callable on any thread; the packets leave on this one.
    public func tryPush(_ frame: DataTrackFrame) throws(PushFrameError) {
        try tryPush(frame.payload, userTimestamp: frame.userTimestamp)
    }

    /// Accepts a payload as a frame of its own, or tells why not; never waits. The bytes are not copied on the way.
    public func tryPush(_ payload: Data, userTimestamp: UInt64? = nil) throws(PushFrameError) {
        do {
            if let userTimestamp {
                try tryPushBytesWithTimestamp(payload: payload, userTimestamp: userTimestamp)
            } else {
                try tryPushBytes(payload: payload)
            }
        } catch let error as PushFrameError {
            throw error
        } catch {
            throw PushFrameError.ended
        }
    }

    /// Waits until there is room for a frame, and pushes it. Cancelling the task ends the wait; the frame is not sent then.
    public func send(_ frame: DataTrackFrame) async throws(PushFrameError) {
        // What no track can carry is not copied only to be refused.
        let payload = frame.payload.prefix(tooLong)
        try await cancellable(throwing: PushFrameError.self) { token in
            try await sendWithToken(frame: .init(payload: payload, userTimestamp: frame.userTimestamp), cancel: token)
        }
    }

    /// Sends every frame of a sequence, as fast as there is room and no faster: the next frame is asked for when this one is accepted.
    ///
    /// A sequence that simply ends when its task is cancelled, as an `AsyncStream` does, ends this call without an error.
    public func send<Frames: AsyncSequence>(
        contentsOf frames: Frames,
        isolation: isolated (any Actor)? = #isolation
    ) async throws where Frames.Element == DataTrackFrame {
        for try await frame in frames {
            try await send(frame)
        }
    }

    /// Waits until no frame of this track waits any more: all are sent, or dropped and counted.
    public func flush(timeout: TimeInterval? = nil) async throws(WaitError) {
        try await cancellable(throwing: WaitError.self) { token in
            try await flushWithToken(timeoutMs: milliseconds(timeout), cancel: token)
        }
    }

    /// Waits for the end of the publication.
    public func waitForUnpublish() async throws(WaitError) -> UnpublishReason {
        try await cancellable(throwing: WaitError.self) { token in
            try await waitForUnpublishWithToken(cancel: token)
        }
    }
}

/// Bytes of a payload: far more than a frame has on any track.
private let tooLong = 1 << 24

/// A timeout as the library takes it: whole milliseconds, 0 for none.
func milliseconds(_ timeout: TimeInterval?) -> UInt64 {
    guard let timeout else { return 0 }
    // At least one: "no time at all" must not become "no limit". In this order, so that what is no number is no time.
    return UInt64(min(longestTimeout, max(1, timeout * 1000)))
}

/// 49 days, in milliseconds.
private let longestTimeout = 4_294_967_295.0
