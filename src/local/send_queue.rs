//! What leaves next: the waiting rooms of all tracks of a manager, in round robin: a turn is one packet, or as many small ones as have
//! its bytes, so that a track of large packets cannot take more of a slow channel than one of small ones.
//!
//! Pulled, never pushing: who has time asks for a [`Handover`], calls out with it (under no lock), and comes back with
//! [`finish`](SendQueue::finish). A track has one handover at a time, so its packets stay in order and a callback that blocks
//! holds up its own track only.
//!
//! ```text
//!                       push, resume                    begin
//!   Idle (nothing may leave) ──► Ready ◄──────── At(t) ───────► (in flight)
//!      ▲                           └──── begin ────────────────►    │
//!      └────────────────── finish: by what waits then ──────────────┘
//! ```
//! Unpaced, a handover carries a whole frame; paced, one packet while others wait or the frame is spread, else as many as the
//! channel takes.

use std::time::{Duration, Instant};

use super::{
    lanes::{Gate, Lanes},
    numbers::Unnumbered,
    pacing::Pacing,
    packetizer::MAX_PACKETS,
    spread::is_large,
    turn::Turn,
    waiting_room::{Admission, FRAME_COST, WaitingRoom, fits_in},
};
use crate::{
    frame::PacketBatch, options::DataTrackOptions, packet::MTU, share::KEPT_FOR_LITTLE,
    stats::LocalTrackStats,
};

pub(crate) use super::{lanes::LaneId, seal_turns::SealTurn};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    pub(super) lanes: Lanes,
    turn: Turn,
    /// Somebody has left the turn to a track that waits for its own.
    declined: bool,
    pacing: Pacing,
}

/// Packets of one track, to be called out with.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) lane: LaneId,
    pub(crate) packets: PacketBatch,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The track is no longer published.
    Ended,
    /// No room.
    Full,
}

impl SendQueue {
    /// A place for a track that is published now.
    pub(crate) fn open(&mut self, options: &DataTrackOptions) -> LaneId {
        self.lanes.open(options)
    }

    /// Nobody has the track any more: forgets it. What a callback still has is not missed.
    pub(crate) fn close(&mut self, id: LaneId) {
        self.end(id);
        self.lanes.close(id);
    }

    /// Lets frames wait while the track is republished.
    pub(crate) fn hold(&mut self, id: LaneId) {
        self.set_gate(id, Gate::Held);
    }

    /// Lets frames leave again. Ask for the [`next`](Self::next) one.
    pub(crate) fn resume(&mut self, id: LaneId) {
        self.set_gate(id, Gate::Open);
    }

    /// The track ended: drops what waits.
    pub(crate) fn end(&mut self, id: LaneId) {
        self.lanes.on_room(id, |room, _| room.end());
        self.set_gate(id, Gate::Ended);
        self.lanes.progressed(id);
    }

    /// The common case of [`push`](Self::push), in short: nothing waits, and there is no pacing. Else gives the frame back.
    pub(crate) fn pass(
        &mut self,
        id: LaneId,
        packets: Unnumbered,
    ) -> Result<PacketBatch, Unnumbered> {
        let cost = WaitingRoom::cost_of(&packets);
        let takes = !self.pacing.is_on() && fits_in(self.lanes.spare(), cost);
        let Some(lane) = self.lanes.get_mut(id).filter(|_| takes) else { return Err(packets) };
        if lane.gate != Gate::Open || !lane.room.is_empty() {
            return Err(packets);
        }
        let packets = lane.room.pass(packets);
        self.lanes.passed(cost);
        Ok(packets)
    }

    /// Takes a frame; hands out what may leave at once.
    pub(crate) fn push(
        &mut self,
        id: LaneId,
        packets: Unnumbered,
        admission: Admission,
        now: Instant,
    ) -> Result<Option<Handover>, NotTaken> {
        let packets = match self.pass(id, packets) {
            Ok(packets) => return Ok(Some(Handover { lane: id, packets })),
            Err(packets) => packets,
        };
        self.not_ended(id)?;
        let large = is_large(&packets);
        let taken = self.lanes.on_room(id, |room, spare| {
            let admitted = room.admit(packets.byte_len(), spare, admission, now);
            if admitted {
                room.accept(packets, now);
            }
            admitted
        });
        if taken != Some(true) {
            return Err(NotTaken::Full);
        }
        if large {
            self.large_pushed(id, now);
        }
        Ok(self.hand_over_in_turn(id, now))
    }

