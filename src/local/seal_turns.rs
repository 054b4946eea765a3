//! Frames that a provider of the host has to seal: one caller at a time seals them, in order.

use std::time::Instant;

use super::{
    lanes::LaneId,
    numbers::Unnumbered,
    send_queue::{NotTaken, SendQueue},
    spread::is_large,
    waiting_room::{Admission, Left, Unsealed},
};

/// Who seals a frame.
#[derive(Debug)]
pub(crate) enum SealTurn {
    /// The caller, and after it what others leave meanwhile.
    Mine(Unsealed),
    /// Another one, who is at it: the frame waits for that.
    Left,
}

impl SendQueue {
    /// Makes room for a frame, and lets the caller seal it unless another one is at it.
    pub(crate) fn begin_seal(
        &mut self,
        id: LaneId,
        frame: Unsealed,
        admission: Admission,
    ) -> Result<SealTurn, NotTaken> {
        self.admit(id, frame.bytes(), admission, frame.since)?;
        let lane = self.lanes.get_mut(id).ok_or(NotTaken::Ended)?;
        if !std::mem::replace(&mut lane.someone_seals, true) {
            return Ok(SealTurn::Mine(frame));
        }
        self.lanes.on_room(id, |room, _| room.leave(frame));
        Ok(SealTurn::Left)
    }

    /// The next frame that was left, or the end of the caller's turn.
    pub(crate) fn next_unsealed(&mut self, id: LaneId) -> Option<Unsealed> {
        let frame = self.lanes.on_room(id, |room, _| room.next_unsealed()).flatten();
        if let Some(lane) = self.lanes.get_mut(id).filter(|_| frame.is_none()) {
            lane.someone_seals = false;
        }
        frame
    }

    /// What became of a frame that was left: its packets, or `None` when it could not be sealed.
    pub(crate) fn settle_left(&mut self, id: LaneId, packets: Option<Unnumbered>, since: Instant) {
        if packets.as_ref().is_some_and(is_large) {
            self.large_pushed(id, since);
        }
        let left = match (packets, self.is_ended(id)) {
            (Some(packets), false) => Left::Sealed(packets),
            (None, false) => Left::Failed,
            (_, true) => Left::Ended,
        };
        self.lanes.on_room(id, |room, _| room.settle_left(left, since));
        self.settle(id);
    }
}
