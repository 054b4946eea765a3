//! One reader of a track: its frames in order, in a buffer of its own.
//!
//! ```text
//!  Open ── track unpublished, manager shut down ──► Ended(reason): what waits is still read
//!     └──── shutdown of the stream ───────────────► Ended(Closed): nothing waits any more
//! ```

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    budget::Budget,
    ordering::{Ordering, Placed, Turn},
    ring::Ring,
};
use crate::{
    error::SubscribeError,
    frame::DataTrackFrame,
    options::{BufferPolicy, DataTrackSubscribeOptions},
    share::kept_from,
    stats::StreamStats,
    track::StreamEndReason,
};

/// Options that were found to be within their ranges.
#[derive(Clone, Debug)]
pub(crate) struct StreamOptions(DataTrackSubscribeOptions);

impl TryFrom<DataTrackSubscribeOptions> for StreamOptions {
    type Error = SubscribeError;

    fn try_from(options: DataTrackSubscribeOptions) -> Result<Self, SubscribeError> {
        let in_range = (1..=MAX_BUFFER_FRAMES).contains(&options.buffer_frames)
            && options.reorder_window_ms <= MAX_REORDER_WINDOW_MS;
        if in_range { Ok(Self(options)) } else { Err(SubscribeError::InvalidOptions) }
    }
}

impl StreamOptions {
    fn max_partial_bytes(&self) -> usize {
        usize::try_from(self.0.max_partial_bytes).unwrap_or(usize::MAX)
    }
}

/// What `next` finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A frame.
    Frame(DataTrackFrame),
    /// Nothing yet.
    Empty {
        /// Since this was last found, frames waited behind one another: they come faster than readers wake up.
        was_behind: bool,
    },
    /// Nothing any more.
    Ended,
}

/// One stream of a track.
pub(super) struct Stream {
    max_partial_bytes: usize,
    ordering: Ordering,
    waiting: Waiting,
    behind: bool,
    keeps_oldest: bool,
    ended: Option<StreamEndReason>,
}

impl Stream {
    pub(super) fn new(options: &StreamOptions, budget: Arc<Budget>) -> Self {
        let max_partial_bytes = options.max_partial_bytes();
        let StreamOptions(options) = options;
        let capacity = usize::try_from(options.buffer_frames).unwrap_or(usize::MAX);
        Self {
            max_partial_bytes,
            ordering: Ordering::new(Duration::from_millis(options.reorder_window_ms)),
            waiting: Waiting {
                ring: Ring::new(capacity, options.buffer_policy),
                bytes: 0,
                budget,
                stats: StreamStats::default(),
            },
            behind: false,
            keeps_oldest: options.buffer_policy == BufferPolicy::DropNewest,
            ended: None,
        }
    }

    pub(super) fn max_partial_bytes(&self) -> usize {
        self.max_partial_bytes
    }

    /// Of the frames that come one here and one there is kept.
    pub(super) fn keeps_oldest(&self) -> bool {
        self.keeps_oldest
    }

    pub(super) fn window(&self) -> Duration {
        self.ordering.window()
    }

    pub(super) fn ended(&self) -> Option<StreamEndReason> {
        self.ended
    }

    /// True when `next` would not wait.
    pub(super) fn is_readable(&self) -> bool {
        self.waiting.ring.len() > 0 || self.ended.is_some()
    }

    pub(super) fn stats(&self) -> StreamStats {
        let waiting = self.waiting.ring.len() + self.ordering.len();
        StreamStats { frames_waiting: waiting as u64, ..self.waiting.stats }
    }

    /// Takes a frame of the track.
    pub(super) fn push(&mut self, placed: Placed, now: Instant) {
        let cost = placed.frame.as_ref().map_or(0, cost);
        let counts = u64::from(placed.frame.is_some());
        if !self.waiting.take(cost) {
            // What goes out first decides whether the frame is late: it takes nobody's place then.
            self.release(now);
            if self.ordering.is_behind(&placed) {
                self.waiting.stats.frames_late += counts;
                return;
            }
            if !self.admit(cost) {
                self.waiting.stats.frames_dropped_full += counts;
                return;
            }
        }
        let waiting = &mut self.waiting;
        match self.ordering.push(placed, now, |frame| waiting.push(frame)) {
            Turn::Now | Turn::Held => {}
            Turn::Late => {
                self.waiting.free(cost);
                self.waiting.stats.frames_late += counts;
            }
        }
    }

    /// A frame of an earlier epoch, whose place on the track means nothing any more.
    pub(super) fn count_late(&mut self) {
        self.waiting.stats.frames_late += 1;
    }

