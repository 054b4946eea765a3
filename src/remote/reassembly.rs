//! Packets of one track → whole frames, each exactly once, whatever the order of arrival (P3).
//!
//! Owns the incomplete frames and the memory of the last fates. Never orders frames and never opens them. Holds no more
//! than its track's byte budget, the manager's, and [`MAX_PARTIALS`] frames; what finds no room pushes the oldest out.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    budget::Budget,
    fragments::{Added, Fragments, Joined, Room},
    window::{Seen, Window},
};
use crate::{
    packet::{Extensions, Marker, Packet},
    share::kept_from,
    stats::RemoteTrackStats,
};

/// A complete frame as it was sent: possibly sealed.
pub(crate) struct Whole<'p> {
    pub(crate) number: u16,
    /// Sequence number of its first packet.
    pub(crate) first: u16,
    /// Sequence number of its last packet.
    pub(crate) last: u16,
    pub(crate) extensions: Extensions,
    /// Borrowed from the packet where there is only one.
    pub(crate) bytes: Cow<'p, [u8]>,
}

/// The incomplete frames of a track.
pub(super) struct Reassembly {
    /// In the order in which they began.
    partials: Vec<Partial>,
    window: Window,
    /// The frame number of the last packet, if it may be of a sender that has begun anew.
    stray: Option<u16>,
    heard: Option<Instant>,
    held: usize,
    limit: usize,
    total: Arc<Budget>,
    /// Length of the last frame of several packets.
    expected: usize,
    /// Not after the instant at which the first partial is too old.
    expiry: Option<Instant>,
}

struct Partial {
    number: u16,
    touched: Instant,
    charged: usize,
    fragments: Fragments,
}

/// Why a frame is given up.
#[derive(Clone, Copy)]
enum Loss {
    Incomplete,
    Budget,
}

impl Reassembly {
    pub(super) fn new(total: Arc<Budget>) -> Self {
        Self {
            partials: Vec::new(),
            window: Window::default(),
            stray: None,
            heard: None,
            held: 0,
            limit: 0,
            total,
            expected: 0,
            expiry: None,
        }
    }

    /// Sets how many bytes the incomplete frames may hold.
    pub(super) fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    pub(super) fn bytes_partial(&self) -> usize {
        self.held
    }

