//! Model checks of this layer: small programs of two to four threads over the real code, run under thousands of schedules.
//!
//! ```text
//!  model ──► explore: for each seed, a scheduler (random or PCT) ──► every lock, wait and spawn of `lock` is a point of choice
//! ```
//! Built by `cargo tasks models` only (`--cfg models`), which puts shuttle's primitives behind the names that `lock` imports. A model
//! fails when an assertion does, when all threads wait for each other (a lost wake-up looks like that, too), and when foreign code
//! (a delegate, a provider, a waker's wake or end) runs while a lock is held. Seeds are printed; one is enough to see a failure again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::print_stdout)]

mod drains;
mod kit;
mod local;
mod remote;
pub(super) mod sync;
mod timers;
mod waits;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use shuttle::{
    Config, Runner,
    scheduler::{PctScheduler, RandomScheduler, Scheduler},
};

/// Runs a model under one seed after the other, until its time is over.
fn explore(name: &str, model: fn()) {
    let first = number("DATATRACKS_MODEL_SEED");
    let time = Duration::from_secs(number("DATATRACKS_MODEL_SECONDS").unwrap_or(1));
    let end = Instant::now() + if first.is_some() { Duration::ZERO } else { time };
    let first = first.unwrap_or(1);
    let (mut seed, mut schedules) = (first, 0);
    loop {
        let run = || if seed % 2 == 1 { run(random(seed), model) } else { run(pct(seed), model) };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(schedules_of_seed) => schedules += schedules_of_seed,
            Err(panic) => {
                println!("model {name} fails: cargo tasks models --model {name} --seed {seed}");
                resume_unwind(panic);
            }
        }
        if Instant::now() >= end {
            println!("model {name}: {schedules} schedules, seeds {first} to {seed}");
            return;
        }
        seed += 1;
    }
}

fn run(scheduler: impl Scheduler + 'static, model: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    let checked = move || {
        model();
        sync::assert_no_foreign_code_ran_under_a_lock();
    };
    Runner::new(scheduler, config).run(checked)
}

fn random(seed: u64) -> RandomScheduler {
    RandomScheduler::new_from_seed(seed, SCHEDULES)
}

/// Few changes of thread, at few places: what random choice finds rarely.
fn pct(seed: u64) -> PctScheduler {
    PctScheduler::new_from_seed(seed, CHANGES, SCHEDULES)
}

fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().expect("a number"))
}

/// Schedules a seed.
const SCHEDULES: usize = 100;

/// Changes of thread against priority in a schedule of the PCT kind.
const CHANGES: usize = 3;

/// Code that was compiled for debugging needs more than shuttle's 32 KiB.
const STACK: usize = 512 << 10;
