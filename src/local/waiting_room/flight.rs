//! What leaves a waiting room: packets of the frame at its front, until the callback that has them is done.

use super::{Waiting, WaitingRoom};
use crate::{frame::PacketBatch, local::numbers::Unnumbered};

/// Packets that a callback has.
#[derive(Debug)]
pub(super) struct Flight {
    packets: usize,
    pub(super) bytes: usize,
    pub(super) rest: Rest,
}

/// The packets of the same frame that are not in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// There are none: these are its last.
    Gone,
    /// They wait at the front.
    Waits,
    /// They were dropped when the track ended.
    Dropped,
}

/// The frame that leaves first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    pub(crate) large: bool,
    /// That are left of it.
    pub(crate) bytes: usize,
    /// Of a packet.
    pub(crate) each: usize,
}

/// Packets that leave now.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) packets: PacketBatch,
    /// They begin their frame.
    pub(crate) first: bool,
}

impl WaitingRoom {
    pub(crate) fn in_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// What leaves first.
    pub(crate) fn front(&self) -> Option<Front> {
        let front = self.frames.front()?;
        let (bytes, each) = (front.packets.byte_len(), front.packets.stride());
        Some(Front { large: front.large, bytes, each })
    }

    /// Takes a frame and hands it out whole: as [`accept`](Self::accept) and [`begin`](Self::begin) where nothing waits.
    pub(crate) fn pass(&mut self, packets: Unnumbered) -> PacketBatch {
        self.totals.frames_accepted += 1;
        let (count, bytes) = (packets.len(), packets.byte_len());
        self.flight = Some(Flight { packets: count, bytes, rest: Rest::Gone });
        self.numbers.give(packets, true)
    }

    /// Hands out up to `most` packets of the frame at the front. Ask only when nothing is in flight.
    pub(crate) fn begin(&mut self, most: usize) -> Option<Departure> {
        let mut frame = self.frames.pop_front()?;
        let first = !frame.begun;
        let (count, bytes) = (frame.packets.len(), frame.packets.byte_len());
        let whole = count <= most;
        let packets = frame.packets.split_to(most);
        let flight = Flight {
            packets: count.min(most),
            bytes: packets.byte_len(),
            rest: if whole { Rest::Gone } else { Rest::Waits },
        };
        if first {
            self.queued -= bytes;
        }
        self.begun = bytes - flight.bytes;
        self.flight = Some(flight);
        if !whole {
            self.frames.push_front(Waiting { begun: true, ..frame });
        }
        Some(Departure { packets: self.numbers.give(packets, first), first })
    }

    /// The callback that had the packets returned, or threw.
    pub(crate) fn finish(&mut self, sent: bool) {
        let Some(flight) = self.flight.take() else { return };
        if sent {
            self.totals.packets_sent += flight.packets as u64;
            self.totals.bytes_sent += flight.bytes as u64;
        }
        match (flight.rest, sent) {
            (Rest::Gone, true) => self.totals.frames_sent += 1,
            (Rest::Waits, true) => {}
            (Rest::Dropped, true) => self.totals.frames_dropped_unpublished += 1,
            (Rest::Waits, false) => {
                self.frames.pop_front();
                self.begun = 0;
                self.totals.frames_dropped_not_sent += 1;
            }
            (Rest::Gone | Rest::Dropped, false) => self.totals.frames_dropped_not_sent += 1,
        }
    }
}