    /// Takes a packet in; answers the frame that it completes.
    pub(super) fn take<'p>(
        &mut self,
        packet: &Packet<'p>,
        now: Instant,
        stats: &mut RemoteTrackStats,
    ) -> Option<Whole<'p>> {
        let number = packet.header.frame_number;
        match self.window.seen(number) {
            Seen::Open if packet.header.marker == Marker::Single => {
                Some(self.take_single(packet, stats))
            }
            Seen::Open => self.take_fragment(packet, now, stats),
            Seen::Completed => {
                stats.packets_duplicate += 1;
                None
            }
            Seen::GivenUp | Seen::TooOld => {
                stats.packets_dropped += 1;
                None
            }
        }
    }

    /// Notes that a packet arrived, and tells whether frame numbers have moved on beyond what can be compared: far back after a
    /// silence of more than `quiet` (nothing is being waited for any more), or to another region in two steps, as RFC 3550
    /// §A.1 tells a restarted sender from a stray packet. To frames that were completed it takes a silence and two steps: one
    /// alone is a duplicate, however late.
    pub(super) fn has_moved_on(
        &mut self,
        packet: &Packet<'_>,
        now: Instant,
        quiet: Duration,
    ) -> bool {
        let number = packet.header.frame_number;
        let heard = self.heard.replace(now);
        let stray = self.stray.take();
        let seen = self.window.seen(number);
        if seen == Seen::Open {
            return false;
        }
        let silent = heard.is_some_and(|heard| now.saturating_duration_since(heard) > quiet);
        let strays = match seen {
            Seen::TooOld => true,
            Seen::Completed => silent || stray == Some(number),
            Seen::Open | Seen::GivenUp => false,
        };
        self.stray = strays.then_some(number);
        let follows = stray == Some(number.wrapping_sub(1));
        follows || seen == Seen::TooOld && silent
    }

    /// Forgets everything: frame numbers begin anew.
    pub(super) fn restart(&mut self, stats: &mut RemoteTrackStats) {
        while !self.partials.is_empty() {
            self.give_up(0, Loss::Incomplete, stats);
        }
        self.window = Window::default();
        self.stray = None;
        self.expiry = None;
    }

    /// Gives up what made no progress for `age`, at least [`MAX_AGE`].
    pub(super) fn expire(&mut self, now: Instant, age: Duration, stats: &mut RemoteTrackStats) {
        if self.expiry.is_none_or(|expiry| now < expiry) {
            return;
        }
        let too_old = |partial: &Partial| now.saturating_duration_since(partial.touched) >= age;
        while let Some(at) = self.partials.iter().position(too_old) {
            self.give_up(at, Loss::Incomplete, stats);
        }
        self.expiry = self.partials.iter().map(|partial| partial.touched + age).min();
    }

    /// When to call [`expire`](Self::expire), or earlier than need be.
    pub(super) fn expiry(&self) -> Option<Instant> {
        self.expiry
    }

    fn take_single<'p>(&mut self, packet: &Packet<'p>, stats: &mut RemoteTrackStats) -> Whole<'p> {
        let number = packet.header.frame_number;
        if let Some(at) = self.position(number) {
            self.give_up(at, Loss::Incomplete, stats);
        }
        self.window.complete(number);
        Whole {
            number,
            first: packet.header.sequence,
            last: packet.header.sequence,
            extensions: packet.header.extensions,
            bytes: Cow::Borrowed(packet.payload),
        }
    }

    fn take_fragment(
        &mut self,
        packet: &Packet<'_>,
        now: Instant,
        stats: &mut RemoteTrackStats,
    ) -> Option<Whole<'static>> {
        let mut at = self.partial_for(packet, now, stats);
        let room = self.room();
        let growth = self.partials.get(at)?.fragments.growth(packet, room);
        while !self.fits(growth) {
            if self.partials.len() == 1 {
                self.give_up(0, Loss::Budget, stats);
                stats.packets_dropped += 1;
                return None;
            }
            let oldest = usize::from(at == 0);
            self.give_up(oldest, Loss::Budget, stats);
            at = at.saturating_sub(1);
        }
        let partial = self.partials.get_mut(at)?;
        let known = partial.fragments.count();
        match partial.fragments.add(packet, room) {
            Added::New => {
                partial.touched = now;
                // A Start or a Final shows what is none of its frame.
                stats.packets_dropped += (known + 1 - partial.fragments.count()) as u64;
            }
            Added::Duplicate => stats.packets_duplicate += 1,
            Added::Misfit => stats.packets_dropped += 1,
        }
        let number = partial.number;
        let joined = partial.fragments.join();
        self.settle(at, growth);
        let Joined { first, last, extensions, bytes } = joined?;
        self.expected = bytes.len();
        self.remove(at);
        self.window.complete(number);
        Some(Whole { number, first, last, extensions, bytes: Cow::Owned(bytes) })
    }

    /// Where the frame of this packet is, which may begin with it.
    fn partial_for(
        &mut self,
        packet: &Packet<'_>,
        now: Instant,
        stats: &mut RemoteTrackStats,
    ) -> usize {
        let number = packet.header.frame_number;
        if let Some(at) = self.position(number) {
            let is_another =
                self.partials.get(at).is_some_and(|known| known.fragments.is_another_start(packet));
            if !is_another {
                return at;
            }
            self.count_loss(at, Loss::Incomplete, stats);
            self.remove(at);
        }
        if self.partials.len() >= MAX_PARTIALS {
            self.give_up(0, Loss::Incomplete, stats);
        }
        self.expiry.get_or_insert(now + MAX_AGE);
        self.partials.push(Partial {
            number,
            touched: now,
            charged: 0,
            fragments: Fragments::new(),
        });
        self.partials.len() - 1
    }

    /// Mostly it is the frame that began last.
    fn position(&self, number: u16) -> Option<usize> {
        self.partials.iter().rposition(|partial| partial.number == number)
    }

    /// A new buffer gets what the last frame needed, but no more than a part of what is left: small frames may follow.
    fn room(&self) -> Room {
        let free = self.limit.saturating_sub(self.held);
        Room { expected: self.expected.min(free / SHARE), free }
    }

    /// Reserves `bytes` if the budgets have them.
    fn fits(&mut self, bytes: usize) -> bool {
        let all = self.held.saturating_add(bytes);
        let fits = all <= self.limit && self.total.take_leaving(bytes, kept_from(all));
        if fits {
            self.held = all;
        }
        fits
    }

    /// Turns what was reserved for the partial into what it holds.
    fn settle(&mut self, at: usize, reserved: usize) {
        let Some(partial) = self.partials.get_mut(at) else { return };
        let charged = (partial.charged + reserved).min(partial.fragments.footprint());
        let excess = partial.charged + reserved - charged;
        partial.charged = charged;
        self.held -= excess;
        self.total.give(excess);
    }

    /// What still comes of a frame that was given up is too late.
    fn give_up(&mut self, at: usize, loss: Loss, stats: &mut RemoteTrackStats) {
        self.count_loss(at, loss, stats);
        if let Some(number) = self.remove(at) {
            self.window.give_up(number);
        }
    }

    fn count_loss(&self, at: usize, loss: Loss, stats: &mut RemoteTrackStats) {
        let Some(partial) = self.partials.get(at) else { return };
        stats.packets_dropped += partial.fragments.count() as u64;
        match loss {
            Loss::Incomplete => stats.frames_dropped_incomplete += 1,
            Loss::Budget => stats.frames_dropped_budget += 1,
        }
    }

    fn remove(&mut self, at: usize) -> Option<u16> {
        if at >= self.partials.len() {
            return None;
        }
        let partial = self.partials.remove(at);
        self.held -= partial.charged;
        self.total.give(partial.charged);
        Some(partial.number)
    }
}

/// A frame that makes no progress for so long lost a packet; ten times what livekit-server takes to drain its queues.
pub(super) const MAX_AGE: Duration = Duration::from_secs(2);

/// Frames of two packets, each up to 64 places late or early, overlap no more than this.
const MAX_PARTIALS: usize = 128;

/// Part of the free budget that a new buffer may get on the strength of the last frame's length.
const SHARE: usize = 4;
