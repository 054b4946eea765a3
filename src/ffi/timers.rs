//! Deadlines, and the threads that wait for them.
//!
//! ```text
//!  Alarm::set(at) ──► Timers ──(the watch, or advance)──► expire(now) of all due ──► drain() of all due
//!
//!  the watch:  waiting ── due ──► expiring, calling out ──► waiting
//!                                           └─ not back in time: who stands by has the watch, and the late thread ends when it is back
//! ```
//! The watch begins with the first alarm, ends with the last, and sleeps when nothing is due. It lets all due clients expire (which wakes
//! their waiters) before it lets any of them call out, and looks for due ones again after each call: many hosts that take a
//! little long add up for nobody's waits. Who stands by is there only while there are calls, and for a second after.
//! Threads are never joined. A condition variable is all they need: an async runtime would cost size and precision.

mod table;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, Weak},
    time::{Duration, Instant},
};

use super::{
    environment::clock_of_the_machine,
    forks,
    lock::{Condvar, Hold, Mutex, thread},
};
use table::{PATIENCE, Table};

/// Something with deadlines: a manager.
pub(crate) trait DeadlineClient: Send + Sync {
    /// Takes the effect of what is due: changes state, wakes waiters, calls no delegate. Sets its alarm again if need be.
    fn expire(&self, now: Instant);

    /// Whether [`drain`](Self::drain) has something to call out.
    fn has_calls(&self) -> bool {
        true
    }

    /// Calls out what was decided.
    fn drain(&self);
}

/// A client's place among the deadlines; given up when dropped.
pub(crate) struct Alarm {
    id: u64,
    timers: Arc<Timers>,
}

impl Alarm {
    /// Asks for `expire` and `drain` at `at`, or earlier if so asked before.
    pub(crate) fn set(&self, at: Instant) {
        if self.timers.table.hold().set(self.id, at) {
            self.timers.changed.notify_one();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let mut table = self.timers.table.hold();
        table.remove(self.id);
        if table.is_empty() {
            self.timers.changed.notify_one();
        }
    }
}

/// All deadlines of an environment.
#[derive(Default)]
pub(super) struct Timers {
    table: Mutex<Table>,
    changed: Condvar,
    stands_still: Option<Mutex<Instant>>,
}

/// What a thread of ours is there for.
enum Duty {
    Watch(u64),
    StandBy,
}

impl Timers {
    /// With a clock that stands still until it is moved.
    pub(super) fn standing_still() -> Self {
        Self { stands_still: Some(Mutex::new(clock_of_the_machine())), ..Self::default() }
    }

    pub(super) fn stand_still(&self) -> bool {
        self.stands_still.is_some()
    }

    /// Whether somebody has the watch.
    #[cfg(models)]
    pub(super) fn are_running(&self) -> bool {
        self.table.hold().watched_in.is_some()
    }

    pub(super) fn now(&self) -> Instant {
        self.stands_still.as_ref().map_or_else(clock_of_the_machine, |clock| *clock.hold())
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.table.hold().next_due()
    }

    pub(super) fn register(self: &Arc<Self>, client: Weak<dyn DeadlineClient>) -> Alarm {
        let mut table = self.table.hold();
        let fork = forks::generation();
        if table.watched_in.is_some_and(|other| other != fork) {
            table.forget_parent();
        }
        let id = table.add(client);
        if table.watched_in.is_none() && !self.stand_still() {
            let watch = table.next_watch();
            let is_watched = self.spawn(Duty::Watch(watch));
            table.watched_in = is_watched.then_some(fork);
        }
        Alarm { id, timers: Arc::clone(self) }
    }

    /// Moves a clock that stands still, from deadline to deadline, and does what is due.
    pub(super) fn advance(&self, by: Duration) {
        let Some(clock) = &self.stands_still else { return };
        let end = *clock.hold() + by;
        while let Some(at) = self.next_due().filter(|at| *at <= end) {
            let now = at.max(*clock.hold());
            *clock.hold() = now;
            self.expire(now).iter().for_each(|client| survive(&mut || client.drain()));
        }
        *clock.hold() = end;
    }

