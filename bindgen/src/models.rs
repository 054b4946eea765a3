//! Model checks of the shell (`src/ffi/models`): its real code, built with the primitives of a scheduler that tries the schedules.

use anyhow::Result;

use crate::{
    programs,
    project::{CRATE, Project},
    report::Outcome,
    run::command,
    runners::{cargo_tally, count},
};

/// Which models to run, and how long.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// One of them, by its name; without: all
    #[arg(long)]
    model: Option<String>,
    /// How long each is explored
    #[arg(long, default_value_t = SHORT)]
    seconds: u64,
    /// Only the schedules of this seed, as a failure has printed it
    #[arg(long)]
    seed: Option<u64>,
}

impl Wishes {
    /// All models, for so many seconds each.
    pub(crate) fn all(seconds: u64) -> Self {
        Self { model: None, seconds, seed: None }
    }
}

/// Explores models; each is a test.
pub(crate) fn check(project: &Project, wishes: &Wishes) -> Result<Outcome> {
    let program = build(project)?;
    let which = wishes.model.as_deref().unwrap_or("ffi::models");
    let models = &mut command(&project.root, &program, &["--nocapture", which]);
    models.env("DATATRACKS_MODEL_SECONDS", wishes.seconds.to_string());
    if let Some(seed) = wishes.seed {
        models.env("DATATRACKS_MODEL_SEED", seed.to_string());
    }
    count(models, cargo_tally)
}

/// As the Rust tests are built, so that dependencies are not compiled twice.
fn build(project: &Project) -> Result<String> {
    let arguments = ["test", "--workspace", "--all-features", "--lib", "--no-run"];
    let cargo = &mut command(&project.root, "cargo", &arguments);
    cargo.args(programs::TELLING).stderr(std::process::Stdio::inherit());
    let wrapper = project.root.join("bindgen/src/models.sh");
    programs::of_target(cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper), CRATE)
}

/// Tens of thousands of schedules in all.
pub(crate) const SHORT: u64 = 2;
/// In `cargo tasks test --full`.
pub(crate) const LONG: u64 = 30;
