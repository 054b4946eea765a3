//! Names for whatever a participant may be told: the compiler asks for a new one here, and the coverage for a visit to it.

use datatracks::*;

/// One of several kinds.
pub trait Kind {
    /// Those that a long run must meet.
    const EXPECTED: &[&str];
    /// Those that a room cannot come to, or a run only by luck.
    const RARE: &[&str];
    fn kind(&self) -> &'static str;
}

macro_rules! kinds {
    ($($type:ty { $($expected:ident)* $(; rare $($rare:ident)*)? })*) => {
        $(impl Kind for $type {
            const EXPECTED: &[&str] = &[$(stringify!($expected)),*];
            const RARE: &[&str] = &[$($(stringify!($rare)),*)?];

            fn kind(&self) -> &'static str {
                match self {
                    $(Self::$expected { .. } => stringify!($expected),)*
                    $($(Self::$rare { .. } => stringify!($rare),)*)?
                }
            }
        })*
    };
}

kinds! {
    PublishError {
        InvalidName DuplicateName FrameEncodingMissing SchemaMissing SchemaMismatch InvalidEncoding EncryptionUnavailable
        NotAllowed LimitReached Rejected UnexpectedAnswer SignalNotSent TimedOut Cancelled Closed
    }
    PushFrameError { TrackUnpublished QueueFull FrameTooLarge EncryptionFailed Cancelled }
    SubscribeError {
        Unpublished DecryptionUnavailable InvalidOptions NotPermitted SignalNotSent TimedOut Cancelled Closed
    }
    WaitError { TimedOut Cancelled Closed }
    SchemaError {
        InvalidSchema NotFound LimitReached Rejected SignalNotSent TimedOut Cancelled Closed;
        // The server of the simulation has data blobs switched on; refused on purpose it is `NotAllowed` all the same.
        rare NotAllowed
    }
    UnpublishReason { Requested Revoked RepublishRefused PublisherLeft Shutdown }
    StreamEndReason { Closed Unpublished Shutdown }
    SubscriptionState { Unsubscribed Pending Active NotPermitted }
}

/// How a call ended: `Ok`, or the kind of its error.
pub fn ending<T, E: Kind>(result: &Result<T, E>) -> &'static str {
    result.as_ref().map_or_else(Kind::kind, |_| "Ok")
}

/// Why frames of a local track did not leave, and how many.
pub fn local_drops(stats: &LocalTrackStats) -> [(&'static str, u64); 5] {
    [
        ("full", stats.frames_dropped_full),
        ("expired", stats.frames_dropped_expired),
        ("unpublished", stats.frames_dropped_unpublished),
        ("not sent", stats.frames_dropped_not_sent),
        ("refused", stats.frames_refused),
    ]
}

/// Why packets and frames of a remote track did not come, and how many.
pub fn remote_drops(stats: &RemoteTrackStats) -> [(&'static str, u64); 7] {
    [
        ("duplicate", stats.packets_duplicate),
        ("packet", stats.packets_dropped),
        ("incomplete", stats.frames_dropped_incomplete),
        ("budget", stats.frames_dropped_budget),
        ("undecryptable", stats.frames_dropped_undecryptable),
        ("replayed", stats.frames_dropped_replayed),
        ("encryption mismatch", stats.frames_dropped_encryption_mismatch),
    ]
}

/// Why frames of a stream were not read, and how many.
pub fn stream_drops(stats: &StreamStats) -> [(&'static str, u64); 3] {
    [
        ("full", stats.frames_dropped_full),
        ("late", stats.frames_late),
        ("closed", stats.frames_dropped_closed),
    ]
}

/// Why the packets and entries of a remote manager came to nothing, and how many.
pub fn manager_drops(stats: &RemoteManagerStats) -> [(&'static str, u64); 4] {
    [
        ("signal not sent", stats.signals_not_sent),
        ("malformed packet", stats.packets_malformed),
        ("unknown handle", stats.packets_unknown_handle),
        ("skipped entry", stats.entries_skipped),
    ]
}
