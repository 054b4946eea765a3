//! Totals: what became of frames, packets and signals.

/// Frames of a local track: accepted = sent + waiting + all dropped. Totals since publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTrackStats {
    /// Frames accepted.
    pub frames_accepted: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Frames waiting.
    pub frames_waiting: u64,
    /// Made room for newer ones.
    pub frames_dropped_full: u64,
    /// Waited longer than `max_age_ms`.
    pub frames_dropped_expired: u64,
    /// The track ended while they waited.
    pub frames_dropped_unpublished: u64,
    /// `on_packets_available` threw, or the encryption provider failed on a frame that had been queued while another was being sealed.
    pub frames_dropped_not_sent: u64,
    /// Refused pushes; not among the accepted.
    pub frames_refused: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Bytes of packets sent, headers included.
    pub bytes_sent: u64,
    /// Bytes of packets that wait now.
    pub bytes_waiting: u64,
}

/// Totals of a local manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalManagerStats {
    /// Signals sent.
    pub signals_sent: u64,
    /// `on_signal_request` threw.
    pub signals_not_sent: u64,
    /// Entries of messages that were skipped because they made no sense.
    pub entries_skipped: u64,
    /// Exceptions that the delegate or the provider threw.
    pub delegate_errors: u64,
    /// Faults of this library that were caught. Please report any.
    pub panics: u64,
    /// Tracks published.
    pub tracks_published: u64,
    /// Tracks pending.
    pub tracks_pending: u64,
}

/// Totals of a remote track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteTrackStats {
    /// Packets received.
    pub packets_received: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Seen before.
    pub packets_duplicate: u64,
    /// Of frames that could not be completed, or that nobody reads.
    pub packets_dropped: u64,
    /// Frames whose packets all came; sealed ones are counted before they are opened.
    pub frames_completed: u64,
    /// Begun, never completed: packets lost, or too old.
    pub frames_dropped_incomplete: u64,
    /// Given up for want of memory: beyond the byte budget.
    pub frames_dropped_budget: u64,
    /// Could not be decrypted.
    pub frames_dropped_undecryptable: u64,
    /// Opened, but with the IV of one of the last 64 frames that opened on this track: sent again under new numbers.
    pub frames_dropped_replayed: u64,
    /// Plain frames on an encrypted track, or encrypted ones on a plain track.
    pub frames_dropped_encryption_mismatch: u64,
    /// Bytes that incomplete frames hold now.
    pub bytes_partial: u64,
    /// Streams.
    pub streams: u64,
}

/// Totals of a stream. Every completed frame (for sealed ones: every opened frame) is counted once: delivered, waiting, dropped or late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Taken by `next`.
    pub frames_delivered: u64,
    /// Wait for `next`, or for an earlier frame.
    pub frames_waiting: u64,
    /// Dropped because the buffer was full, or held 64 MiB, or the manager's streams 128 MiB together.
    pub frames_dropped_full: u64,
    /// Complete only after the reorder window.
    pub frames_late: u64,
    /// Dropped by `shutdown` while they waited.
    pub frames_dropped_closed: u64,
}

/// Totals of a remote manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteManagerStats {
    /// Signals sent.
    pub signals_sent: u64,
    /// Signals not sent.
    pub signals_not_sent: u64,
    /// Entries of messages that were skipped because they made no sense.
    pub entries_skipped: u64,
    /// Packets received.
    pub packets_received: u64,
    /// Not a version 0 packet.
    pub packets_malformed: u64,
    /// For handles that are not known (any more), beyond what is kept for a late handle message.
    pub packets_unknown_handle: u64,
    /// Delegate errors.
    pub delegate_errors: u64,
    /// Panics.
    pub panics: u64,
    /// Tracks published.
    pub tracks_published: u64,
    /// Subscriptions active.
    pub subscriptions_active: u64,
    /// Bytes of packets that wait for their handle message: at most 256 KiB, of 64 handles, for 2 s.
    pub bytes_stashed: u64,
}