    /// Makes room for a frame, or tells why there is none.
    pub(crate) fn admit(
        &mut self,
        id: LaneId,
        bytes: usize,
        admission: Admission,
        now: Instant,
    ) -> Result<(), NotTaken> {
        self.not_ended(id)?;
        let admitted =
            self.lanes.on_room(id, |room, spare| room.admit(bytes, spare, admission, now));
        if admitted == Some(true) { Ok(()) } else { Err(NotTaken::Full) }
    }

    /// Counts a push that was refused.
    pub(crate) fn refuse(&mut self, id: LaneId) {
        self.lanes.on_room(id, |room, _| room.refuse());
    }

    /// What became of a handover: true when nothing of the track waits any more. Else ask for another:
    /// [`continue_with`](Self::continue_with) or [`next`](Self::next).
    pub(crate) fn finish(&mut self, id: LaneId, sent: bool) -> bool {
        let waiting = self.lanes.on_room(id, |room, _| {
            room.finish(sent);
            !room.is_empty()
        });
        let waits = waiting == Some(true);
        if waits {
            self.settle(id);
        }
        !waits
    }

    /// More of the same track, if it may leave now.
    pub(crate) fn continue_with(&mut self, id: LaneId, now: Instant) -> Option<Handover> {
        self.lanes.get_mut(id)?;
        self.hand_over_in_turn(id, now)
    }

