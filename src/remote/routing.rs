//! From a packet's handle to its track, and the packets that came before their handle.
//!
//! Packets and signals travel on different transports: the first packets of a subscription often overtake the snapshot that
//! holds its handle. While such a snapshot is expected, packets of unknown handles are kept for a while, and handed over when
//! their handle is assigned.
//!
//! ```text
//!  unknown ── assigned ──► of a track ⇄ nobody's
//!     ▲                         │          │
//!     └── 2 s ── retired ◄── not in use any more
//! ```
//! A handle that has gone out of use is retired: the last packets of the old subscription are still under way, and must not
//! be kept for a new one. When the SFU itself assigns it again, that counts at once: it deals handles out in a circle of
//! 65 535, so this happens only in a new session, whose channel carries nothing old.

use std::time::{Duration, Instant};

use crate::{sorted::SortedMap, track::Handle};

/// What to do with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Destination<R> {
    /// It is this track's.
    Track(R),
    /// It was kept, until then.
    Kept(Instant),
    /// Nobody wants it.
    Nobody,
}

/// See the module. `R` receives the packets of a track.
pub(crate) struct Routing<R> {
    pages: Vec<Option<Box<Page<R>>>>,
    retired: SortedMap<Handle, Instant>,
    early: SortedMap<Handle, Early>,
    early_bytes: usize,
    expecting: bool,
    packets: u64,
    unknown: usize,
}

type Page<R> = [Slot<R>; PAGE];

#[derive(Clone)]
enum Slot<R> {
    Unknown,
    Nobody,
    Track(R),
}

struct Early {
    since: Instant,
    packets: Vec<Vec<u8>>,
}

impl<R: Clone> Routing<R> {
    pub(crate) fn new() -> Self {
        Self {
            pages: Vec::new(),
            retired: SortedMap::default(),
            early: SortedMap::default(),
            early_bytes: 0,
            expecting: false,
            packets: 0,
            unknown: 0,
        }
    }

    /// How many packets were asked about.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// How many of them went nowhere, at once or after they had waited for a handle.
    pub(crate) fn unknown(&self) -> usize {
        self.unknown
    }

    /// Bytes of the packets that wait for their handle.
    pub(crate) fn early_bytes(&self) -> usize {
        self.early_bytes
    }

    /// Where a packet goes.
    pub(crate) fn route(&mut self, handle: Handle, packet: &[u8], now: Instant) -> Destination<R> {
        self.packets += 1;
        let kept = match self.slot(handle) {
            Some(Slot::Track(track)) => return Destination::Track(track.clone()),
            Some(Slot::Nobody) => None,
            Some(Slot::Unknown) | None => self.keep(handle, packet, now),
        };
        self.unknown += usize::from(kept.is_none());
        kept.map_or(Destination::Nobody, Destination::Kept)
    }

    /// The handle is this track's; answers its packets that came early.
    pub(crate) fn assign(&mut self, handle: Handle, track: R) -> Vec<Vec<u8>> {
        self.set(handle, Slot::Track(track));
        self.retired.remove(&handle);
        self.take_early(handle)
    }

    /// The handle is in use, but nobody reads its track.
    pub(crate) fn ignore(&mut self, handle: Handle) {
        self.set(handle, Slot::Nobody);
        self.retired.remove(&handle);
        self.unknown += self.take_early(handle).len();
    }

    /// The handle is not in use any more.
    pub(crate) fn retire(&mut self, handle: Handle, now: Instant) {
        self.set(handle, Slot::Unknown);
        self.retired.insert(handle, now);
    }

    /// No handle is in use.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
        self.retired.clear();
        self.forget_early();
    }

    /// Whether a handle may come whose packets are worth keeping.
    pub(crate) fn expect(&mut self, expecting: bool) {
        self.expecting = expecting;
        if !expecting {
            self.forget_early();
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.early.values().map(|early| early.since + MAX_AGE).min()
    }

    /// Drops what waited too long.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= MAX_AGE;
        self.retired.retain(|_, since| !is_over(*since));
        let over = self.early.iter().filter(|(_, early)| is_over(early.since));
        let over: Vec<_> = over.map(|(handle, _)| *handle).collect();
        self.unknown += over.into_iter().map(|handle| self.take_early(handle).len()).sum::<usize>();
    }

    fn forget_early(&mut self) {
        self.unknown += self.early.values().map(|early| early.packets.len()).sum::<usize>();
        self.early.clear();
        self.early_bytes = 0;
    }

    fn keep(&mut self, handle: Handle, packet: &[u8], now: Instant) -> Option<Instant> {
        let is_retired = self
            .retired
            .get(&handle)
            .is_some_and(|since| now.saturating_duration_since(*since) < MAX_AGE);
        let has_room = self.early_bytes + packet.len() + PACKET <= MAX_EARLY_BYTES
            && (self.early.contains_key(&handle) || self.early.len() < MAX_EARLY_HANDLES);
        if !self.expecting || is_retired || !has_room {
            return None;
        }
        let early = || Early { since: now, packets: Vec::new() };
        let early = self.early.get_or_insert_with(handle, early)?;
        early.packets.push(packet.to_vec());
        self.early_bytes += packet.len() + PACKET;
        Some(early.since + MAX_AGE)
    }

    fn take_early(&mut self, handle: Handle) -> Vec<Vec<u8>> {
        let packets = self.early.remove(&handle).map(|early| early.packets).unwrap_or_default();
        self.early_bytes -= packets.iter().map(|packet| packet.len() + PACKET).sum::<usize>();
        packets
    }

    fn slot(&self, handle: Handle) -> Option<&Slot<R>> {
        let [page, index] = handle.get().to_be_bytes().map(usize::from);
        self.pages.get(page)?.as_ref()?.get(index)
    }

    fn set(&mut self, handle: Handle, slot: Slot<R>) {
        let [page, index] = handle.get().to_be_bytes().map(usize::from);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let Some(page) = self.pages.get_mut(page) else { return };
        let page = page.get_or_insert_with(|| Box::new([const { Slot::Unknown }; PAGE]));
        if let Some(place) = page.get_mut(index) {
            *place = slot;
        }
    }
}

