//! Time, deadlines and chance: the only place that reads the clock or the system's random numbers.
//!
//! ```text
//!  manager ── Alarm::set(at) ──► Timers ──(thread, or Environment::advance)──► expire(now) of all due ──► drain() of all due
//! ```
//! The deadline thread starts with the first alarm, ends with the last, and sleeps when nothing is due. It lets all due clients
//! expire (which wakes their waiters) before it lets any of them call out, so that a stuck delegate holds up no other
//! manager's timeouts. It is never joined. A condition variable is all it needs: an async runtime would cost size and precision.
//!
//! ```text
//!  watching ── due: expire, call out ──► watching
//!                       └ not back in time: a thread that stands by watches on, and the late one ends when it comes back
//! ```
//! The one that stands by starts when there is something to call out, and ends when nothing was for a while.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock, PoisonError, Weak},
    time::{Duration, Instant},
};

use super::lock::{Condvar, Hold, Mutex, thread};
use crate::{
    random::Random,
    sorted::{SortedMap, SortedSet},
};

/// Something with deadlines: a manager.
pub(crate) trait DeadlineClient: Send + Sync {
    /// Takes the effect of what is due: changes state, wakes waiters, calls no delegate. Sets its alarm again if need be.
    fn expire(&self, now: Instant);
    /// Calls out what was decided.
    fn drain(&self);
}

/// The surroundings of managers: the system's, or simulated ones with a clock that stands still until it is moved.
pub struct Environment {
    timers: Arc<Timers>,
    random: Mutex<Box<dyn Random>>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("simulated", &self.timers.stands_still.is_some())
            .finish()
    }
}

impl Environment {
    /// The system's clock and random numbers, and the one deadline thread.
    pub fn system() -> Arc<Self> {
        static SYSTEM: LazyLock<Arc<Environment>> = LazyLock::new(|| {
            Environment::with_thread(Box::new(super::random::SystemRandom::default()))
        });
        Arc::clone(&SYSTEM)
    }

    /// The system's clock, a deadline thread, and `random` for chance.
    pub(super) fn with_thread(random: Box<dyn Random>) -> Arc<Self> {
        Arc::new(Self { timers: Arc::default(), random: Mutex::new(random) })
    }

    /// Whether there is a deadline thread now.
    #[cfg(models)]
    pub(super) fn is_running(&self) -> bool {
        self.timers.table.hold().running
    }

    /// A clock that stands still until [`advance`](Self::advance), and `random` for chance. For tests and simulations.
    pub fn simulated(random: Box<dyn Random>) -> Arc<Self> {
        let timers = Timers { stands_still: Some(Mutex::new(Instant::now())), ..Timers::default() };
        Arc::new(Self { timers: Arc::new(timers), random: Mutex::new(random) })
    }

    /// The time by this clock.
    pub fn now(&self) -> Instant {
        self.timers.now()
    }

    /// Moves a simulated clock on, from deadline to deadline, and lets what is due happen on this thread.
    pub fn advance(&self, by: Duration) {
        let Some(clock) = &self.timers.stands_still else { return };
        let end = *clock.hold() + by;
        loop {
            let Some(at) = self.timers.table.hold().next_due().filter(|at| *at <= end) else {
                break;
            };
            let now = at.max(*clock.hold());
            *clock.hold() = now;
            self.timers.fire(now);
        }
        *clock.hold() = end;
    }

    /// The next deadline of a simulated clock.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.table.hold().next_due()
    }

    /// Draws random numbers.
    pub(crate) fn with_random<T>(&self, draw: impl FnOnce(&mut dyn Random) -> T) -> T {
        draw(self.random.hold().as_mut())
    }

    /// A place among the deadlines for `client`.
    pub(crate) fn register(&self, client: Weak<dyn DeadlineClient>) -> Alarm {
        Alarm { id: Timers::register(&self.timers, client), timers: Arc::clone(&self.timers) }
    }
}

/// A client's place among the deadlines; given up when dropped.
pub(crate) struct Alarm {
    id: u64,
    timers: Arc<Timers>,
}

