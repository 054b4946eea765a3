//! Frames of a waiting room that a provider of the host has yet to seal.

use std::time::Instant;

use super::WaitingRoom;
use crate::{
    frame::Payload,
    local::{numbers::Unnumbered, packetizer::Size},
};

/// A frame that an encryption provider has yet to seal.
#[derive(Debug)]
pub(crate) struct Unsealed {
    pub(crate) payload: Payload,
    pub(crate) user_timestamp: Option<u64>,
    pub(crate) since: Instant,
    pub(crate) size: Size,
}

impl Unsealed {
    /// What its packets will take.
    pub(crate) fn bytes(&self) -> usize {
        self.size.of_packets(self.payload.as_ref().len())
    }
}

/// What became of a frame that was left to be sealed.
#[derive(Debug)]
pub(crate) enum Left {
    /// It can leave.
    Sealed(Unnumbered),
    /// The provider failed.
    Failed,
    /// The track ended meanwhile.
    Ended,
}

impl WaitingRoom {
    /// Takes a frame that is yet to be sealed. Ask [`admit`](Self::admit) first.
    pub(crate) fn leave(&mut self, frame: Unsealed) {
        self.totals.frames_accepted += 1;
        self.queued += frame.bytes();
        self.unsealed.push_back(frame);
    }

    /// The next frame to be sealed, one at a time: until [`settle_left`](Self::settle_left).
    pub(crate) fn next_unsealed(&mut self) -> Option<Unsealed> {
        let frame = self.unsealed.pop_front()?;
        self.queued -= frame.bytes();
        self.sealing = Some(frame.bytes());
        Some(frame)
    }

    /// What became of that frame.
    pub(crate) fn settle_left(&mut self, sealed: Left, since: Instant) {
        self.sealing = None;
        match sealed {
            Left::Sealed(packets) => self.enter(packets, since),
            Left::Failed => self.totals.frames_dropped_not_sent += 1,
            Left::Ended => self.totals.frames_dropped_unpublished += 1,
        }
    }
}
