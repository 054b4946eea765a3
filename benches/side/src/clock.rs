//! Time that this thread has spent computing, and a stopwatch that also counts allocations.
//!
//! Lockstep rows run on one thread on both sides, so its CPU time is all that a frame costs, whoever else uses the machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::counting::allocations;

/// Sums up what stands between [`Stopwatch::run`]'s braces, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch {
    pub cpu: Duration,
    pub allocations: u64,
}

impl Stopwatch {
    /// Times one piece of work on this thread.
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = allocations();
        let start = cpu();
        let result = work();
        self.cpu += cpu() - start;
        self.allocations += allocations() - before;
        result
    }

    pub fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.allocations += other.allocations;
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