    /// Lets all that is due expire. Let them call out then.
    fn expire(&self, now: Instant) -> Vec<Arc<dyn DeadlineClient>> {
        let due = self.table.hold().take_due(now);
        due.iter().for_each(|client| survive(&mut || client.expire(now)));
        due
    }

    fn keep_watch(self: &Arc<Self>, watch: u64) {
        let mut table = self.table.hold();
        let mut has_called = true;
        loop {
            if table.watch != watch {
                table.late = table.late.saturating_sub(1);
                return;
            }
            table.calling_since = None;
            let now = clock_of_the_machine();
            let is_due = table.next_due().is_some_and(|at| at <= now);
            table = if is_due && (has_called || !table.is_draining()) {
                has_called = false;
                drop(table);
                let expired = self.expire(now);
                let mut table = self.table.hold();
                table.have_drained(expired);
                table
            } else if let Some(client) = table.next_draining() {
                has_called = true;
                drop(table);
                self.call_out(client, now);
                self.table.hold()
            } else if table.is_empty() {
                table.watched_in = None;
                return;
            } else {
                match table.next_due() {
                    Some(at) => {
                        let waited = self.changed.wait_timeout(table, at - now);
                        waited.unwrap_or_else(PoisonError::into_inner).0
                    }
                    None => self.changed.wait(table).unwrap_or_else(PoisonError::into_inner),
                }
            };
        }
    }

    fn call_out(self: &Arc<Self>, client: Arc<dyn DeadlineClient>, now: Instant) {
        let has_calls = client.has_calls();
        let mut table = self.table.hold();
        table.calling_since = Some(now);
        if has_calls {
            table.calls = table.calls.wrapping_add(1);
            self.have_someone_stand_by(&mut table);
        }
        drop(table);
        survive(&mut || client.drain());
        // It may be the last to have it, and what the host gave may panic where it ends.
        let mut client = Some(client);
        survive(&mut || drop(client.take()));
    }

    /// A model has no time in which to be late.
    fn have_someone_stand_by(self: &Arc<Self>, table: &mut Table) {
        if !table.someone_stands_by && !cfg!(models) {
            table.someone_stands_by = self.spawn(Duty::StandBy);
        }
    }

    fn stand_by(self: &Arc<Self>) {
        let (mut calls, mut since) = (self.table.hold().calls, clock_of_the_machine());
        loop {
            thread::sleep(PATIENCE);
            let mut table = self.table.hold();
            let now = clock_of_the_machine();
            if table.is_stuck(now) {
                table.late += 1;
                table.someone_stands_by = false;
                let watch = table.next_watch();
                drop(table);
                return self.keep_watch(watch);
            }
            if table.calls != calls || table.calling_since.is_some() {
                (calls, since) = (table.calls, now);
            }
            if table.watched_in.is_none() || now.saturating_duration_since(since) >= LINGER {
                table.someone_stands_by = false;
                return;
            }
        }
    }

    /// False where the system refuses a thread. Calls still work without; only deadlines are missed until one can be had.
    fn spawn(self: &Arc<Self>, duty: Duty) -> bool {
        let timers = Arc::clone(self);
        let thread = thread::Builder::new().name(THREAD_NAME.into());
        let work = move || match duty {
            Duty::Watch(watch) => timers.keep_watch(watch),
            Duty::StandBy => timers.stand_by(),
        };
        thread.spawn(work).is_ok()
    }
}

/// A panic of one manager, or of what its host gave it, takes no deadline of another along. The panic hook has told of it.
fn survive(work: &mut dyn FnMut()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// How long a thread stands by after the last call: a frame that is being spread has one every few milliseconds.
const LINGER: Duration = Duration::from_secs(1);

/// What debuggers show. At most 15 bytes, or Linux cuts it.
const THREAD_NAME: &str = "datatracks-time";

#[cfg(all(test, not(models)))]
#[path = "timers_tests.rs"]
mod tests;
