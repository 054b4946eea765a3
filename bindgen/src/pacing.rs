//! Frames through a real livekit-server, large ones in a hurry or over a poor link: `tests/interop/pacing.py` and `poor.py`.

use anyhow::Result;

use crate::{
    bindings::{self, Language, Profile},
    network,
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    runners::with_surroundings,
    setup,
};

/// What the measurement takes, and the measurement. It judges nothing.
pub(crate) fn all(project: &Project, report: &mut Report, poor: bool) {
    if poor && !report.gate("network namespaces", || network::namespaces(project)) {
        return;
    }
    report.step("peers", || setup::install_peers(project));
    report.step("bindings", || bindings::generate(project, Language::Python, Profile::Debug));
    report.step("host", || host(project));
    report.step("pacing", || measure(project, poor));
}

/// The command line as people use it: a slow one would be measured instead of the network.
fn host(project: &Project) -> Result<Outcome> {
    let arguments = ["build", "--profile", "fast", "--features", "host", "--bin", "datatracks"];
    run::run(&mut command(&project.root, "cargo", &arguments))?;
    Ok(Outcome::Done)
}

fn measure(project: &Project, poor: bool) -> Result<Outcome> {
    let name = if poor { POOR } else { LOOPBACK };
    let mut program = command(&project.root, project.python().as_str(), &[name]);
    with_surroundings(project, &mut program).env("DATATRACKS_BIN", project.root.join(HOST));
    run::run(&mut if poor { network::privileged(project, &program)? } else { program })?;
    Ok(Outcome::Done)
}

const LOOPBACK: &str = "tests/interop/pacing.py";
const POOR: &str = "tests/interop/poor.py";
const HOST: &str = "target/fast/datatracks";
