//! Frames through a real livekit-server, large ones in a hurry, over a poor link, or small ones beside them: `tests/interop/pacing.py`,
//! `poor.py` and `fair.py`.

use anyhow::Result;

use crate::{
    bindings::{self, Language},
    browser,
    library::Profile,
    network,
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    runners::with_surroundings,
    setup,
};

/// What is measured. It judges nothing.
#[derive(Default, clap::Args)]
pub(crate) struct Wishes {
    /// Small and large ones over a link with delays and losses instead; takes root's rights
    #[arg(long)]
    poor: bool,
    /// A small fast track beside one that floods their link instead; takes root's rights
    #[arg(long, conflicts_with = "poor")]
    fair: bool,
}

impl Wishes {
    /// The program, and whether it makes networks of its own.
    fn program(&self) -> (&'static str, bool) {
        match self {
            Self { fair: true, .. } => ("tests/interop/fair.py", true),
            Self { poor: true, .. } => ("tests/interop/poor.py", true),
            Self { .. } => ("tests/interop/pacing.py", false),
        }
    }
}

/// What the measurement takes, and the measurement.
pub(crate) fn all(project: &Project, report: &mut Report, wishes: &Wishes) {
    let (program, on_network) = wishes.program();
    if on_network && !report.gate("network namespaces", || network::namespaces(project)) {
        return;
    }
    report.step("peers", || setup::install_peers(project));
    report.step("bindings", || bindings::generate(project, Language::Python, Profile::Debug));
    report.step("host", || host(project));
    let has_browser = !on_network && report.gate("browser", || browser::install(project));
    report.step("pacing", || measure(project, program, on_network, has_browser));
}

/// The command line as people use it: a slow one would be measured instead of the network.
fn host(project: &Project) -> Result<Outcome> {
    let arguments = ["build", "--profile", "fast", "--features", "host", "--bin", "datatracks"];
    run::run(&mut command(&project.root, "cargo", &arguments))?;
    Ok(Outcome::Done)
}

fn measure(
    project: &Project,
    program: &str,
    on_network: bool,
    has_browser: bool,
) -> Result<Outcome> {
    let mut program = command(&project.root, project.python().as_str(), &[program]);
    with_surroundings(project, &mut program)
        .env("DATATRACKS_BIN", project.root.join(HOST))
        .envs([browser::variable(project, has_browser)]);
    run::run(&mut if on_network { network::privileged(project, &program)? } else { program })?;
    Ok(Outcome::Done)
}

const HOST: &str = "target/fast/datatracks";
