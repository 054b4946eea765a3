//! The frames of one track that are accepted and not yet gone, and what became of the others.
//!
//! ```text
//!             ┌─ accept ─► frames ── begin ─► flight (a callback has them) ── finish ─► sent, or dropped: not sent
//!  push ──────┤              ▲  │
//!             └─ leave ─► unsealed ─ settle_left       oldest first: dropped full, expired, unpublished
//! ```
//! At every instant accepted = sent + waiting + dropped; a frame in a callback waits. Whole frames are dropped: once a frame's
//! first packet has left only the end of the track or a throwing callback ends it. A frame that has begun takes no room.

mod flight;
mod unsealed;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use self::flight::{Flight, Rest};
pub(crate) use self::unsealed::{Left, Unsealed};
use super::{
    numbers::{Numbers, Unnumbered},
    spread::is_large,
};
use crate::{options::DropPolicy, share::kept_from, stats::LocalTrackStats};

/// See the module.
#[derive(Debug)]
pub(crate) struct WaitingRoom {
    limits: Limits,
    frames: VecDeque<Waiting>,
    unsealed: VecDeque<Unsealed>,
    /// Bytes of the left frame that is being sealed.
    sealing: Option<usize>,
    flight: Option<Flight>,
    /// Bytes of what has not begun.
    queued: usize,
    /// Bytes of what is left of the frame that has begun.
    begun: usize,
    numbers: Numbers,
    totals: LocalTrackStats,
}

/// What a track's options say about waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) policy: DropPolicy,
    pub(crate) max_bytes: usize,
    pub(crate) max_age: Option<Duration>,
}

/// What to do when a frame finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// What the track's policy says.
    ByPolicy,
    /// Drop nothing: the caller comes again.
    WaitForRoom,
}

#[derive(Debug)]
struct Waiting {
    packets: Unnumbered,
    since: Instant,
    begun: bool,
    large: bool,
}

