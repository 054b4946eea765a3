//! What waits in the channel, by what the host reports of it; how fast it drains, and how much it should hold for that.
//!
//! What waits in the channel delays every packet behind it, of whatever track; too little leaves the link idle. So it holds what it
//! drains in the time a packet takes through it when it is empty (with some transports that is a round trip), half of it more, since
//! that time varies and packets are large, and 5 ms: at 200 KB/s and a round trip of 100 ms that is 31 KB instead of 64 and a packet.
//! And packets are smaller where it drains slowly: what has begun to leave cannot be overtaken.
//!
//! One packet at a time is followed from where it was handed over until the reports say that it is gone. What left the channel
//! meanwhile gives the rate; a packet that found the channel nearly empty gives the time. Until both are known it is taken for a slow
//! one. None of this for hosts that report only when an amount falls through a threshold: a channel that holds less than that would
//! not be heard of again.

use std::time::Instant;

use crate::packet::MTU;

/// See the module.
#[derive(Debug)]
pub(super) struct Channel {
    /// Reported last, and handed over since.
    waiting: usize,
    reported_at: Instant,
    /// Handed over since the last report, and ever.
    fresh: usize,
    handed: u64,
    /// Bytes of the last packet that was not small.
    packet: usize,
    /// About those of the largest of the last packets: how much the next may be.
    largest: usize,
    /// The host reports after sending, and not only when little is left.
    tells: bool,
    followed: Option<Followed>,
    /// Bytes a second, where that is known.
    rate: Option<u64>,
    /// Of a packet that finds the channel nearly empty, in µs; `None`: the channel is to be that, so that it can be seen.
    passage: Option<u64>,
}

/// A packet on its way.
#[derive(Debug)]
struct Followed {
    /// All that was handed over up to it.
    handed: u64,
    at: Instant,
    finds_room: bool,
    /// All that had left at some time before.
    drained: u64,
    since: Instant,
}