impl Alarm {
    /// Asks for `expire` and `drain` at `at`, or earlier if so asked before.
    pub(crate) fn set(&self, at: Instant) {
        let mut table = self.timers.table.hold();
        let earliest = table.next_due();
        let Some(entry) = table.clients.get_mut(&self.id) else { return };
        if entry.at.is_some_and(|set| set <= at) {
            return;
        }
        if let Some(before) = entry.at.replace(at) {
            table.due.remove(&(before, self.id));
        }
        table.due.insert((at, self.id), ());
        if earliest.is_none_or(|earliest| at < earliest) {
            self.timers.changed.notify_one();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let mut table = self.timers.table.hold();
        if let Some(at) = table.clients.remove(&self.id).and_then(|entry| entry.at) {
            table.due.remove(&(at, self.id));
        }
        if table.clients.is_empty() {
            self.timers.changed.notify_one();
        }
    }
}

#[derive(Default)]
struct Timers {
    table: Mutex<Table>,
    changed: Condvar,
    /// Wakes who stands by at the end.
    over: Condvar,
    stands_still: Option<Mutex<Instant>>,
}

#[derive(Default)]
struct Table {
    clients: SortedMap<u64, Entry>,
    due: SortedSet<(Instant, u64)>,
    next_id: u64,
    running: bool,
    /// Which thread watches: they are counted.
    watch: u64,
    /// Since when it is calling out.
    calling: Option<Instant>,
    /// How often it has called out.
    calls: u64,
    /// Another thread stands by.
    standby: bool,
}

struct Entry {
    client: Weak<dyn DeadlineClient>,
    at: Option<Instant>,
}

impl Table {
    fn next_watch(&mut self) -> u64 {
        self.watch += 1;
        self.watch
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|((at, _), ())| *at)
    }

    fn take_due(&mut self, now: Instant) -> Vec<Arc<dyn DeadlineClient>> {
        let mut taken = Vec::new();
        while let Some(((_, id), ())) = self.due.pop_first_if(|(at, _)| *at <= now) {
            let Some(entry) = self.clients.get_mut(&id) else { continue };
            entry.at = None;
            taken.extend(entry.client.upgrade());
        }
        taken
    }
}

impl Timers {
    fn now(&self) -> Instant {
        self.stands_still.as_ref().map_or_else(Instant::now, |clock| *clock.hold())
    }

    fn register(timers: &Arc<Self>, client: Weak<dyn DeadlineClient>) -> u64 {
        let mut table = timers.table.hold();
        table.next_id += 1;
        let id = table.next_id;
        table.clients.insert(id, Entry { client, at: None });
        if !table.running && timers.stands_still.is_none() {
            let (thread, watch) = (Arc::clone(timers), table.next_watch());
            // Without a thread (the system refuses one) calls still work; only deadlines are missed until one can be had.
            let spawned =
                thread::Builder::new().name(THREAD_NAME.into()).spawn(move || thread.run(watch));
            table.running = spawned.is_ok();
        }
        id
    }

    fn fire(&self, now: Instant) {
        let due = self.table.hold().take_due(now);
        due.iter().for_each(|client| survive(&|| client.expire(now)));
        due.iter().for_each(|client| survive(&|| client.drain()));
    }

