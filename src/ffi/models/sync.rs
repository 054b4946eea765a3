//! The primitives of `lock`, with the scheduler under test behind them, and a count of the locks that each thread holds.

use std::{
    cell::Cell,
    ops::{Deref, DerefMut},
    sync::LockResult,
    time::Duration,
};

use shuttle::sync;
pub(crate) use shuttle::thread;

/// A mutex that counts its holders.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

/// The lock is held as long as this lives.
pub(crate) struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.0.lock().unwrap_or_else(sync::PoisonError::into_inner);
        HELD.with(|held| held.set(held.get() + 1));
        Ok(MutexGuard(Some(guard)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("held")
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if self.0.take().is_some() {
            HELD.with(|held| held.set(held.get() - 1));
        }
    }
}

/// A condition variable. A time limit is never over: who waits must be notified.
#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn wait<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        guard.0 = guard.0.take().map(|inner| self.0.wait(inner).expect("no panic under a lock"));
        Ok(guard)
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        self.wait(guard).map(|guard| (guard, ())).map_err(|_| unreachable!())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// Foreign code says that it runs. It may be caught when it panics, so that a fault is remembered until the end of the model.
pub(super) fn foreign(what: &'static str) {
    if HELD.with(Cell::get) > 0 {
        UNDER_A_LOCK.set(Some(what));
    }
}

pub(super) fn assert_no_foreign_code_ran_under_a_lock() {
    let what = UNDER_A_LOCK.take();
    assert_eq!(what, None, "ran under a lock");
}

shuttle::thread_local! {
    /// Locks that this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

thread_local! {
    /// One thread of the system runs all threads of a model.
    static UNDER_A_LOCK: Cell<Option<&'static str>> = const { Cell::new(None) };
}
