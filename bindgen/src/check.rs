//! What can be judged without running the product.

use std::time::Duration;

use anyhow::Result;
use semver::Version;

use crate::{
    compatibility,
    library::{Profile, SHIPPED},
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    surface,
};

/// Every check, each a step of its own. `profile`: of the library whose surface is looked at.
pub(crate) fn all(project: &Project, report: &mut Report, profile: Profile) {
    let cargo = |arguments: &[&str]| -> Result<Outcome> {
        run::run(&mut command(&project.root, "cargo", arguments))?;
        Ok(Outcome::Done)
    };
    report.step("format", || cargo(&["fmt", "--all", "--check"]));
    report
        .step("lints", || cargo(&[CLIPPY, &["--all-targets"], WORKSPACE, DENY_WARNINGS].concat()));
    report.step("lints of a mobile build", || {
        cargo(&[CLIPPY, &["--lib"], MOBILE, DENY_WARNINGS].concat())
    });
    report.step("documentation", || document(project));
    report.step("dependencies", || deny(project, &["licenses", "bans", "sources"]));
    report.step("advisories", || advisories(project));
    report.step("layers", || {
        cargo(&[&["test", "--quiet"], WORKSPACE, &["--test", "layers"]].concat())
    });
    surface(project, report, profile);
}

/// That the surface is the committed one, and what became of it since the last release.
pub(crate) fn surface(project: &Project, report: &mut Report, profile: Profile) {
    report.step("surface", || surface::check(project, profile));
    report.step("surface of the crate", || surface::rust::check(project, profile));
    report.step("compatibility", || compatibility::check(project, &version()?));
}

/// What is built here.
pub(crate) fn version() -> Result<Version> {
    Ok(Version::parse(env!("CARGO_PKG_VERSION"))?)
}

fn document(project: &Project) -> Result<Outcome> {
    // Examples have the development dependencies, as lints have: without, sixty dependencies with other features are checked again.
    let targets = ["--lib", "--examples", "--bin", "bindgen"];
    let arguments = ["doc", "--no-deps", "--document-private-items"];
    let doc = &mut command(&project.root, "cargo", &arguments);
    run::run(doc.args(targets).args(WORKSPACE).env("RUSTDOCFLAGS", "--deny warnings"))?;
    Ok(Outcome::Done)
}

fn deny(project: &Project, checks: &[&str]) -> Result<Outcome> {
    let program = project.tool("cargo-deny");
    if !program.exists() {
        return Ok(Outcome::NotRun("cargo-deny is missing: `cargo tasks setup`".into()));
    }
    let deny = &mut command(&project.root, program.as_str(), &["--all-features", "check"]);
    run::run(deny.args(checks))?;
    Ok(Outcome::Done)
}

/// The advisory database is no package of a registry: where only registries can be reached, as in CI, it is out of reach.
fn advisories(project: &Project) -> Result<Outcome> {
    let program = project.tool("cargo-deny");
    if !program.exists() {
        return Ok(Outcome::NotRun("cargo-deny is missing: `cargo tasks setup`".into()));
    }
    let fetch = &mut command(&project.root, program.as_str(), &["fetch", "db"]);
    if !run::succeeds_within(fetch, PATIENCE)? {
        return Ok(Outcome::OutOfReach("the advisory database cannot be reached from here".into()));
    }
    deny(project, &["advisories"])
}

const CLIPPY: &[&str] = &["clippy", "--quiet"];
/// What the Rust tests are built with: nothing is compiled twice.
const WORKSPACE: &[&str] = &["--workspace", "--all-features"];
/// What is another thing without features, and what it ships in.
const MOBILE: &[&str] =
    &["--package", "datatracks", "--package", "datatracks-aes", "--package", SHIPPED];
const DENY_WARNINGS: &[&str] = &["--", "--deny", "warnings"];
/// Longest wait for the advisory database.
const PATIENCE: Duration = Duration::from_secs(60);
