//! The one way to take a lock, and the one way to act on what was decided under it. What is imported here is what this layer waits
//! with: in a model of it (`models`) the scheduler under test stands behind the same names.

use std::sync::PoisonError;
#[cfg(not(models))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};

#[cfg(models)]
pub(crate) use super::models::sync::{Condvar, Mutex, MutexGuard, thread};

/// Takes a lock. A panic of another holder does not spread: what it guards is changed by the pure cores, step by step.
pub(crate) trait Hold<T> {
    /// Waits for the lock.
    fn hold(&self) -> MutexGuard<'_, T>;
}

impl<T> Hold<T> for Mutex<T> {
    fn hold(&self) -> MutexGuard<'_, T> {
        self.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Locked state whose outputs leave in the order in which they were decided.
pub(crate) trait Drained {
    /// Something to be done without the lock.
    type Output;
    /// True while a thread drains. Owned by [`drain`].
    fn draining(&mut self) -> &mut bool;
    /// The next output, oldest first.
    fn poll_output(&mut self) -> Option<Self::Output>;
}

/// Acts on all outputs, one thread at a time. A thread that finds another draining returns at once: that one also takes
/// what is queued meanwhile, since it gives up the drain only under the lock that found nothing left.
pub(crate) fn drain<S: Drained>(state: &Mutex<S>, mut act: impl FnMut(S::Output)) {
    let mut next = {
        let mut held = state.hold();
        if *held.draining() {
            return;
        }
        let Some(first) = held.poll_output() else { return };
        *held.draining() = true;
        first
    };
    let release = Release(state);
    loop {
        act(next);
        let mut held = state.hold();
        match held.poll_output() {
            Some(output) => next = output,
            None => {
                *held.draining() = false;
                std::mem::forget(release);
                return;
            }
        }
    }
}

/// Gives the drain up when `act` unwinds.
struct Release<'a, S: Drained>(&'a Mutex<S>);

impl<S: Drained> Drop for Release<'_, S> {
    fn drop(&mut self) {
        *self.0.hold().draining() = false;
    }
}
