//! One reader of a remote track.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Weak},
};

use super::{
    CancelToken,
    remote_core::Remote,
    remote_reception::{Reception, Wait},
    wait::{Cancelled, unless_cancelled},
};
use crate::{
    error::WaitError,
    frame::DataTrackFrame,
    remote::{ReaderId, TrackId},
    stats::StreamStats,
    track::StreamEndReason,
};

/// The frames of one subscription, in publishing order.
pub struct DataTrackStream {
    manager: Weak<Remote>,
    track: TrackId,
    reader: ReaderId,
    reception: Arc<Reception>,
}

impl DataTrackStream {
    pub(super) fn new(
        manager: Weak<Remote>,
        track: TrackId,
        reader: ReaderId,
        reception: Arc<Reception>,
    ) -> Self {
        Self { manager, track, reader, reception }
    }

    /// The next frame, or `None` at the end of the stream. Of several calls at once each gets another frame; one that is
    /// cancelled or abandoned takes none.
    ///
    /// # Errors
    ///
    /// [`WaitError::Cancelled`].
    pub async fn next(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Option<DataTrackFrame>, WaitError> {
        unless_cancelled(cancel, self.frame(false)).await.map_err(|Cancelled| WaitError::Cancelled)
    }

    /// Up to `max` frames, at least one unless the stream has ended. Where frames come fast, it lets some more come first.
    ///
    /// # Errors
    ///
    /// [`WaitError::Cancelled`].
    pub async fn next_batch(
        &self,
        max: u32,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<DataTrackFrame>, WaitError> {
        let first = unless_cancelled(cancel, self.frame(true)).await;
        let first = first.map_err(|Cancelled| WaitError::Cancelled)?;
        let Some(first) = first else { return Ok(Vec::new()) };
        let mut frames = vec![first];
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        self.reception.take(self.reader, max, &mut frames);
        Ok(frames)
    }

    fn frame(&self, for_a_batch: bool) -> impl Future<Output = Option<DataTrackFrame>> {
        let mut seat = Seat { stream: self, wait: Wait::new(for_a_batch) };
        poll_fn(move |context| {
            self.reception.poll_next(self.reader, &mut seat.wait, context.waker())
        })
    }

    /// Ends the stream. The last stream of a track ends its subscription at the SFU.
    pub fn shutdown(&self) {
        self.guarded("shutdown", || {
            self.reception.close(self.reader);
            if let Some(manager) = self.manager.upgrade() {
                manager.release(self.track, self.reader);
            }
        });
    }

    /// Why the stream ended; `None` while it has not.
    pub fn end_reason(&self) -> Option<StreamEndReason> {
        self.guarded("end_reason", || self.reception.end_reason(self.reader))
    }

    /// What became of the frames so far.
    pub fn stats(&self) -> StreamStats {
        self.guarded("stats", || self.reception.stream_stats(self.reader))
    }

    fn guarded<T: Default>(&self, method: &'static str, work: impl FnOnce() -> T) -> T {
        self.reception.faults.guarded(method, T::default, work)
    }
}

impl fmt::Debug for DataTrackStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataTrackStream").field("ended", &self.end_reason()).finish()
    }
}

impl Drop for DataTrackStream {
    fn drop(&mut self) {
        // In this order: once released, a call that was still waiting cannot be given its stream any more.
        if let Some(manager) = self.manager.upgrade() {
            manager.release_later(self.track, self.reader);
        }
        self.reception.forget(self.reader);
    }
}

/// One call of `next`: takes a seat when it has to wait, and gives it up when dropped.
struct Seat<'a> {
    stream: &'a DataTrackStream,
    wait: Wait,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.wait.seat {
            self.stream.reception.leave(self.stream.reader, seat);
        }
    }
}