impl WaitingRoom {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            frames: VecDeque::new(),
            unsealed: VecDeque::new(),
            sealing: None,
            flight: None,
            queued: 0,
            begun: 0,
            numbers: Numbers::default(),
            totals: LocalTrackStats::default(),
        }
    }

    /// Bytes of all that waits.
    pub(crate) fn bytes(&self) -> usize {
        let in_flight = self.flight.as_ref().map_or(0, |flight| flight.bytes);
        self.queued + self.begun + self.sealing.unwrap_or(0) + in_flight
    }

    /// Memory of all that waits.
    pub(crate) fn cost(&self) -> usize {
        self.bytes() + self.waiting() * FRAME_COST
    }

    /// What of it no frame can be dropped for: what has begun, what a callback has, and what is being sealed.
    fn pinned(&self) -> usize {
        let begun = usize::from(self.front_has_begun());
        let droppable = self.frames.len() - begun + self.unsealed.len();
        self.cost() - self.queued - droppable * FRAME_COST
    }

    fn front_has_begun(&self) -> bool {
        self.frames.front().is_some_and(|front| front.begun)
    }

    /// What that grows by with a frame.
    pub(crate) fn cost_of(packets: &Unnumbered) -> usize {
        packets.byte_len() + FRAME_COST
    }

    pub(crate) fn stats(&self) -> LocalTrackStats {
        LocalTrackStats {
            frames_waiting: self.waiting() as u64,
            bytes_waiting: self.bytes() as u64,
            ..self.totals
        }
    }

    /// Frames that are accepted and neither gone nor dropped.
    pub(crate) fn waiting(&self) -> usize {
        let apart = self.flight.as_ref().is_some_and(|flight| flight.rest != Rest::Waits);
        let apart = usize::from(apart) + usize::from(self.sealing.is_some());
        self.frames.len() + self.unsealed.len() + apart
    }

    /// Nothing waits, and no callback has anything.
    pub(crate) fn is_empty(&self) -> bool {
        let waits = self.flight.is_some() || self.sealing.is_some();
        !waits && self.frames.is_empty() && self.unsealed.is_empty()
    }

    /// Makes room for `bytes`, or tells that there is none. `spare`: memory that the other tracks leave of the manager's.
    pub(crate) fn admit(
        &mut self,
        bytes: usize,
        spare: usize,
        admission: Admission,
        now: Instant,
    ) -> bool {
        self.expire(now);
        let remembers = |cost: usize| fits_in(spare, cost.saturating_add(bytes + FRAME_COST));
        if !remembers(self.pinned()) {
            return false;
        }
        loop {
            let alone = self.queued == 0;
            let fits = alone || self.queued.saturating_add(bytes) <= self.limits.max_bytes;
            if fits && remembers(self.cost()) {
                return true;
            }
            let may_drop =
                (admission, self.limits.policy) == (Admission::ByPolicy, DropPolicy::DropOldest);
            if !may_drop || !self.drop_oldest() {
                return false;
            }
        }
    }

    /// Takes a frame. Ask [`admit`](Self::admit) first.
    pub(crate) fn accept(&mut self, packets: Unnumbered, now: Instant) {
        self.totals.frames_accepted += 1;
        self.enter(packets, now);
    }

    /// A push was refused.
    pub(crate) fn refuse(&mut self) {
        self.totals.frames_refused += 1;
    }

    /// Drops what waited too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        while self.has_expired(now) {
            let Some(frame) = self.frames.remove(usize::from(self.front_has_begun())) else {
                return;
            };
            self.queued -= frame.packets.byte_len();
            self.totals.frames_dropped_expired += 1;
        }
    }

    /// The oldest frame waited too long. One that has begun goes on, and does not count.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        let Some(max_age) = self.limits.max_age else { return false };
        let oldest = self.frames.get(usize::from(self.front_has_begun()));
        oldest.is_some_and(|oldest| now.saturating_duration_since(oldest.since) > max_age)
    }

    /// The track ended: nothing waits any more but what a callback has.
    pub(crate) fn end(&mut self) {
        let mut dropped = self.frames.len() + self.unsealed.len();
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.rest == Rest::Waits) {
            flight.rest = Rest::Dropped;
            dropped -= 1;
        }
        self.totals.frames_dropped_unpublished += dropped as u64;
        (self.frames, self.unsealed) = Default::default();
        (self.queued, self.begun) = (0, 0);
    }

    fn enter(&mut self, packets: Unnumbered, since: Instant) {
        self.queued += packets.byte_len();
        let large = is_large(&packets);
        self.frames.push_back(Waiting { packets, since, begun: false, large });
    }

    /// Drops the oldest frame that has not begun.
    fn drop_oldest(&mut self) -> bool {
        let bytes = match self.frames.remove(usize::from(self.front_has_begun())) {
            Some(frame) => frame.packets.byte_len(),
            None => match self.unsealed.pop_front() {
                Some(frame) => frame.bytes(),
                None => return false,
            },
        };
        self.queued -= bytes;
        self.totals.frames_dropped_full += 1;
        true
    }
}

/// Whether a track may hold so much of the manager's memory, of which the others leave `spare`.
pub(super) fn fits_in(spare: usize, cost: usize) -> bool {
    cost <= spare.saturating_sub(kept_from(cost))
}

/// Memory of a waiting frame besides its packets, and of what its buffer costs an allocator.
pub(super) const FRAME_COST: usize = size_of::<Waiting>() + 64;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::share::KEPT_FOR_LITTLE;

    fn room() -> WaitingRoom {
        WaitingRoom::new(Limits {
            policy: DropPolicy::DropOldest,
            max_bytes: 4 << 20,
            max_age: None,
        })
    }

    #[test]
    fn nothing_is_dropped_for_a_frame_that_is_refused_all_the_same() {
        let (mut room, now) = (room(), Instant::now());
        let spare = 1_400_000 + KEPT_FOR_LITTLE;
        for _ in 0..3 {
            room.accept(Unnumbered::new(BytesMut::zeroed(100_000), 16_000), now);
        }
        assert!(!room.admit(1_500_000, spare, Admission::ByPolicy, now));
        assert_eq!((room.waiting(), room.stats().frames_dropped_full), (3, 0));
        assert!(room.admit(1_300_000, spare, Admission::ByPolicy, now));
        assert_eq!(room.waiting(), 0, "no more than 100 KB are left beside it");
    }
}
