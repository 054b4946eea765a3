//! Whole rooms in virtual time (`tests/simulation`) at length: that test, optimized where it is long, on all processors.

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::{
    project::Project,
    report::Outcome,
    run::command,
    runners::{cargo_tally, count},
};

/// What is to be played.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// How many steps, in rooms of 2 000; with --seed: of that one room
    #[arg(long)]
    steps: Option<u64>,
    /// Only the room of this seed, as a failure has printed it
    #[arg(long)]
    seed: Option<u64>,
    /// Play this file, as a failure has left it
    #[arg(long, conflicts_with_all = ["steps", "seed"])]
    script: Option<Utf8PathBuf>,
    /// Tell every step and every signal
    #[arg(long)]
    trace: bool,
}

/// Plays rooms; shows how far they are, and at the end what they have come to.
pub(crate) fn play(project: &Project, wishes: &Wishes) -> Result<Outcome> {
    let arguments = ["test", "--all-features", "--test", "simulation"];
    let test = &mut command(&project.root, "cargo", &arguments);
    if wishes.steps.is_some_and(|steps| steps > SHORT) {
        test.args(["--profile", "fast"]);
    }
    test.args(["--", "--exact", TEST, "--nocapture"]);
    for (name, wish) in [("DATATRACKS_STEPS", wishes.steps), ("DATATRACKS_SEED", wishes.seed)] {
        test.env_remove(name).envs(wish.map(|number| (name, number.to_string())));
    }
    if let Some(script) = &wishes.script {
        test.env("DATATRACKS_SCRIPT", camino::absolute_utf8(script)?);
    }
    if wishes.trace {
        test.env("DATATRACKS_TRACE", "1");
    }
    count(test, cargo_tally)
}

/// Up to here an optimized build would take longer than it saves.
const SHORT: u64 = 200_000;

const TEST: &str = "rooms_hold_their_promises_whatever_happens";
