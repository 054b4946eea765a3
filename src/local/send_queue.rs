//! What leaves next: the waiting rooms of all tracks of a manager, in round robin, packet by packet.
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

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    pacing::Pacing,
    packetizer::MAX_PACKETS,
    spread::{LARGE, Spread},
    waiting_room::{Admission, Left, Limits, Unsealed, WaitingRoom},
};
use crate::{
    frame::PacketBatch,
    options::{DataTrackOptions, SendMode},
    packet::MTU,
    stats::LocalTrackStats,
};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    lanes: Vec<Option<Lane>>,
    free: Vec<usize>,
    serial: u64,
    ready: BTreeSet<usize>,
    timed: BTreeSet<(Instant, usize)>,
    /// Whose turn it is, or that of the next one that is ready.
    turn: usize,
    pacing: Pacing,
    /// Memory of all waiting rooms.
    cost: usize,
    /// Somebody waits for room, or for frames to be gone.
    watched: bool,
    /// Where there is more room, or less waiting, than before.
    progress: Vec<LaneId>,
}

/// A track's place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneId {
    index: usize,
    serial: u64,
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

/// What to do with a frame that a provider has to seal.
#[derive(Debug)]
pub(crate) enum SealTurn {
    /// The caller seals it, and after it what others leave meanwhile.
    Mine(Unsealed),
    /// Another one seals: the frame waits for that.
    Left,
}

#[derive(Debug)]
struct Lane {
    serial: u64,
    gate: Gate,
    room: WaitingRoom,
    spread: Option<Spread>,
    someone_seals: bool,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Published.
    Open,
    /// Being republished: frames wait.
    Held,
    /// No longer published.
    Ended,
}

/// Where a lane stands among those that have something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Idle,
    Ready,
    At(Instant),
}

impl SendQueue {
    /// A place for a track that is published now.
    pub(crate) fn open(&mut self, options: &DataTrackOptions) -> LaneId {
        self.serial += 1;
        let lane = Lane {
            serial: self.serial,
            gate: Gate::Open,
            room: WaitingRoom::new(limits(options)),
            spread: (options.send_mode == SendMode::Spread).then(Spread::default),
            someone_seals: false,
            place: Place::Idle,
        };
        let index = self.free.pop().unwrap_or(self.lanes.len());
        match self.lanes.get_mut(index) {
            Some(slot) => *slot = Some(lane),
            None => self.lanes.push(Some(lane)),
        }
        LaneId { index, serial: self.serial }
    }

    /// Nobody has the track any more: forgets it. What a callback still has is not missed.
    pub(crate) fn close(&mut self, id: LaneId) {
        self.end(id);
        if let Some(lane) = self.lane_mut(id) {
            let cost = lane.room.cost();
            self.cost = self.cost.saturating_sub(cost);
            if let Some(slot) = self.lanes.get_mut(id.index) {
                *slot = None;
                self.free.push(id.index);
            }
        }
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
        self.on_room(id, |room, _| room.end());
        self.set_gate(id, Gate::Ended);
        self.progress.extend(self.watched.then_some(id));
    }

