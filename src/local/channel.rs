//! What waits in the channel, by what the host reports of it; how fast it drains, and how much it should hold for that.
//!
//! What waits in the channel delays every packet behind it, of whatever track; too little leaves the link idle. So it holds what it
//! drains in the time a packet takes through it when it is empty (with some transports that is a round trip), half of it more, since
//! that time varies and packets are large, and 5 ms: at 200 KB/s and a round trip of 100 ms that is 31 KB instead of 64 and a packet.
//!
//! One packet at a time is followed from where it was handed over until the reports say that it is gone. What left the channel
//! meanwhile gives the rate; a packet that found the channel nearly empty gives the time. None of this for hosts that report only
//! when an amount falls through a threshold: a channel that holds less than that would not be heard of again.

use std::time::{Duration, Instant};

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
    /// The host reports after sending, and not only when little is left.
    tells: bool,
    followed: Option<Followed>,
    /// Bytes a second; `None`: not known yet.
    rate: Option<u64>,
    /// Of a packet that finds the channel nearly empty; `None`: the channel is to be that, so that it can be seen.
    passage: Option<Duration>,
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
            tells: false,
            followed: None,
            rate: None,
            passage: None,
        }
    }

    /// So full that only a report makes room.
    pub(super) fn is_full(&self) -> bool {
        self.waiting > MOST
    }

    /// Bytes that still fit; or else the time until some do, where that is known.
    pub(super) fn room(&self, now: Instant) -> Result<usize, Option<Duration>> {
        let limit = MOST.checked_sub(self.waiting).ok_or(None)?;
        let (believed, mark) = (self.believed(now), self.mark());
        let room =
            mark.checked_sub(believed).ok_or_else(|| self.time_of((believed - mark) as u64))?;
        Ok(room.min(limit))
    }

    /// So many bytes are handed over.
    pub(super) fn handed(&mut self, bytes: usize, now: Instant) {
        let finds_room = self.believed(now) <= LEAST;
        let drained = self.handed.saturating_sub(self.waiting as u64);
        let since = if self.waiting == 0 { now } else { self.reported_at };
        let handed = self.handed + bytes.min(MTU) as u64;
        self.followed.get_or_insert(Followed { handed, at: now, finds_room, drained, since });
        self.handed += bytes as u64;
        self.fresh += bytes;
        self.waiting = self.waiting.saturating_add(bytes);
    }

    /// The host says how many bytes wait.
    pub(super) fn reported(&mut self, waiting: usize, now: Instant) {
        // What has just been handed over is alone: the channel may have stood empty before.
        let idle = waiting <= std::mem::take(&mut self.fresh);
        (self.waiting, self.reported_at) = (waiting, now);
        self.tells |= self.is_full();
        let drained = self.handed.saturating_sub(waiting as u64);
        let Some(followed) = self.followed.as_mut().filter(|it| it.handed <= drained) else {
            return;
        };
        let took = now.saturating_duration_since(followed.at);
        let (finds_room, behind) =
            (std::mem::take(&mut followed.finds_room), drained - followed.handed);
        let (since, before) = (followed.since, followed.drained);
        if finds_room {
            self.passed(took.saturating_sub(self.time_of(behind).unwrap_or_default()));
        }
        let time = now.saturating_duration_since(since);
        if !idle && time < LEAST_TIME {
            return;
        }
        let left = drained.saturating_sub(before);
        self.followed = None;
        if self.tells
            && let Some(seen) = left.saturating_mul(1_000_000).checked_div(micros(time))
        {
            self.learn(seen, idle);
        }
    }

    /// A packet that found room took so long.
    fn passed(&mut self, took: Duration) {
        let took = took.min(LONGEST_PASSAGE);
        self.passage = Some(match self.passage {
            Some(passage) if passage < took => (passage * 3 + took) / 4,
            Some(passage) if passage < took * 2 => (passage + took) / 2,
            Some(_) | None => took,
        });
    }

    /// `idle`: there was not more to drain.
    fn learn(&mut self, seen: u64, idle: bool) {
        if self.rate.is_some_and(|rate| seen / 2 > rate) {
            self.passage = None;
        }
        self.rate = match self.rate {
            Some(rate) if idle => Some(rate.max(seen)),
            Some(rate) => Some(rate.midpoint(seen)),
            None => (!idle).then_some(seen),
        };
    }

    /// What waits now, less what has probably left since the last report.
    fn believed(&self, now: Instant) -> usize {
        let time = now.saturating_duration_since(self.reported_at);
        let left = self.rate.map_or(0, |rate| drained(rate, time * TRIES_MORE.0 / TRIES_MORE.1));
        self.waiting.saturating_sub(left)
    }

    /// The time in which so many bytes probably leave.
    fn time_of(&self, bytes: u64) -> Option<Duration> {
        let (more, than) = TRIES_MORE;
        let bytes = bytes.saturating_mul(1_000_000 * u64::from(than) / u64::from(more));
        Some(Duration::from_micros(bytes.checked_div(self.rate?)? + 1))
    }

    /// How much the channel may hold for another packet to leave. That may be a large one.
    fn mark(&self) -> usize {
        let Some(rate) = self.rate else { return MOST };
        let Some(passage) = self.passage else { return LEAST };
        let enough = drained(rate, passage * 3 / 2 + SLACK);
        enough.saturating_sub(MTU).clamp(LEAST, MOST)
    }
}

fn drained(rate: u64, time: Duration) -> usize {
    usize::try_from(rate.saturating_mul(micros(time)) / 1_000_000).unwrap_or(usize::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// 64 KiB gave the most throughput without loss with the `webrtc` crate.
const MOST: usize = 64 * 1024;

/// What other SDKs let the channel hold, whatever it drains.
const LEAST: usize = 8 * 1024;

/// So that a channel that is refilled by a timer or an event of the host does not run dry.
const SLACK: Duration = Duration::from_millis(5);

/// Belief goes ahead of what is known by a quarter: who never tries finds nothing faster.
const TRIES_MORE: (u32, u32) = (5, 4);

/// Rates are of no less: reports come in steps.
const LEAST_TIME: Duration = Duration::from_millis(20);

/// What took longer met an outage.
const LONGEST_PASSAGE: Duration = Duration::from_millis(500);

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
