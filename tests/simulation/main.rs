//! Whole rooms in virtual time: two to five participants on the embedded SFU, with everything going wrong that can, from a seed.
//!
//! After every step the invariants hold (`checks.rs`); at the end the room heals and every intent must be fulfilled.
//! A failing seed prints the command that replays it. `DATATRACKS_SEED` picks one seed, `DATATRACKS_STEPS` the total of steps; with
//! `DATATRACKS_TRACE=1` it tells what happens.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    missing_docs,
    unreachable_pub
)]

mod actions;
#[path = "../kit/chance.rs"]
mod chance;
mod checks;
mod host;
mod message;
mod participant;
mod room;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use actions::Action;
use room::Room;

#[test]
fn rooms_hold_their_promises_whatever_happens() {
    let seeds = match number("DATATRACKS_SEED") {
        Some(seed) => vec![seed],
        None => (1..=SEEDS).collect(),
    };
    let steps = number("DATATRACKS_STEPS").unwrap_or(STEPS) / seeds.len() as u64;
    let mut taken = BTreeMap::new();
    let mut frames = 0;
    for seed in seeds {
        let run = catch_unwind(AssertUnwindSafe(|| run(seed, steps, &mut taken)));
        match run {
            Ok(read) => frames += read,
            Err(panic) => {
                eprintln!(
                    "\nseed {seed} failed; replay it:\n  DATATRACKS_SEED={seed} DATATRACKS_STEPS={steps} cargo test --features host --test simulation -- --nocapture\n"
                );
                resume_unwind(panic);
            }
        }
    }
    report(&taken, frames);
}

/// One room for `steps` steps, then healed. Answers how many frames were read and checked.
fn run(seed: u64, steps: u64, taken: &mut BTreeMap<Action, u64>) -> u64 {
    let mut room = Room::new(seed);
    for _ in 0..steps {
        let action = room.step();
        *taken.entry(action).or_default() += 1;
        checks::invariants(&room);
    }
    room.heal();
    checks::intents_fulfilled(&mut room);
    room.frames_read()
}

/// Every kind of action must have had its share, or the run proves less than it says.
fn report(taken: &BTreeMap<Action, u64>, frames: u64) {
    let total: u64 = taken.values().sum();
    println!("{total} steps, {frames} frames read and checked");
    for action in Action::ALL {
        let count = taken.get(action).copied().unwrap_or(0);
        println!("{count:>8}  {action:?}");
        assert!(
            total < 10_000 || count * 100 >= total,
            "{action:?}: {count} of {total} steps, less than 1 %"
        );
    }
    assert!(frames > 0, "nothing was delivered at all");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Rooms in an ordinary run.
const SEEDS: u64 = 50;

/// Steps of all rooms together in an ordinary run.
const STEPS: u64 = 100_000;
