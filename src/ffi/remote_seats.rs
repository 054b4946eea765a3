//! Wakers of those who wait for something of a track. Taken out under a lock, woken after it.

use std::task::Waker;

use super::wait::wake;

/// Who waits. A seat lasts as long as its future; its waker is taken when there is something to see.
#[derive(Default)]
pub(super) struct Seats {
    last_id: u64,
    seats: Vec<(u64, Option<Waker>)>,
}

impl Seats {
    /// Whether somebody waits.
    pub(super) fn are_taken(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Wants to be woken, in a seat that is taken the first time. Answers the waker from before, to be dropped without the lock.
    pub(super) fn wait(&mut self, seat: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        let id = *seat.get_or_insert_with(|| {
            self.last_id += 1;
            self.seats.push((self.last_id, None));
            self.last_id
        });
        let (_, place) = self.seats.iter_mut().find(|(known, _)| *known == id)?;
        place.replace(waker.clone())
    }

    /// Gives the seat up. Answers its waker, to be dropped without the lock.
    pub(super) fn leave(&mut self, seat: u64) -> Option<Waker> {
        let at = self.seats.iter().position(|(id, _)| *id == seat)?;
        self.seats.swap_remove(at).1
    }

    /// Takes all wakers out: whoever comes too late for what there is sits down again.
    pub(super) fn call(&mut self, wakes: &mut Wakes) {
        self.seats
            .iter_mut()
            .filter_map(|(_, waker)| waker.take())
            .for_each(|waker| wakes.add(waker));
    }
}

/// Wakers to be woken once no lock is held. None and one, the usual numbers, cost no allocation.
#[derive(Default)]
#[must_use]
pub(super) struct Wakes(Option<(Waker, Vec<Waker>)>);

impl Wakes {
    pub(super) fn add(&mut self, waker: Waker) {
        match &mut self.0 {
            None => self.0 = Some((waker, Vec::new())),
            Some((_, more)) => more.push(waker),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn append(&mut self, other: Self) {
        let Some((first, more)) = other.0 else { return };
        self.add(first);
        more.into_iter().for_each(|waker| self.add(waker));
    }

    /// Calls foreign code: never under a lock.
    pub(super) fn wake(self) {
        let Some((first, more)) = self.0 else { return };
        wake(first);
        more.into_iter().for_each(wake);
    }
}
