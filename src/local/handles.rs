//! Which handle the next track gets: 1, 2, 3 … 65 535, and then again those that have rested.
//!
//! A used handle rests for 30 s, and for as long as an answer about it may be on its way: an answer names nothing but the
//! handle, and must not be taken for one about the next track that has it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{sorted::SortedMap, track::Handle};

/// Hands out handles.
#[derive(Debug)]
pub(crate) struct Handles {
    next: u16,
    /// Times that all handles were gone through.
    generation: u32,
    resting: SortedMap<Handle, Rest>,
    by_age: VecDeque<(Instant, Handle)>,
    /// May have some that were asked for since.
    not_asked: Vec<Handle>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    since: Instant,
    ending: Ending,
}

/// What the SFU knows of the end of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It could not be asked to end it.
    NotAsked,
    /// It was asked to end it, and has not answered.
    Asked,
    /// It ended it, or never began it.
    Known,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            next: 1,
            generation: 0,
            resting: SortedMap::default(),
            by_age: VecDeque::new(),
            not_asked: Vec::new(),
        }
    }
}

impl Handles {
    /// A handle that is not `in_use` and has rested, with its generation.
    pub(crate) fn take(
        &mut self,
        in_use: impl Fn(Handle) -> bool,
        now: Instant,
    ) -> Option<(Handle, u32)> {
        self.wake(now);
        for _ in 0..u16::MAX {
            let handle = Handle::new(self.next).unwrap_or(Handle::MIN);
            let generation = self.generation;
            self.next = self.next.checked_add(1).unwrap_or(1);
            self.generation = generation.wrapping_add(u32::from(self.next == 1));
            if !in_use(handle) && !self.resting.contains_key(&handle) {
                return Some((handle, generation));
            }
        }
        None
    }

    /// A handle's track ended.
    pub(crate) fn rest(&mut self, handle: Handle, ending: Ending, now: Instant) {
        self.wake(now);
        self.resting.insert(handle, Rest { since: now, ending });
        self.by_age.push_back((now, handle));
    }

    /// What is known of the end of the last track that had a handle; `None` when it never had one or rests no longer.
    pub(crate) fn ending(&self, handle: Handle) -> Option<Ending> {
        self.resting.get(&handle).map(|rest| rest.ending)
    }

    /// A handle whose end the SFU could not be asked for since this was last answered.
    pub(crate) fn take_not_asked(&mut self) -> Option<Handle> {
        while let Some(handle) = self.not_asked.pop() {
            if self.ending(handle) == Some(Ending::NotAsked) {
                return Some(handle);
            }
        }
        None
    }

    /// When the last track that had a handle ended, if that was not long ago.
    pub(crate) fn resting_since(&self, handle: Handle) -> Option<Instant> {
        self.resting.get(&handle).map(|rest| rest.since)
    }

    /// The SFU answered.
    pub(crate) fn ended(&mut self, handle: Handle) -> bool {
        let rest = self.resting.get_mut(&handle);
        rest.map(|rest| rest.ending = Ending::Known).is_some()
    }

    /// The SFU could not be asked to end the last track that had a handle.
    pub(crate) fn set_not_asked(&mut self, handle: Handle) {
        let Some(rest) = self.resting.get_mut(&handle) else { return };
        if std::mem::replace(&mut rest.ending, Ending::NotAsked) != Ending::NotAsked {
            self.not_asked.push(handle);
        }
    }

    /// A new session: the SFU has forgotten everything.
    pub(crate) fn forget_session(&mut self) {
        self.resting.values_mut().for_each(|rest| rest.ending = Ending::Known);
    }

    /// Some track of ours had this handle.
    pub(crate) fn was_taken(&self, handle: Handle) -> bool {
        self.generation > 0 || handle.get() < self.next
    }

    fn wake(&mut self, now: Instant) {
        let rested = |since: &Instant| now.saturating_duration_since(*since) >= QUARANTINE;
        while let Some((since, handle)) = self.by_age.pop_front_if(|(since, _)| rested(since)) {
            if self.resting.get(&handle).is_some_and(|rest| rest.since == since) {
                self.resting.remove(&handle);
            }
        }
    }
}

/// Thrice the longest wait for an answer (protocol §7), so that what a stalled WebSocket still holds finds nobody.
const QUARANTINE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn nobody(_: Handle) -> bool {
        false
    }

    fn handle(number: u16) -> Handle {
        Handle::new(number).unwrap()
    }

    #[test]
    fn what_is_in_use_or_rests_is_left_out_and_a_new_round_is_another_generation() {
        let (mut handles, now) = (Handles::default(), Instant::now());
        handles.next = u16::MAX;
        assert_eq!(handles.take(nobody, now), Some((Handle::MAX, 0)));
        handles.rest(handle(2), Ending::Known, now);
        let in_use = |known: Handle| known.get() == 1;
        assert_eq!(handles.take(in_use, now), Some((handle(3), 1)));
        handles.next = 2;
        let almost = now + QUARANTINE - Duration::from_nanos(1);
        assert_eq!(handles.take(nobody, almost), Some((handle(3), 1)), "2 rests");
        handles.next = 2;
        assert_eq!(handles.take(nobody, now + QUARANTINE), Some((handle(2), 1)));
    }

    #[test]
    fn what_rests_anew_rests_in_full() {
        let (mut handles, now) = (Handles::default(), Instant::now());
        handles.rest(handle(1), Ending::Asked, now);
        let again = now + Duration::from_secs(10);
        handles.rest(handle(1), Ending::Asked, again);
        assert_eq!(handles.take(nobody, now + QUARANTINE), Some((handle(2), 0)));
        handles.next = 1;
        assert_eq!(handles.take(nobody, again + QUARANTINE), Some((handle(1), 0)));
    }

    #[test]
    fn p10_what_has_rested_is_forgotten_though_no_handle_is_taken() {
        let (mut handles, now) = (Handles::default(), Instant::now());
        for second in 0..1_000 {
            handles.rest(handle(1), Ending::Known, now + Duration::from_secs(second));
        }
        assert!(handles.by_age.len() <= 30, "{}", handles.by_age.len());
    }
}
