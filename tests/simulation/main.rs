//! Whole rooms in virtual time: participants on the embedded SFU, with everything going wrong that can, from a seed.
//!
//! ```text
//!  script ── steps, drawn from a seed or read ──► run ── room.step, checks.invariants … heal, checks.intents ──► coverage
//!                                                  └── failure ──► shrink ──► a short script, and the command that plays it
//! ```
//! | module | |
//! |---|---|
//! | `script`, `run`, `many`, `shrink` | what happens; one room that plays it, and many; what of it a failure needs |
//! | `coverage`, `kinds`, `ledger` | states, arrows, errors, reasons that were met, and which must be |
//! | `room`, `network`, `sessions`, `healing` | the SFU, the time, what is on its way; sessions that end and begin |
//! | `wall_clock` | the server's, which may go back |
//! | `actions` | what applications, networks and servers do |
//! | `participant`, `host`, `app`, `providers`, `reentry` | one participant: managers, delegates, application, callbacks that call back |
//! | `hostile` | participants that send what nobody should |
//! | `checks`, `message` | what must be true after every step and at the end; payloads that say what they are |
//! | `proofs` | the machinery itself, on planted faults |
//!
//! After every step the invariants hold; at the end the room heals and every intent must be fulfilled. A long run must have come to
//! every state there is. `DATATRACKS_SEED` picks one seed, `DATATRACKS_STEPS` the total of steps, `DATATRACKS_SCRIPT` a file to play
//! instead; with `DATATRACKS_TRACE=1` a run tells what happens. `cargo tasks simulate` does it at length.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod actions;
mod app;
#[path = "../kit/chance.rs"]
mod chance;
mod checks;
mod coverage;
mod healing;
mod host;
mod hostile;
mod kinds;
mod ledger;
mod many;
mod message;
mod network;
mod participant;
mod proofs;
mod providers;
mod reentry;
mod room;
mod run;
mod script;
mod sessions;
mod shrink;
#[path = "../kit/subscriber.rs"]
mod subscriber;
#[path = "../kit/task.rs"]
mod task;
mod wall_clock;

use std::fs;

use many::STEPS_OF_A_ROOM;
use script::Script;

#[test]
fn rooms_hold_their_promises_whatever_happens() {
    if let Some(file) = std::env::var_os("DATATRACKS_SCRIPT") {
        let script: Script = fs::read_to_string(file).expect("a script").parse().unwrap();
        let coverage = run::run(&script).unwrap_or_else(|failure| panic!("{failure}"));
        println!("{} steps{coverage}", script.steps.len());
        return;
    }
    let (seed, steps) = (number("DATATRACKS_SEED"), number("DATATRACKS_STEPS"));
    let coverage = match seed {
        Some(seed) => many::rooms(seed..=seed, steps.unwrap_or(STEPS_OF_A_ROOM)),
        None => many::rooms(1..=steps.unwrap_or(STEPS).div_ceil(STEPS_OF_A_ROOM), STEPS_OF_A_ROOM),
    };
    println!("{} steps{coverage}", coverage.total(coverage::ACTION));
    let strange = coverage.strange();
    assert!(strange.is_empty(), "on no list of what can be met: {strange:#?}");
    if coverage.total(coverage::ACTION) >= STEPS && seed.is_none() {
        let missing = coverage.missing();
        assert!(missing.is_empty(), "not met, or too seldom: {missing:#?}");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Steps of all rooms together in an ordinary run.
const STEPS: u64 = 100_000;
