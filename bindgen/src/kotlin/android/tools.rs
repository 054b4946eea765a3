//! Tools of Android that come by Maven.

use std::process::Command;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    kotlin::build,
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Fetches what is missing.
pub(crate) fn install(project: &Project) -> Result<Outcome> {
    run::run(&mut maven(project, &["--quiet", "dependency:copy-dependencies"])).context(ORIGIN)?;
    Ok(Outcome::Done)
}

/// Maven on what judges archives.
pub(crate) fn maven(project: &Project, arguments: &[&str]) -> Command {
    build::maven_on(project, "kotlin-package/android/tools/pom.xml", arguments)
}

/// A jar of [`install`], by its name without version.
pub(crate) fn jar(project: &Project, name: &str) -> Utf8PathBuf {
    folder(project).join("lib").join(name)
}

/// Where archives are taken apart.
pub(crate) fn folder(project: &Project) -> Utf8PathBuf {
    project.root.join("target/verify")
}

/// R8 or D8: Google's shrinker and compiler.
pub(crate) fn r8(project: &Project, main: &str, arguments: &[&str]) -> Result<Command> {
    let jar = jar(project, "r8.jar");
    let mut r8 = command(&project.root, "java", &["-cp", jar.as_str(), main]);
    r8.args(["--lib", java_home(project)?.as_str()]).args(arguments);
    Ok(r8)
}

/// The runtime that Maven runs on: what applications for the JVM find, and enough of what those for Android do.
fn java_home(project: &Project) -> Result<Utf8PathBuf> {
    let version = run::capture(&mut command(&project.root, "mvn", &["--version"]))?;
    let runtime = version.split("runtime: ").nth(1).and_then(|rest| rest.lines().next());
    Ok(Utf8Path::new(runtime.context("mvn --version names no runtime")?.trim()).to_owned())
}

/// Where R8 is to be had.
const ORIGIN: &str = "R8 is in Google's Maven repository: Maven's settings must name it where their mirror has not got it";
