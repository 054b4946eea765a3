//! How many bytes the channel takes now, by what the host reports of it.
//!
//! Off until the first report. From then on packets leave while no more bytes are believed to wait in the channel than it
//! [should hold](super::channel): what was reported last, and what was handed over since, less what has probably drained since. The last
//! packet may go beyond that mark. So a host that reports after sending alone is served in time, by the clock; and where the first
//! two are more than 64 KiB only a report makes room: the channel's amount does fall through that, and the host hears of it.
//!
//! A host that falls silent while frames wait must not stop them for good, nor may a channel that stands still be flooded:
//! a single packet leaves after 100 ms of silence, the next after twice that, and so on up to 1.6 s, until a report makes room.

use std::time::{Duration, Instant};

use super::channel::Channel;
use crate::packet::MTU;

/// `None` before the first report.
#[derive(Debug, Default)]
pub(crate) struct Pacing(Option<Reported>);

#[derive(Debug)]
struct Reported {
    channel: Channel,
    /// The last report, or the last packet that left.
    at: Instant,
    silence: Duration,
}

impl Pacing {
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// How large a packet should be at most.
    pub(crate) fn packet_len(&self) -> usize {
        self.0.as_ref().map_or(MTU, |reported| reported.channel.packet_len())
    }

    /// How many bytes a track has in a turn.
    pub(crate) fn turn(&self) -> usize {
        self.0.as_ref().map_or(MTU, |reported| reported.channel.turn())
    }

    /// How many packets of `each` bytes may leave in one callback. `singly`: not more than one.
    pub(crate) fn allowance(&self, singly: bool, each: usize, now: Instant) -> Option<usize> {
        let Some(reported) = &self.0 else { return Some(usize::MAX) };
        match reported.channel.room(now) {
            Ok(_) if singly => Some(1),
            Ok(room) => Some(room / each.max(1) + 1),
            Err(time) => (reported.look_again_at(time, now) <= now).then_some(1),
        }
    }

    /// The channel holds enough, and this is when to look again.
    pub(crate) fn look_again_at(&self, now: Instant) -> Option<Instant> {
        let reported = self.0.as_ref()?;
        let time = reported.channel.room(now).err()?;
        Some(reported.look_again_at(time, now))
    }

    /// So many bytes leave now.
    pub(crate) fn handed(&mut self, bytes: usize, now: Instant) {
        let Some(reported) = &mut self.0 else { return };
        if reported.channel.is_full() {
            reported.silence = (reported.silence * 2).min(LONGEST_SILENCE);
        }
        reported.channel.handed(bytes, now);
        reported.at = now;
    }

    /// The host says how many bytes wait in the channel.
    pub(crate) fn report(&mut self, waiting: usize, now: Instant) {
        let reported = self.0.get_or_insert_with(|| Reported::new(Channel::new(now), now));
        reported.channel.reported(waiting, now);
        if !reported.channel.is_full() {
            reported.silence = SHORTEST_SILENCE;
        }
        reported.at = now;
    }

    /// A full reconnect: the channel is a new one, and empty.
    pub(crate) fn renew(&mut self, now: Instant) {
        if let Some(reported) = &mut self.0 {
            *reported = Reported::new(reported.channel.renewed(now), now);
        }
    }
}

impl Reported {
    fn new(channel: Channel, now: Instant) -> Self {
        Self { channel, at: now, silence: SHORTEST_SILENCE }
    }

    /// When there is room by the clock, or else silence is broken.
    fn look_again_at(&self, micros: Option<u64>, now: Instant) -> Instant {
        match micros {
            Some(micros) => (now + Duration::from_micros(micros)).min(self.at + LONGEST_SILENCE),
            None => self.at + self.silence,
        }
    }
}

/// Longer than a channel that drains takes to say so.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);

/// Some 10 KB a second: what a channel that stands still can bear.
const LONGEST_SILENCE: Duration = Duration::from_millis(1600);