    /// Takes a frame; hands out what may leave at once.
    pub(crate) fn push(
        &mut self,
        id: LaneId,
        packets: PacketBatch,
        admission: Admission,
        now: Instant,
    ) -> Result<Option<Handover>, NotTaken> {
        if self.pass_through(id, &packets) {
            return Ok(Some(Handover { lane: id, packets }));
        }
        self.not_ended(id)?;
        let large = packets.len() > LARGE;
        let taken = self.on_room(id, |room, spare| {
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
        Ok(self.hand_over(id.index, now))
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
        let admitted = self.on_room(id, |room, spare| room.admit(bytes, spare, admission, now));
        if admitted == Some(true) { Ok(()) } else { Err(NotTaken::Full) }
    }

    /// Counts a push that was refused.
    pub(crate) fn refuse(&mut self, id: LaneId) {
        self.on_room(id, |room, _| room.refuse());
    }

    /// What became of a handover. Then ask for another: [`continue_with`](Self::continue_with) or [`next`](Self::next).
    pub(crate) fn finish(&mut self, id: LaneId, sent: bool) {
        let waiting = self.on_room(id, |room, _| {
            room.finish(sent);
            room.waiting()
        });
        if waiting != Some(0) {
            self.settle(id.index);
        }
    }

    /// More of the same track, if it may leave now.
    pub(crate) fn continue_with(&mut self, id: LaneId, now: Instant) -> Option<Handover> {
        self.lane_mut(id)?;
        self.hand_over(id.index, now)
    }

    /// The next track's turn.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Handover> {
        self.wake_timed(now);
        while let Some(index) = self.whose_turn().filter(|_| self.may_leave(now)) {
            self.turn = index + 1;
            let handover = self.hand_over(index, now);
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
        let timed = self.timed.first().map(|(at, _)| *at);
        let ready = (!self.ready.is_empty()).then(|| now + HELP_AFTER);
        self.pacing.probe_at().or_else(|| timed.into_iter().chain(ready).min())
    }

    /// The host says how many bytes wait in the channel. Ask for the [`next`](Self::next) one.
    pub(crate) fn report(&mut self, waiting: usize, now: Instant) {
        let first = !self.pacing.is_on();
        self.pacing.report(waiting, now);
        if first {
            (0..self.lanes.len()).for_each(|index| self.settle(index));
        }
    }

    /// A full reconnect brings an empty channel.
    pub(crate) fn renew_channel(&mut self, now: Instant) {
        self.pacing.renew(now);
    }

    /// Nothing waits for a turn, for time or for the channel.
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.timed.is_empty()
    }

    /// The budget of the manager, not that of a track, is what a frame of the largest size would not fit into.
    pub(crate) fn is_crowded(&self) -> bool {
        self.cost + MAX_PACKETS * MTU > MANAGER_MEMORY
    }

    /// Whether [`progress`](Self::progress) is of interest to anybody.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Lanes that have progressed since this was last asked, while watched.
    pub(crate) fn progress(&mut self) -> Vec<LaneId> {
        std::mem::take(&mut self.progress)
    }

    pub(crate) fn is_ended(&self, id: LaneId) -> bool {
        self.not_ended(id).is_err()
    }

    /// Frames of the track that wait.
    pub(crate) fn waiting(&self, id: LaneId) -> usize {
        self.lane(id).map_or(0, |lane| lane.room.waiting())
    }

    pub(crate) fn stats(&self, id: LaneId) -> LocalTrackStats {
        self.lane(id).map(|lane| lane.room.stats()).unwrap_or_default()
    }

    /// The common case, in short: nothing waits, and there is no pacing.
    fn pass_through(&mut self, id: LaneId, packets: &PacketBatch) -> bool {
        let paced = self.pacing.is_on();
        let lane = self.lanes.get_mut(id.index).and_then(Option::as_mut);
        let Some(lane) = lane.filter(|lane| lane.serial == id.serial) else { return false };
        let cost = WaitingRoom::cost_of(packets);
        let free = lane.gate == Gate::Open && !paced && lane.room.waiting() == 0;
        if !free || self.cost + cost > MANAGER_MEMORY {
            return false;
        }
        lane.room.pass(packets);
        self.cost += cost;
        true
    }

    fn hand_over(&mut self, index: usize, now: Instant) -> Option<Handover> {
        let lane = self.lanes.get(index)?.as_ref()?;
        if lane.room.has_expired(now) {
            self.on_room_at(index, |room, _| room.expire(now));
        }
        self.set_place(index, Place::Idle);
        let handover = self.begin(index, now);
        self.settle(index);
        handover
    }

    fn begin(&mut self, index: usize, now: Instant) -> Option<Handover> {
        let alone = self.ready.is_empty();
        let paced = self.pacing.is_on();
        let lane = self.lanes.get_mut(index)?.as_mut()?;
        if lane.gate != Gate::Open || lane.room.in_flight() {
            return None;
        }
        let front = lane.room.front()?;
        let spread = lane.spread.as_mut().filter(|_| paced && front.large);
        if spread.as_ref().and_then(|spread| spread.next_at()).is_some_and(|at| at > now) {
            return None;
        }
        let most = self.pacing.allowance(spread.is_some() || !alone, now)?;
        let departure = lane.room.begin(most)?;
        match spread {
            Some(spread) if departure.first => spread.first_left(front.packets, now),
            Some(spread) => spread.another_left(now),
            None => {}
        }
        self.pacing.handed(departure.packets.byte_len(), now);
        let lane = LaneId { index, serial: lane.serial };
        Some(Handover { lane, packets: departure.packets })
    }

    fn may_leave(&self, now: Instant) -> bool {
        self.pacing.allowance(true, now).is_some()
    }

    fn whose_turn(&self) -> Option<usize> {
        self.ready.range(self.turn..).next().or_else(|| self.ready.first()).copied()
    }

    fn wake_timed(&mut self, now: Instant) {
        while let Some((_, index)) = self.timed.first().copied().filter(|(at, _)| *at <= now) {
            self.set_place(index, Place::Ready);
        }
    }

    fn large_pushed(&mut self, id: LaneId, now: Instant) {
        if let Some(spread) = self.lane_mut(id).and_then(|lane| lane.spread.as_mut()) {
            spread.pushed(now);
        }
    }

    fn set_gate(&mut self, id: LaneId, gate: Gate) {
        if let Some(lane) = self.lane_mut(id).filter(|lane| lane.gate != Gate::Ended) {
            lane.gate = gate;
            self.settle(id.index);
        }
    }

    /// Puts a lane where it belongs.
    fn settle(&mut self, index: usize) {
        let paced = self.pacing.is_on();
        if let Some(lane) = self.lanes.get(index).and_then(Option::as_ref) {
            self.set_place(index, lane.belongs(paced));
        }
    }

    fn set_place(&mut self, index: usize, place: Place) {
        let Some(lane) = self.lanes.get_mut(index).and_then(Option::as_mut) else { return };
        match std::mem::replace(&mut lane.place, place) {
            before if before == place => return,
            Place::Idle => {}
            Place::Ready => {
                self.ready.remove(&index);
            }
            Place::At(at) => {
                self.timed.remove(&(at, index));
            }
        }
        match place {
            Place::Idle => {}
            Place::Ready => {
                self.ready.insert(index);
            }
            Place::At(at) => {
                self.timed.insert((at, index));
            }
        }
    }

    fn not_ended(&self, id: LaneId) -> Result<(), NotTaken> {
        match self.lane(id).map(|lane| lane.gate) {
            Some(Gate::Open | Gate::Held) => Ok(()),
            Some(Gate::Ended) | None => Err(NotTaken::Ended),
        }
    }

    fn lane(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id.index)?.as_ref().filter(|lane| lane.serial == id.serial)
    }

