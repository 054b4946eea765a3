//! Time, deadlines and chance: the only place that reads the clock or the system's random numbers.

use std::{
    fmt,
    sync::{Arc, LazyLock, Weak},
    time::{Duration, Instant},
};

use super::{
    lock::{Hold, Mutex},
    timers::{Alarm, DeadlineClient, Timers},
};
use crate::random::Random;

/// The surroundings of managers: the system's, or simulated ones with a clock that stands still until it is moved.
pub struct Environment {
    timers: Arc<Timers>,
    random: Mutex<Box<dyn Random>>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("simulated", &self.timers.stand_still()).finish()
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
        self.timers.are_running()
    }

    /// A clock that stands still until [`advance`](Self::advance), and `random` for chance. For tests and simulations.
    pub fn simulated(random: Box<dyn Random>) -> Arc<Self> {
        let timers = Arc::new(Timers::standing_still());
        Arc::new(Self { timers, random: Mutex::new(random) })
    }

    /// The time by this clock.
    pub fn now(&self) -> Instant {
        self.timers.now()
    }

    /// Moves a simulated clock on, from deadline to deadline, and lets what is due happen on this thread.
    pub fn advance(&self, by: Duration) {
        self.timers.advance(by);
    }

    /// The next deadline of a simulated clock.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next_due()
    }

    /// Draws random numbers.
    pub(crate) fn with_random<T>(&self, draw: impl FnOnce(&mut dyn Random) -> T) -> T {
        draw(self.random.hold().as_mut())
    }

    /// A place among the deadlines for `client`.
    pub(crate) fn register(&self, client: Weak<dyn DeadlineClient>) -> Alarm {
        self.timers.register(client)
    }
}

/// The machine's, also where an environment's stands still: for how long a processor is kept, and never for what happens.
pub(super) fn clock_of_the_machine() -> Instant {
    Instant::now()
}
