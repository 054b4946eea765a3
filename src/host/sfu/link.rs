//! One subscription's way from the SFU to its subscriber, with the faults of an [`Impairment`].
//!
//! ```text
//! packet ─► lost? ─► twice? ─► held until overtaken by its draw of packets, or for HOLD_LIMIT ─► delayed ─► out
//! ```
//! Owns the packets on the way and counts what happened to them; bounded in bytes. Knows no participant and no track.

use std::{
    cmp::Reverse,
    collections::VecDeque,
    mem,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{chance::Chance, impairment::Impairment};

/// What happened to the packets of one subscription. `received = lost + overflowed + delivered − duplicated + on the way`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Packets from the publisher.
    pub received: u64,
    /// Packets handed to the subscriber, duplicates too.
    pub delivered: u64,
    /// Packets dropped as the impairment says.
    pub lost: u64,
    /// Frames that miss a packet for that.
    pub frames_damaged: u64,
    /// Packets that came twice.
    pub duplicated: u64,
    /// Packets that were held so that later ones overtake them.
    pub reordered: u64,
    /// Packets dropped since too much was on the way.
    pub overflowed: u64,
    /// Packets of those delivered that the subscriber's connection had no room for.
    pub undelivered: u64,
}

impl LinkStats {
    /// Adds the counts of another subscription.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.frames_damaged += other.frames_damaged;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.overflowed += other.overflowed;
        self.undelivered += other.undelivered;
    }
}

#[derive(Debug)]
pub(super) struct Link {
    impairment: Impairment,
    chance: Chance,
    /// Packets seen, to count places by.
    turn: u64,
    held: Vec<Held>,
    delayed: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    damaged: VecDeque<u16>,
    /// Frame numbers of packets that did not arrive, until somebody asks.
    losses: VecDeque<u16>,
    stats: LinkStats,
}

#[derive(Debug)]
struct Held {
    arrived: u64,
    /// Leaves once so many packets have been seen.
    turn: u64,
    until: Instant,
    packet: Bytes,
}

impl Link {
    pub(super) fn new(impairment: Impairment, salt: u64) -> Self {
        Self {
            impairment,
            chance: Chance::new(impairment.seed ^ salt.rotate_left(32)),
            turn: 0,
            held: Vec::new(),
            delayed: VecDeque::new(),
            bytes: 0,
            damaged: VecDeque::new(),
            losses: VecDeque::new(),
            stats: LinkStats::default(),
        }
    }

    pub(super) fn stats(&self) -> LinkStats {
        self.stats
    }

    /// Other faults from now on. What is on the way stays so.
    pub(super) fn impair(&mut self, impairment: Impairment, salt: u64) {
        self.impairment = impairment;
        self.chance = Chance::new(impairment.seed ^ salt.rotate_left(32));
    }

    /// Takes a packet and hands out what leaves now.
    pub(super) fn push(&mut self, now: Instant, packet: Bytes, mut out: impl FnMut(Bytes)) {
        self.stats.received += 1;
        if self.impairment.is_none() && self.bytes == 0 {
            self.stats.delivered += 1;
            return out(packet);
        }
        self.turn += 1;
        if self.chance.happens(self.impairment.loss) {
            self.lose(&packet);
        } else {
            if self.chance.happens(self.impairment.duplicate) {
                self.stats.duplicated += 1;
                self.hold(now, packet.clone());
            }
            self.hold(now, packet);
        }
        self.release(now, &mut out);
    }

    /// Hands out what is due.
    pub(super) fn release(&mut self, now: Instant, mut out: impl FnMut(Bytes)) {
        let (turn, delay) = (self.turn, self.impairment.delay);
        // Whose turn it is by being late lets the one pass that is on time.
        self.held.sort_by_key(|held| (held.turn, Reverse(held.arrived)));
        for held in self.held.extract_if(.., |held| held.turn <= turn || held.until <= now) {
            self.delayed.push_back((now + delay, held.packet));
        }
        while let Some((_, packet)) = self.delayed.pop_front_if(|(due, _)| *due <= now) {
            self.bytes -= packet.len();
            self.stats.delivered += 1;
            out(packet);
        }
    }

    /// When `release` has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let held = self.held.iter().map(|held| held.until);
        held.chain(self.delayed.front().map(|(due, _)| *due)).min()
    }

    /// A packet handed out found no room.
    pub(super) fn handle_undelivered(&mut self, packet: &[u8]) {
        self.stats.undelivered += 1;
        self.note_loss(frame_number(packet));
    }

    /// The frame numbers of packets that did not arrive, for whatever reason, since this was last asked.
    pub(super) fn take_losses(&mut self) -> VecDeque<u16> {
        mem::take(&mut self.losses)
    }

    fn note_loss(&mut self, frame: u16) {
        if self.losses.len() == LOSSES_REMEMBERED {
            self.losses.pop_front();
        }
        self.losses.push_back(frame);
    }

    fn lose(&mut self, packet: &[u8]) {
        self.stats.lost += 1;
        let frame = frame_number(packet);
        self.note_loss(frame);
        if self.damaged.contains(&frame) {
            return;
        }
        self.stats.frames_damaged += 1;
        if self.damaged.len() == DAMAGED_REMEMBERED {
            self.damaged.pop_front();
        }
        self.damaged.push_back(frame);
    }

    fn hold(&mut self, now: Instant, packet: Bytes) {
        if self.bytes + packet.len() > MAX_BYTES {
            self.stats.overflowed += 1;
            return self.note_loss(frame_number(&packet));
        }
        self.bytes += packet.len();
        let places = u64::from(self.chance.up_to(self.impairment.reorder));
        self.stats.reordered += u64::from(places > 0);
        let turn = self.turn + places;
        self.held.push(Held { arrived: self.turn, turn, until: now + HOLD_LIMIT, packet });
    }
}

fn frame_number(packet: &[u8]) -> u16 {
    packet.get(6..8).map_or(0, |bytes| bytes.iter().fold(0, |n, b| n << 8 | u16::from(*b)))
}

/// Longest wait for packets that overtake: the end of a burst must not wait for the next one.
const HOLD_LIMIT: Duration = Duration::from_millis(5);

/// Most bytes on the way: 100 Mbit/s for the longest delay that an impairment may have would be 125 MB; this is a test tool.
const MAX_BYTES: usize = 16 << 20;

/// Frames are damaged one after the other; interleaved tracks have links of their own.
const DAMAGED_REMEMBERED: usize = 64;

/// Seconds of a fast track at a high loss, for those who ask; a few kilobytes for those who do not.
const LOSSES_REMEMBERED: usize = 4096;
