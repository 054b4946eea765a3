//! The tracks in a send queue: where each stands, and what waits in all of them together.

use std::time::{Duration, Instant};

use super::{
    bits::Bits,
    spread::Spread,
    waiting_room::{Limits, WaitingRoom},
};
use crate::{options::DataTrackOptions, sorted::SortedSet};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    slots: Vec<Option<Lane>>,
    free: Vec<usize>,
    serial: u64,
    ready: Bits,
    timed: SortedSet<(Instant, usize)>,
    /// Memory of all waiting rooms.
    cost: usize,
    watched: bool,
    progress: Vec<LaneId>,
}

/// A track's place in the queue, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LaneId {
    pub(super) index: usize,
    serial: u64,
}

/// One track.
#[derive(Debug)]
pub(super) struct Lane {
    serial: u64,
    pub(super) gate: Gate,
    pub(super) room: WaitingRoom,
    pub(super) spread: Spread,
    /// Somebody seals frames that a provider has to seal.
    pub(super) someone_seals: bool,
    place: Place,
}

/// Whether frames may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Published.
    Open,
    /// Being republished: frames wait.
    Held,
    /// No longer published.
    Ended,
}

/// Where a lane stands among those that have something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing may leave.
    Idle,
    /// Something may leave.
    Ready,
    /// Something may leave then.
    At(Instant),
}

impl Lanes {
    pub(super) fn open(&mut self, options: &DataTrackOptions) -> LaneId {
        self.serial += 1;
        let lane = Lane::new(self.serial, options);
        let index = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(index) {
            Some(slot) => *slot = Some(lane),
            None => self.slots.push(Some(lane)),
        }
        LaneId { index, serial: self.serial }
    }

    /// Forgets a lane that has ended. What is known by its id is of no effect from now on.
    pub(super) fn close(&mut self, id: LaneId) {
        let Some(lane) = self.get(id) else { return };
        self.cost = self.cost.saturating_sub(lane.room.cost());
        if let Some(slot) = self.slots.get_mut(id.index) {
            *slot = None;
            self.free.push(id.index);
        }
    }

    pub(super) fn get(&self, id: LaneId) -> Option<&Lane> {
        self.at(id.index).filter(|lane| lane.serial == id.serial)
    }

    pub(super) fn get_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.at_mut(id.index).filter(|lane| lane.serial == id.serial)
    }

    pub(super) fn at(&self, index: usize) -> Option<&Lane> {
        self.slots.get(index)?.as_ref()
    }

    pub(super) fn at_mut(&mut self, index: usize) -> Option<&mut Lane> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// Changes a waiting room. `change` is told what the others leave of the manager's memory.
    pub(super) fn on_room<T>(
        &mut self,
        id: LaneId,
        change: impl FnOnce(&mut WaitingRoom, usize) -> T,
    ) -> Option<T> {
        let lane =
            self.slots.get_mut(id.index)?.as_mut().filter(|lane| lane.serial == id.serial)?;
        let before = lane.room.cost();
        let others = self.cost.saturating_sub(before);
        let answer = change(&mut lane.room, MANAGER_MEMORY.saturating_sub(others));
        let after = lane.room.cost();
        self.cost = others + after;
        if after < before {
            self.progressed(id);
        }
        Some(answer)
    }

    /// Puts a lane where it belongs.
    pub(super) fn settle(&mut self, index: usize, paced: bool) {
        if let Some(place) = self.at(index).map(|lane| lane.belongs(paced)) {
            self.set_place(index, place);
        }
    }

    /// Takes a lane out of the turns.
    pub(super) fn take_out(&mut self, index: usize) {
        self.set_place(index, Place::Idle);
    }

    /// Those whose time has come are ready.
    pub(super) fn wake_timed(&mut self, now: Instant) {
        while let Some((_, index)) =
            self.timed.first().map(|(due, ())| *due).filter(|(at, _)| *at <= now)
        {
            self.set_place(index, Place::Ready);
        }
    }

    /// The first that is ready, counted from `turn` and round.
    pub(super) fn ready_from(&self, turn: usize) -> Option<usize> {
        self.ready.next(turn).or_else(|| self.ready.next(0))
    }

    pub(super) fn any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        self.timed.first().map(|((at, _), ())| *at)
    }

    /// Memory that is left, beside all that waits.
    pub(super) fn spare(&self) -> usize {
        MANAGER_MEMORY.saturating_sub(self.cost)
    }

    /// Whether progress is of interest to anybody. When it is not, what there was is forgotten.
    pub(super) fn watch(&mut self, watched: bool) {
        self.watched = watched;
        if !watched {
            self.progress = Vec::new();
        }
    }

    /// There is more room, or less waiting, than before.
    pub(super) fn progressed(&mut self, id: LaneId) {
        if self.watched {
            self.progress.push(id);
        }
    }

    pub(super) fn take_progress(&mut self) -> Vec<LaneId> {
        std::mem::take(&mut self.progress)
    }

    /// A frame that takes this memory passes through a room.
    pub(super) fn passed(&mut self, cost: usize) {
        self.cost += cost;
    }

    fn set_place(&mut self, index: usize, place: Place) {
        let Some(lane) = self.at_mut(index) else { return };
        match std::mem::replace(&mut lane.place, place) {
            before if before == place => return,
            Place::Idle => {}
            Place::Ready => {
                self.ready.remove(index);
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
                self.timed.insert((at, index), ());
            }
        }
    }

    #[cfg(test)]
    pub(super) fn cost(&self) -> usize {
        self.cost
    }
}

impl Lane {
    fn new(serial: u64, options: &DataTrackOptions) -> Self {
        Self {
            serial,
            gate: Gate::Open,
            room: WaitingRoom::new(limits(options)),
            spread: Spread::new(options),
            someone_seals: false,
            place: Place::Idle,
        }
    }

    pub(super) fn id(&self, index: usize) -> LaneId {
        LaneId { index, serial: self.serial }
    }

    fn belongs(&self, paced: bool) -> Place {
        match self.room.front() {
            Some(front) if self.gate == Gate::Open && !self.room.in_flight() => {
                let governed = paced && self.spread.governs(front.large);
                let at = self.spread.next_at().filter(|_| governed);
                at.map_or(Place::Ready, Place::At)
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

/// Memory of all that waits in a manager: fifteen full waiting rooms of the default size, and what is kept for tracks that hold little.
const MANAGER_MEMORY: usize = 64 << 20;
