//! The program of the package that takes part in the room for all languages, and in the rooms of the interop tests.

use std::process::Command;

use anyhow::Result;

use super::{in_package, install, lay_out, libraries, scratch};
use crate::{library::Profile, project::Project, report::Outcome, run};

/// Builds it as the tests are built, which have left most of it.
pub(crate) fn build(project: &Project, profile: Profile) -> Result<Outcome> {
    let installed = install(project)?;
    if !matches!(installed, Outcome::Done) {
        return Ok(installed);
    }
    let libraries = lay_out(project, profile)?;
    let (scratch, link) = (scratch(project), format!("-L{libraries}"));
    let mut words = vec!["swift", "build", "--product", NAME, "--scratch-path", scratch.as_str()];
    words.extend(["-Xlinker", &link, "-Xswiftc", "-warnings-as-errors"]);
    run::run(&mut in_package(project, &words)?)?;
    Ok(Outcome::Done)
}

/// Runs what [`build`] has built, once its arguments are added.
pub(crate) fn command(project: &Project) -> Result<Command> {
    let search = format!("LD_LIBRARY_PATH={}", libraries(project));
    let program = scratch(project).join("debug").join(NAME);
    in_package(project, &[&search, program.as_str()])
}

const NAME: &str = "Participant";
