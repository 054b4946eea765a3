//! How many bytes the channel takes now, by what the host reports of it.
//!
//! Off until the first report. From then on packets leave while no more than [`HIGH_WATER`] bytes are believed to wait in the
//! channel: what was reported last, and what was handed over since. The last packet may go beyond the mark, so that the
//! channel's amount does fall through it again and the host hears of that.
//!
//! A host that falls silent while frames wait must not stop them for good, nor may a channel that stands still be flooded:
//! a single packet leaves after 100 ms of silence, the next after twice that, and so on up to 1.6 s, until a report makes room.

use std::time::{Duration, Instant};

use crate::packet::MTU;

/// The belief about the channel; `None` before the first report.
#[derive(Debug, Default)]
pub(crate) struct Pacing(Option<Channel>);

#[derive(Debug)]
struct Channel {
    waiting: usize,
    probe_at: Instant,
    silence: Duration,
}

impl Pacing {
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// How many packets of a frame may leave in one callback. `singly`: not more than one.
    pub(crate) fn allowance(&self, singly: bool, now: Instant) -> Option<usize> {
        let Some(channel) = &self.0 else { return Some(usize::MAX) };
        match HIGH_WATER.checked_sub(channel.waiting) {
            Some(_) if singly => Some(1),
            Some(room) => Some(room / MTU + 1),
            None => (channel.probe_at <= now).then_some(1),
        }
    }

    /// The channel is full, and this is when silence is broken.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        let channel = self.0.as_ref()?;
        (channel.waiting > HIGH_WATER).then_some(channel.probe_at)
    }

    /// So many bytes leave now.
    pub(crate) fn handed(&mut self, bytes: usize, now: Instant) {
        let Some(channel) = &mut self.0 else { return };
        if channel.waiting > HIGH_WATER {
            channel.silence = (channel.silence * 2).min(LONGEST_SILENCE);
        }
        channel.waiting = channel.waiting.saturating_add(bytes);
        channel.probe_at = now + channel.silence;
    }

    /// The host says how many bytes wait in the channel.
    pub(crate) fn report(&mut self, waiting: usize, now: Instant) {
        let silence = match &self.0 {
            Some(channel) if waiting > HIGH_WATER => channel.silence,
            Some(_) | None => SHORTEST_SILENCE,
        };
        self.0 = Some(Channel { waiting, probe_at: now + silence, silence });
    }

    /// A full reconnect: the channel is a new one, and empty.
    pub(crate) fn renew(&mut self, now: Instant) {
        if self.is_on() {
            self.report(0, now);
        }
    }
}

/// Bytes in the channel up to which more are handed over. 64 KiB gave the most throughput without loss with the `webrtc`
/// crate; the 8 KiB of other SDKs make the client the bottleneck (31 against 6.5 MB/s).
pub(crate) const HIGH_WATER: usize = 64 * 1024;

/// Longer than a channel that drains takes to say so.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);

/// Some 10 KB a second: what a channel that stands still can bear.
const LONGEST_SILENCE: Duration = Duration::from_millis(1600);
