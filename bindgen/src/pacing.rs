//! Large frames in a hurry through a real livekit-server: `tests/interop/pacing.py`.

use anyhow::Result;

use crate::{
    bindings::{self, Language, Profile},
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    runners::with_surroundings,
    setup,
};

/// What the measurement takes, and the measurement. It judges nothing.
pub(crate) fn all(project: &Project, report: &mut Report) {
    report.step("peers", || setup::install_peers(project));
    report.step("bindings", || bindings::generate(project, Language::Python, Profile::Debug));
    report.step("host", || host(project));
    report.step("pacing", || measure(project));
}

/// The command line as people use it: a slow one would be measured instead of the network.
fn host(project: &Project) -> Result<Outcome> {
    let arguments = ["build", "--profile", "fast", "--features", "host", "--bin", "datatracks"];
    run::run(&mut command(&project.root, "cargo", &arguments))?;
    Ok(Outcome::Done)
}

fn measure(project: &Project) -> Result<Outcome> {
    let mut program = command(&project.root, project.python().as_str(), &[PROGRAM]);
    let program = with_surroundings(project, &mut program);
    run::run(program.env("DATATRACKS_BIN", project.root.join(HOST)))?;
    Ok(Outcome::Done)
}

const PROGRAM: &str = "tests/interop/pacing.py";
const HOST: &str = "target/fast/datatracks";