/// Slots of a page: one for each value of a handle's low byte.
const PAGE: usize = 256;

/// How long packets wait for their handle, and a handle stays retired: longer than a signal takes on any usable connection.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(2);

/// Sixteen full packets, or a few hundred small ones.
const MAX_EARLY_BYTES: usize = 256 << 10;

/// Subscriptions that may begin at once.
const MAX_EARLY_HANDLES: usize = 64;

/// What a kept packet costs besides its bytes.
const PACKET: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn h(number: u16) -> Handle {
        Handle::new(number).unwrap()
    }

    fn expecting() -> (Routing<&'static str>, Instant) {
        let mut routing = Routing::new();
        routing.expect(true);
        (routing, Instant::now())
    }

    #[test]
    fn packets_that_came_early_are_handed_over_in_order() {
        let (mut routing, now) = expecting();
        assert_eq!(routing.route(h(7), b"one", now), Destination::Kept(now + MAX_AGE));
        assert_eq!(routing.route(h(7), b"two", now), Destination::Kept(now + MAX_AGE));
        assert_eq!(routing.route(h(8), b"other", now), Destination::Kept(now + MAX_AGE));
        assert_eq!(routing.assign(h(7), "track"), [b"one", b"two"]);
        assert_eq!(routing.route(h(7), b"three", now), Destination::Track("track"));
        routing.ignore(h(8));
        assert_eq!((routing.early_bytes(), routing.unknown()), (0, 1));
        assert_eq!(routing.route(h(8), b"more", now), Destination::Nobody);
    }

    #[test]
    fn nothing_is_kept_when_no_handle_is_expected() {
        let (mut routing, now) = expecting();
        routing.route(h(7), b"one", now);
        routing.expect(false);
        assert_eq!((routing.early_bytes(), routing.unknown()), (0, 1));
        assert_eq!(routing.route(h(7), b"two", now), Destination::Nobody);
    }

    #[test]
    fn what_waits_is_dropped_when_its_time_is_over() {
        let (mut routing, now) = expecting();
        routing.route(h(7), b"one", now);
        routing.route(h(7), b"two", now + MAX_AGE / 2);
        assert_eq!(routing.poll_timeout(), Some(now + MAX_AGE));
        routing.handle_timeout(now + MAX_AGE - Duration::from_nanos(1));
        assert_eq!(routing.unknown(), 0);
        routing.handle_timeout(now + MAX_AGE);
        assert_eq!(routing.unknown(), 2);
        assert_eq!((routing.early_bytes(), routing.poll_timeout()), (0, None));
    }

    #[test]
    fn a_retired_handle_keeps_nothing_until_it_is_assigned_or_forgotten() {
        let (mut routing, now) = expecting();
        routing.assign(h(7), "old");
        routing.retire(h(7), now);
        let late = now + MAX_AGE - Duration::from_nanos(1);
        assert_eq!(routing.route(h(7), b"late", late), Destination::Nobody);
        assert_eq!(routing.assign(h(7), "new"), Vec::<Vec<u8>>::new());
        assert_eq!(routing.route(h(7), b"new", late), Destination::Track("new"));
        routing.retire(h(7), now);
        assert_eq!(
            routing.route(h(7), b"early", now + MAX_AGE),
            Destination::Kept(now + 2 * MAX_AGE)
        );
        routing.handle_timeout(now + MAX_AGE);
        assert!(routing.retired.is_empty());
    }

    #[test]
    fn in_a_new_session_no_handle_is_retired() {
        let (mut routing, now) = expecting();
        routing.assign(h(7), "old");
        routing.retire(h(7), now);
        routing.clear();
        assert_eq!(routing.route(h(7), b"new", now), Destination::Kept(now + MAX_AGE));
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_and_handles() {
        let (mut routing, now) = expecting();
        let packet = [0; 1_000];
        let kept = (0..1_000).filter(|_| routing.route(h(1), &packet, now) != Destination::Nobody);
        assert_eq!(kept.count(), MAX_EARLY_BYTES / (1_000 + PACKET));
        let (mut routing, now) = expecting();
        let kept = (1..=u16::MAX).filter(|n| routing.route(h(*n), b"", now) != Destination::Nobody);
        assert_eq!(kept.count(), MAX_EARLY_HANDLES);
    }
}