    /// Frames waited behind one that was taken, and the reader has not caught up since.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    pub(super) fn pop(&mut self) -> Next {
        match self.waiting.pop() {
            Some(frame) => {
                self.behind |= self.waiting.ring.len() > 0;
                Next::Frame(frame)
            }
            None if self.ended.is_some() => Next::Ended,
            None => Next::Empty { was_behind: std::mem::take(&mut self.behind) },
        }
    }

    /// Frames come faster than readers wake up, and few of them are there.
    pub(super) fn is_worth_a_rest(&self) -> bool {
        self.behind && self.waiting.ring.len() < FEW
    }

    /// Adds frames that are there to `frames`, until it holds `max`.
    pub(super) fn take(&mut self, max: usize, frames: &mut Vec<DataTrackFrame>) {
        self.waiting.take_out(max.saturating_sub(frames.len()), frames);
    }

    /// Frames that come next belong to a new epoch of the track.
    pub(super) fn restart(&mut self) {
        let waiting = &mut self.waiting;
        self.ordering.restart(|frame| waiting.push(frame));
    }

    /// Ends the stream, unless it has ended.
    pub(super) fn end(&mut self, reason: StreamEndReason) {
        self.ended.get_or_insert(reason);
        self.restart();
    }

    /// Ends the stream and drops what waits. What ended for another reason keeps it.
    pub(super) fn close(&mut self) {
        self.end(StreamEndReason::Closed);
        while self.waiting.drop_oldest() {
            self.waiting.stats.frames_dropped_closed += 1;
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.ordering.due()
    }

    pub(super) fn release(&mut self, now: Instant) {
        let waiting = &mut self.waiting;
        self.ordering.release(now, |frame| waiting.push(frame));
    }

    /// Finds memory for a frame: older ones make room, if the policy lets them.
    fn admit(&mut self, cost: usize) -> bool {
        loop {
            if self.waiting.take(cost) {
                return true;
            }
            if self.waiting.make_room() {
                self.waiting.stats.frames_dropped_full += 1;
            } else if !self.ordering.is_empty() {
                let waiting = &mut self.waiting;
                self.ordering.flush(|frame| waiting.push(frame));
            } else {
                return false;
            }
        }
    }
}

/// Frames whose turn has come, and the bytes of all frames that the stream holds.
struct Waiting {
    ring: Ring,
    bytes: usize,
    budget: Arc<Budget>,
    /// Without `frames_waiting`.
    stats: StreamStats,
}

impl Waiting {
    fn push(&mut self, frame: DataTrackFrame) {
        if let Some(dropped) = self.ring.push(frame) {
            self.free(cost(&dropped));
            self.stats.frames_dropped_full += 1;
        }
    }

    fn pop(&mut self) -> Option<DataTrackFrame> {
        let frame = self.ring.pop()?;
        self.free(cost(&frame));
        self.stats.frames_delivered += 1;
        Some(frame)
    }

    fn take_out(&mut self, most: usize, frames: &mut Vec<DataTrackFrame>) {
        let known = frames.len();
        frames.extend(self.ring.drain(most));
        let taken = frames.get(known..).unwrap_or_default();
        self.stats.frames_delivered += taken.len() as u64;
        self.free(taken.iter().map(cost).sum());
    }

    fn make_room(&mut self) -> bool {
        let dropped = self.ring.make_room();
        dropped.as_ref().inspect(|frame| self.free(cost(frame))).is_some()
    }

    fn drop_oldest(&mut self) -> bool {
        let dropped = self.ring.pop();
        dropped.as_ref().inspect(|frame| self.free(cost(frame))).is_some()
    }

    fn take(&mut self, bytes: usize) -> bool {
        let all = self.bytes + bytes;
        let fits = all <= MAX_BYTES && self.budget.take_leaving(bytes, kept_from(all));
        if fits {
            self.bytes = all;
        }
        fits
    }

    fn free(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.give(bytes);
    }
}

/// Memory that a waiting frame takes.
pub(super) fn cost(frame: &DataTrackFrame) -> usize {
    frame.payload.0.len() + FRAME
}

/// A frame's place in a queue and the allocator's share.
const FRAME: usize = 96;

/// Most memory that the frames of one stream take, however many of them may wait.
const MAX_BYTES: usize = 64 << 20;

/// Frames that are not worth a lock of their own.
const FEW: usize = 32;

/// The ranges of the options (`udl/datatracks.udl`).
const MAX_BUFFER_FRAMES: u32 = 65_536;
const MAX_REORDER_WINDOW_MS: u64 = 10_000;