    /// The next track's turn.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Handover> {
        self.lanes.wake_timed(now);
        self.declined = false;
        if self.goes_on(now) {
            return None;
        }
        while let Some(lane) = self.whose_turn().filter(|_| self.may_leave(now)) {
            // Frames that were too old are gone now; who has none left is ready no more.
            let handover = self.hand_over(lane, now);
            if handover.is_some() {
                return handover;
            }
        }
        None
    }

    /// When to ask for the [`next`](Self::next) one, if nothing else happens. Somebody may be at it when tracks are ready;
    /// but a callback may also have stopped them.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if self.is_idle() {
            return None;
        }
        let (room, next) = (self.pacing.look_again_at(now), self.lanes.next_time());
        if !self.lanes.any_ready() {
            return room.max(next);
        }
        let help = if self.declined { now } else { now + HELP_AFTER };
        room.or(Some(next.map_or(help, |at| at.min(help))))
    }

    /// The host says how many bytes wait in the channel. Ask for the [`next`](Self::next) one.
    pub(crate) fn report(&mut self, waiting: usize, now: Instant) {
        self.pacing.report(waiting, now);
    }

    /// A full reconnect brings an empty channel.
    pub(crate) fn renew_channel(&mut self, now: Instant) {
        self.pacing.renew(now);
    }

    /// How large packets should be at most: what a slow channel carries in a moment.
    pub(crate) fn packet_len(&self) -> usize {
        self.pacing.packet_len()
    }

    /// Nothing waits for a turn, for time or for the channel.
    pub(crate) fn is_idle(&self) -> bool {
        !self.lanes.any_ready() && self.lanes.next_time().is_none()
    }

    /// A push that found no room may find it when others have made progress: the budget of the manager, not that of the track, is
    /// what a frame of the largest size would not fit into, or nothing of the track itself waits.
    pub(crate) fn is_crowded(&self, id: LaneId) -> bool {
        self.waiting(id) == 0
            || self.lanes.spare() < MAX_PACKETS * MTU + FRAME_COST + KEPT_FOR_LITTLE
    }

    /// Whether [`progress`](Self::progress) is of interest to anybody.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.lanes.watch(watched);
    }

    /// Lanes that have progressed since this was last asked, while watched.
    pub(crate) fn progress(&mut self) -> Vec<LaneId> {
        self.lanes.take_progress()
    }

    pub(crate) fn is_ended(&self, id: LaneId) -> bool {
        self.not_ended(id).is_err()
    }

    /// Frames of the track that wait.
    pub(crate) fn waiting(&self, id: LaneId) -> usize {
        self.lanes.get(id).map_or(0, |lane| lane.room.waiting())
    }

    pub(crate) fn stats(&self, id: LaneId) -> LocalTrackStats {
        self.lanes.get(id).map(|lane| lane.room.stats()).unwrap_or_default()
    }

    /// Where others wait, a track that is pushed to does not take their turns: it may be pushed to all the time.
    fn hand_over_in_turn(&mut self, id: LaneId, now: Instant) -> Option<Handover> {
        if self.pacing.is_on() {
            self.lanes.wake_timed(now);
            self.settle(id);
            if self.whose_turn().is_some_and(|first| first != id) {
                self.declined = true;
                return None;
            }
        }
        self.hand_over(id, now)
    }

    fn hand_over(&mut self, id: LaneId, now: Instant) -> Option<Handover> {
        if self.lanes.get(id)?.room.has_expired(now) {
            self.lanes.on_room(id, |room, _| room.expire(now));
        }
        self.lanes.take_out(id.index);
        let packets = self.begin(id, now);
        self.settle(id);
        let packets = packets?;
        self.turn.spend(id.index, packets.byte_len(), self.pacing.turn(), now);
        Some(Handover { lane: id, packets })
    }

    fn begin(&mut self, id: LaneId, now: Instant) -> Option<PacketBatch> {
        let alone = !self.lanes.any_ready();
        let paced = self.pacing.is_on();
        let lane = self.lanes.get_mut(id)?;
        if lane.gate != Gate::Open || lane.room.in_flight() {
            return None;
        }
        let front = lane.room.front()?;
        let governed = paced && lane.spread.governs(front.large);
        let spread = governed.then_some(&mut lane.spread);
        if spread.as_ref().and_then(|spread| spread.next_at()).is_some_and(|at| at > now) {
            return None;
        }
        let most = self.pacing.allowance(spread.is_some() || !alone, front.each, now)?;
        let departure = lane.room.begin(most)?;
        match spread {
            Some(spread) if departure.first => spread.first_left(front.bytes, front.each, now),
            Some(spread) => spread.another_left(now),
            None => {}
        }
        self.pacing.handed(departure.packets.byte_len(), now);
        Some(departure.packets)
    }

    /// Whose turn it is has a callback at this moment, and more to send: who has called it goes on with that. A host that reports
    /// from inside the callback would give each small packet's place to a large one.
    fn goes_on(&self, now: Instant) -> bool {
        let room = self.lanes.at(self.turn.index()).map(|lane| &lane.room);
        self.turn.goes_on(now)
            && room.is_some_and(|room| room.in_flight() && room.front().is_some())
    }

    fn may_leave(&self, now: Instant) -> bool {
        self.pacing.allowance(true, MTU, now).is_some()
    }

    fn whose_turn(&self) -> Option<LaneId> {
        let index = self.lanes.ready_from(self.turn.index())?;
        self.lanes.at(index).map(|lane| lane.id(index))
    }

    pub(super) fn large_pushed(&mut self, id: LaneId, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.spread.pushed(now);
        }
    }

    fn set_gate(&mut self, id: LaneId, gate: Gate) {
        if let Some(lane) = self.lanes.get_mut(id).filter(|lane| lane.gate != Gate::Ended) {
            lane.gate = gate;
            self.settle(id);
        }
    }

    /// Puts a lane where it belongs.
    pub(super) fn settle(&mut self, id: LaneId) {
        self.lanes.settle(id.index, self.pacing.is_on());
    }

    fn not_ended(&self, id: LaneId) -> Result<(), NotTaken> {
        match self.lanes.get(id).map(|lane| lane.gate) {
            Some(Gate::Open | Gate::Held) => Ok(()),
            Some(Gate::Ended) | None => Err(NotTaken::Ended),
        }
    }
}

/// Time after which the deadline thread looks after ready tracks: who was to do it may be stuck in a callback.
const HELP_AFTER: Duration = Duration::from_millis(5);

#[cfg(test)]
#[path = "send_queue_tests.rs"]
mod tests;