    fn lane_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id.index)?.as_mut().filter(|lane| lane.serial == id.serial)
    }

    fn on_room<T>(
        &mut self,
        id: LaneId,
        act: impl FnOnce(&mut WaitingRoom, usize) -> T,
    ) -> Option<T> {
        self.lane(id)?;
        self.on_room_at(id.index, act)
    }

    /// Keeps the sum of the rooms right. `act` is told what the others leave of it.
    fn on_room_at<T>(
        &mut self,
        index: usize,
        act: impl FnOnce(&mut WaitingRoom, usize) -> T,
    ) -> Option<T> {
        let lane = self.lanes.get_mut(index)?.as_mut()?;
        let before = lane.room.cost();
        let others = self.cost.saturating_sub(before);
        let answer = act(&mut lane.room, MANAGER_MEMORY.saturating_sub(others));
        let after = lane.room.cost();
        self.cost = others + after;
        if self.watched && after < before {
            self.progress.push(LaneId { index, serial: lane.serial });
        }
        Some(answer)
    }
}

/// Frames that a provider has to seal: one caller at a time, in order.
impl SendQueue {
    /// Makes room for a frame, and lets the caller seal it unless another one is at it.
    pub(crate) fn begin_seal(
        &mut self,
        id: LaneId,
        frame: Unsealed,
        admission: Admission,
    ) -> Result<SealTurn, NotTaken> {
        self.admit(id, frame.bytes, admission, frame.since)?;
        let lane = self.lane_mut(id).ok_or(NotTaken::Ended)?;
        if !std::mem::replace(&mut lane.someone_seals, true) {
            return Ok(SealTurn::Mine(frame));
        }
        self.on_room(id, |room, _| room.leave(frame));
        Ok(SealTurn::Left)
    }

    /// The next frame that was left, or the end of the caller's turn.
    pub(crate) fn next_unsealed(&mut self, id: LaneId) -> Option<Unsealed> {
        let frame = self.on_room(id, |room, _| room.next_unsealed()).flatten();
        if let Some(lane) = self.lane_mut(id).filter(|_| frame.is_none()) {
            lane.someone_seals = false;
        }
        frame
    }

    /// What became of a frame that was left: its packets, or `None` when it could not be sealed.
    pub(crate) fn settle_left(&mut self, id: LaneId, packets: Option<PacketBatch>, since: Instant) {
        if packets.as_ref().is_some_and(|packets| packets.len() > LARGE) {
            self.large_pushed(id, since);
        }
        let left = match (packets, self.not_ended(id)) {
            (Some(packets), Ok(())) => Left::Sealed(packets),
            (None, Ok(())) => Left::Failed,
            (_, Err(_)) => Left::Ended,
        };
        self.on_room(id, |room, _| room.settle_left(left, since));
        self.settle(id.index);
    }
}

impl Lane {
    fn belongs(&self, paced: bool) -> Place {
        match self.room.front() {
            Some(front) if self.gate == Gate::Open && !self.room.in_flight() => {
                let spread = self.spread.as_ref().filter(|_| paced && front.large);
                spread.and_then(Spread::next_at).map_or(Place::Ready, Place::At)
            }
            Some(_) | None => Place::Idle,
        }
    }
}

fn limits(options: &DataTrackOptions) -> Limits {
    Limits {
        policy: options.drop_policy,
        max_bytes: usize::try_from(options.max_waiting_bytes).unwrap_or(usize::MAX),
        max_age: (options.max_age_ms > 0).then(|| Duration::from_millis(options.max_age_ms)),
    }
}

/// Memory of all that waits in a manager: sixteen full waiting rooms of the default size.
const MANAGER_MEMORY: usize = 64 << 20;

/// Time after which the deadline thread looks after ready tracks: who was to do it may be stuck in a callback.
const HELP_AFTER: Duration = Duration::from_millis(5);

#[cfg(test)]
#[path = "send_queue_tests.rs"]
mod tests;
