//! The host in Kotlin on a real WebRTC stack, `kotlin-package/room`: a build of its own, on the packaged jar.

use std::{fs, process::Command};

use anyhow::Result;

use super::build::{class_path, maven_on, tally};
use crate::{
    project::Project,
    report::Outcome,
    run::command,
    runners::{count, with_surroundings},
};

/// Compiles it, and runs its tests; the jar and the reference host are there.
pub(crate) fn build(project: &Project) -> Result<Outcome> {
    // The compiler would find what it compiled last time beside what it compiles now.
    for stale in ["classes", "test-classes"] {
        fs::remove_dir_all(project.root.join("target/room").join(stale)).ok();
    }
    let maven = &mut maven_on(project, "kotlin-package/room/pom.xml", &["test"]);
    count(with_surroundings(project, maven), tally)
}

/// Runs a participant that is told by lines what to do.
pub(crate) fn participant(project: &Project) -> Result<Command> {
    let folder = project.root.join("target/room");
    let libraries = fs::read_to_string(folder.join("classpath.txt"))?;
    let path = format!("{}:{folder}/classes:{}", class_path(project)?, libraries.trim());
    Ok(command(&project.root, "java", &["-Djna.nosys=true", "-cp", &path, "host.Participant"]))
}
