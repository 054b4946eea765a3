//! Programs that cargo has built, and tests of several, run beside each other.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use camino::Utf8PathBuf;
use serde::Deserialize;

use crate::{
    beside::{self, FOLDER},
    project::Project,
    report::{Outcome, Tally},
    run::{self, command},
    runners::{cargo_tally, tally, with_surroundings},
};

/// A program, as cargo tells of it.
#[derive(Deserialize)]
struct Program {
    executable: Utf8PathBuf,
    manifest_path: Utf8PathBuf,
    target: Target,
    profile: Profile,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds with cargo, which must be [`TELLING`], and answers what it made that can be run.
fn built(cargo: &mut Command) -> Result<Vec<Program>> {
    let messages = run::capture(cargo)?;
    // What cargo says of libraries, and of warnings, has another form.
    Ok(messages.lines().filter_map(|message| serde_json::from_str(message).ok()).collect())
}

/// Builds likewise, and answers the path of the program that was made of this target.
pub(crate) fn of_target(cargo: &mut Command, target: &str) -> Result<String> {
    let mut programs = built(cargo)?.into_iter();
    let program = programs.find(|program| program.target.name == target);
    Ok(program.context("cargo names no program")?.executable.into_string())
}

/// Runs the Rust tests of the whole workspace. `cargo test` runs one program after the other, and many of them wait more than they work: here
/// as many run at once as there are cores, and what one says is shown when it has ended.
pub(crate) fn test(project: &Project, variables: &[(&str, &str)]) -> Result<Outcome> {
    let cargo = &mut command(&project.root, "cargo", &[ALL, TELLING, &["--no-run"]].concat());
    run::announce(cargo);
    let mut programs = built(cargo.stderr(Stdio::inherit()))?;
    programs.retain(|program| program.profile.test);
    ensure!(!programs.is_empty(), "cargo names no program with tests");
    programs.sort_by_key(|program| !LONG.contains(&program.target.name.as_str()));
    let examples = &mut command(&project.root, "cargo", &[ALL, &["--doc", "--", IGNORED]].concat());
    Ok(Outcome::Counted(tests_of(project, programs, variables)? + tally(examples, cargo_tally)?))
}

fn tests_of(
    project: &Project,
    programs: Vec<Program>,
    variables: &[(&str, &str)],
) -> Result<Tally> {
    say!("   {} programs; what one says is in {FOLDER} meanwhile", programs.len());
    let mut sum = Tally::default();
    let test = |program: &Program| program.test(project, variables);
    beside::each(programs, test, |_, ended| {
        let (said, tally) = ended?;
        say!("{said}");
        sum = sum + tally;
        Ok(())
    })?;
    Ok(sum)
}

impl Program {
    /// Runs all its tests, those that are ignored as well; answers what it said, and its count.
    fn test(&self, project: &Project, variables: &[(&str, &str)]) -> Result<(String, Tally)> {
        let name = self.executable.file_name().unwrap_or(&self.target.name);
        let folder = self.manifest_path.parent().unwrap_or(&project.root);
        let tests = &mut command(folder, self.executable.as_str(), &[IGNORED]);
        tests.envs(variables.iter().copied());
        beside::aside(project, name, || {
            tally(with_surroundings(project, tests), cargo_tally).unwrap_or_else(|error| {
                say!("   failed: {error:#}");
                Tally { passed: 0, failed: 1 }
            })
        })
    }
}

/// Everything that has tests.
const ALL: &[&str] = &["test", "--workspace", "--all-features"];
/// Tests that need a real SFU are marked as ignored, for those who run `cargo test` without it.
const IGNORED: &str = "--include-ignored";
/// Lets cargo tell in its standard output what it made.
pub(crate) const TELLING: &[&str] = &["--message-format", "json-render-diagnostics"];
/// Programs that begin first, so that at the end no core waits for another.
const LONG: &[&str] = &["simulation", "cli", "rooms", "sfu_against_livekit"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_among_what_cargo_says() {
        let messages = [
            r#"{"reason":"build-script-executed","package_id":"a"}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","target":{"name":"a"},"profile":{"test":false},"executable":null}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/a/Cargo.toml","target":{"name":"t"},"profile":{"test":true},"executable":"/a/t-1"}"#,
        ];
        let found = built(Command::new("printf").args(["%s\\n"]).args(messages)).unwrap();
        let [program] = &*found else { panic!("{} programs", found.len()) };
        assert!(program.profile.test);
        assert_eq!((program.target.name.as_str(), program.executable.as_str()), ("t", "/a/t-1"));
    }

    #[test]
    fn a_program_that_ends_without_a_word_has_failed() {
        let project = Project::find();
        let program = |executable: &str| Program {
            executable: executable.into(),
            manifest_path: project.root.join("Cargo.toml"),
            target: Target { name: executable.into() },
            profile: Profile { test: true },
        };
        let programs = vec![program("false"), program("no-program-of-this-name")];
        let sum = tests_of(&project, programs, &[]).unwrap();
        assert_eq!(sum, Tally { passed: 0, failed: 2 });
    }
}