impl Channel {
    /// An empty one.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            waiting: 0,
            reported_at: now,
            fresh: 0,
            handed: 0,
            packet: MTU,
            largest: 0,
            tells: false,
            followed: None,
            rate: None,
            passage: None,
        }
    }

    /// Another one of the same host, empty as well.
    pub(super) fn renewed(&self, now: Instant) -> Self {
        Self { tells: self.tells, ..Self::new(now) }
    }

    /// How large a packet may be that does not hold up others for long.
    pub(super) fn packet_len(&self) -> usize {
        if self.tells { drained(self.rate(), PACKET_TIME).clamp(SMALLEST, MTU) } else { MTU }
    }

    /// Bytes of the last packet that was not small: so many a track has in a turn.
    pub(super) fn turn(&self) -> usize {
        self.packet
    }

    /// So full that only a report makes room.
    pub(super) fn is_full(&self) -> bool {
        self.waiting > MOST
    }

    /// Bytes that still fit; or else the time in µs until some do, where that is known.
    pub(super) fn room(&self, now: Instant) -> Result<usize, Option<u64>> {
        if self.is_full() {
            return Err(None);
        }
        let (believed, mark) = (self.believed(now), self.mark());
        match mark.checked_sub(believed) {
            Some(room) => Ok(room.min(MOST - self.waiting)),
            None => Err(self.time_of((believed - mark) as u64 + 1)),
        }
    }

    /// So many bytes are handed over.
    pub(super) fn handed(&mut self, bytes: usize, now: Instant) {
        let finds_room = self.believed(now) <= LEAST;
        let drained = self.handed.saturating_sub(self.waiting as u64);
        let since = if self.waiting == 0 { now } else { self.reported_at };
        let handed = self.handed + bytes.min(MTU) as u64;
        self.followed.get_or_insert(Followed { handed, at: now, finds_room, drained, since });
        self.handed += bytes as u64;
        if bytes >= SMALLEST {
            self.packet = bytes.min(MTU);
        }
        self.largest = bytes.min(MTU).max(self.largest - self.largest / FORGETS);
        self.fresh += bytes;
        self.waiting = self.waiting.saturating_add(bytes);
    }

    /// The host says how many bytes wait.
    pub(super) fn reported(&mut self, waiting: usize, now: Instant) {
        // All of what was handed over is there, and no more: that is no report of a fall, nor one of a channel that is not open.
        let all = waiting >= self.waiting && waiting as u64 <= self.handed.min(NOT_OPEN);
        self.tells |= all && self.fresh > 0;
        // What has just been handed over is alone: the channel may have stood empty before.
        let idle = waiting <= std::mem::take(&mut self.fresh);
        (self.waiting, self.reported_at) = (waiting, now);
        let drained = self.handed.saturating_sub(waiting as u64);
        let Some(followed) = self.followed.as_mut().filter(|it| it.handed <= drained) else {
            return;
        };
        let took = micros(followed.at, now);
        let (finds_room, behind) =
            (std::mem::take(&mut followed.finds_room), drained - followed.handed);
        let (since, before) = (followed.since, followed.drained);
        if finds_room {
            self.passed(took.saturating_sub(self.time_of(behind).unwrap_or_default()));
        }
        let time = micros(since, now);
        if !idle && time < LEAST_TIME {
            return;
        }
        let left = drained.saturating_sub(before);
        self.followed = None;
        if self.tells
            && let Some(seen) = (left * SECOND).checked_div(time)
        {
            self.learn(seen, idle);
        }
    }

    /// A packet that found room took so long.
    fn passed(&mut self, took: u64) {
        let took = took.min(LONGEST_PASSAGE);
        self.passage = Some(self.passage.map_or(took, |passage| (passage * 3 + took) / 4));
    }

    /// `idle`: there was not more to drain.
    fn learn(&mut self, seen: u64, idle: bool) {
        if seen / 2 > self.rate() {
            self.passage = None;
        }
        self.rate = match self.rate {
            rate if idle && seen <= self.rate() => rate,
            Some(rate) if !idle => Some((rate + seen) / 2),
            _ => Some(seen),
        };
    }

    fn rate(&self) -> u64 {
        self.rate.unwrap_or(PRESUMED_RATE)
    }

    /// What waits now, less what has probably left since the last report.
    fn believed(&self, now: Instant) -> usize {
        if !self.tells {
            return self.waiting;
        }
        let time = micros(self.reported_at, now).saturating_mul(TRIES_MORE.0) / TRIES_MORE.1;
        self.waiting.saturating_sub(drained(self.rate(), time))
    }

    /// The time in which so many bytes probably leave.
    fn time_of(&self, bytes: u64) -> Option<u64> {
        let (more, than) = TRIES_MORE;
        (bytes * (SECOND * than / more)).checked_div(self.rate())
    }

    /// How much the channel may hold for another packet to leave. That may be a large one.
    fn mark(&self) -> usize {
        if !self.tells {
            return MOST;
        }
        let Some(passage) = self.passage else { return LEAST };
        let enough = drained(self.rate(), passage * 3 / 2 + SLACK);
        enough.saturating_sub(self.largest).clamp(LEAST, MOST)
    }
}

fn drained(rate: u64, micros: u64) -> usize {
    usize::try_from(rate.saturating_mul(micros) / SECOND).unwrap_or(usize::MAX)
}

pub(super) fn micros(since: Instant, now: Instant) -> u64 {
    let time = now.saturating_duration_since(since);
    time.as_secs() * SECOND + u64::from(time.subsec_micros())
}

/// All times here are µs.
const SECOND: u64 = 1_000_000;

/// 64 KiB gave the most throughput without loss with the `webrtc` crate.
const MOST: usize = 64 * 1024;

/// Below what hosts report while the channel is not open; no open one holds so much.
const NOT_OPEN: u64 = 0xFFFF_FFFE;

/// What other SDKs let the channel hold, whatever it drains.
const LEAST: usize = 8 * 1024;

/// Of a channel that nothing is known of, in bytes a second: a mobile network's, when it is slow.
const PRESUMED_RATE: u64 = 500_000;

/// Which others may have to wait for a packet that has begun to leave, where the smallest is not too large for that.
const PACKET_TIME: u64 = 2_000;

/// Smaller ones cost more than they gain: three of SCTP's on a usual network.
const SMALLEST: usize = 3_600;

/// Part of the largest packet that each smaller one makes forgotten. Beside a flood a large one comes again long before.
const FORGETS: usize = 64;

/// So that a channel that is refilled by a timer or an event of the host does not run dry.
const SLACK: u64 = 5_000;

/// Belief goes ahead of what is known by a quarter: who never tries finds nothing faster.
const TRIES_MORE: (u64, u64) = (5, 4);

/// Rates are of no less: reports come in steps.
const LEAST_TIME: u64 = 20_000;

/// What took longer met an outage.
const LONGEST_PASSAGE: u64 = 500_000;

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