    fn run(self: &Arc<Self>, watch: u64) {
        let mut table = self.table.hold();
        loop {
            if table.watch != watch {
                return;
            }
            table.calling = None;
            if table.clients.is_empty() {
                table.running = false;
                self.over.notify_one();
                return;
            }
            let now = Instant::now();
            table = match table.next_due() {
                Some(at) if at <= now => {
                    table.calling = Some(now);
                    table.calls = table.calls.wrapping_add(1);
                    self.have_standby(&mut table);
                    drop(table);
                    self.fire(now);
                    self.table.hold()
                }
                Some(at) => {
                    let waited = self.changed.wait_timeout(table, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(table).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Has a thread ready that watches on, should a call out not come back. A model has no time in which to be late.
    fn have_standby(self: &Arc<Self>, table: &mut Table) {
        if table.standby || cfg!(models) {
            return;
        }
        let thread = Arc::clone(self);
        let spawned =
            thread::Builder::new().name(THREAD_NAME.into()).spawn(move || thread.stand_by());
        table.standby = spawned.is_ok();
    }

    fn stand_by(self: &Arc<Self>) {
        let mut table = self.table.hold();
        let (mut calls, mut since) = (table.calls, Instant::now());
        loop {
            let waited = self.over.wait_timeout(table, PATIENCE);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
            let now = Instant::now();
            let is_late = |since: Instant| now.saturating_duration_since(since) >= PATIENCE;
            if table.calling.is_some_and(is_late) {
                table.standby = false;
                let watch = table.next_watch();
                drop(table);
                return self.run(watch);
            }
            if table.calls != calls || table.calling.is_some() {
                (calls, since) = (table.calls, now);
            }
            if !table.running || now.saturating_duration_since(since) >= LINGER {
                table.standby = false;
                return;
            }
        }
    }
}

/// The machine's, also where an environment's stands still: for how long a processor is kept, and never for what happens.
pub(super) fn clock_of_the_machine() -> Instant {
    Instant::now()
}

/// A panic of one manager, or of what its host gave it, takes no deadline of another along. The panic hook has told of it.
fn survive(work: &dyn Fn()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// A host that is told not to block, and does for so long, is not waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a thread stands by after the last call out: a frame that is being spread has one every few milliseconds.
const LINGER: Duration = Duration::from_secs(1);

/// What debuggers show. At most 15 bytes, or Linux cuts it.
const THREAD_NAME: &str = "datatracks-time";

#[cfg(all(test, not(models)))]
mod tests {
    use super::*;

    struct Idle;

    impl DeadlineClient for Idle {
        fn expire(&self, _: Instant) {}
        fn drain(&self) {}
    }

    /// Panics where it is told to, and says when it was called.
    struct Loud(bool, std::sync::mpsc::Sender<()>);

    impl DeadlineClient for Loud {
        fn expire(&self, _: Instant) {
            self.1.send(()).ok();
            assert!(!self.0, "planted");
        }
        fn drain(&self) {}
    }

    #[test]
    fn a_panic_of_one_takes_no_deadline_of_another_along() {
        let environment =
            Environment::with_thread(Box::new(crate::ffi::random::SystemRandom::default()));
        for panics in [true, false] {
            let (told, called) = std::sync::mpsc::channel();
            let client: Arc<dyn DeadlineClient> = Arc::new(Loud(panics, told));
            let alarm = environment.register(Arc::downgrade(&client));
            alarm.set(environment.now());
            called.recv_timeout(Duration::from_secs(10)).expect("the thread comes");
        }
    }

    /// Says when it is called, and does not come back until it is let go.
    struct Stuck(std::sync::mpsc::Sender<()>, Mutex<std::sync::mpsc::Receiver<()>>);

    impl DeadlineClient for Stuck {
        fn expire(&self, _: Instant) {}

        fn drain(&self) {
            self.0.send(()).ok();
            self.1.hold().recv_timeout(Duration::from_secs(20)).ok();
        }
    }

    #[test]
    fn a_host_that_does_not_come_back_holds_up_no_deadline_of_another() {
        let environment =
            Environment::with_thread(Box::new(crate::ffi::random::SystemRandom::default()));
        let (told, called) = std::sync::mpsc::channel();
        let mut stuck = Vec::new();
        for _ in 0..2 {
            let (open, gate) = std::sync::mpsc::channel();
            let client: Arc<dyn DeadlineClient> = Arc::new(Stuck(told.clone(), Mutex::new(gate)));
            let alarm = environment.register(Arc::downgrade(&client));
            alarm.set(environment.now());
            called.recv_timeout(Duration::from_secs(10)).expect("it is called out");
            stuck.push((client, alarm, open));
        }
        let other: Arc<dyn DeadlineClient> = Arc::new(Loud(false, told));
        let alarm = environment.register(Arc::downgrade(&other));
        for _ in 0..2 {
            alarm.set(environment.now());
            called.recv_timeout(Duration::from_secs(10)).expect("somebody watches on");
        }
    }

    #[test]
    fn there_is_one_thread_whoever_waits() {
        let environment =
            Environment::with_thread(Box::new(crate::ffi::random::SystemRandom::default()));
        let client: Arc<dyn DeadlineClient> = Arc::new(Idle);
        let alarms: Vec<_> =
            (0..3).map(|_| environment.register(Arc::downgrade(&client))).collect();
        assert_eq!(
            Arc::strong_count(&environment.timers),
            1 + alarms.len() + 1,
            "ours, theirs, its"
        );
    }
}
