//! What Maven needs, and Maven itself.

use std::{env, fs, process::Command};

use anyhow::Result;
use camino::Utf8PathBuf;

use crate::{
    bindings::{self, Language},
    files,
    library::{self, LIBRARY, Profile},
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Generates the Kotlin bindings, and puts the library where the jar takes it from.
pub(crate) fn prepare(project: &Project, profile: Profile) -> Result<Outcome> {
    bindings::generate(project, Language::Kotlin, profile)?;
    // The compiler would find what it compiled last time beside what it compiles now.
    for stale in ["classes", "test-classes"] {
        fs::remove_dir_all(project.root.join("target/kotlin").join(stale)).ok();
    }
    fs::create_dir_all(native(project))?;
    let library = native(project).join(LIBRARY);
    library::strip(project, &library::path(project, profile), &library)?;
    files::made(project, &library)?;
    Ok(Outcome::Done)
}

/// Where [`prepare`] leaves the library of this machine, in a folder that JNA knows by its name.
pub(crate) fn native(project: &Project) -> Utf8PathBuf {
    project.root.join("target/kotlin-native").join(JNA_PLATFORM)
}

/// Maven on `kotlin-package`.
pub(crate) fn maven(project: &Project, arguments: &[&str]) -> Command {
    maven_on(project, "kotlin-package/pom.xml", arguments)
}

/// The jar, and beside it the programs of the test sources: compiled, not run.
pub(crate) fn package_with_programs(project: &Project) -> Result<Outcome> {
    run::run(&mut maven(project, &["package", "-DskipTests"]))?;
    Ok(Outcome::Done)
}

/// Runs the participant of the room for all languages on the packaged jar, once its arguments are added.
pub(crate) fn participant(project: &Project) -> Result<Command> {
    let programs = project.root.join("target/kotlin/test-classes");
    let path = format!("{}:{programs}", class_path(project)?);
    Ok(command(&project.root, "java", &["-Djna.nosys=true", "-cp", &path, "room.Participant"]))
}

/// The packaged jar, and the libraries that it needs.
pub(crate) fn class_path(project: &Project) -> Result<String> {
    let folder = project.root.join("target/kotlin");
    let libraries = fs::read_to_string(folder.join("classpath.txt"))?;
    let jar = folder.join(format!("datatracks-{VERSION}.jar"));
    Ok(format!("{jar}:{}", libraries.trim()))
}

/// Maven on another of our packages.
pub(crate) fn maven_on(project: &Project, pom: &str, arguments: &[&str]) -> Command {
    let mut maven = command(&project.root, "mvn", MAVEN);
    maven.args(["--file", pom]).args(arguments);
    if env::var_os(MAVEN_OPTIONS).is_none() {
        maven.env(MAVEN_OPTIONS, SHORT_LIVED);
    }
    maven
}

/// Writes the documentation of everything public, for browsers; a link that leads nowhere is an error.
pub(crate) fn document(project: &Project) -> Result<Outcome> {
    run::run(&mut maven(project, &["dokka:dokka"]))?;
    say!("   {}", project.short(&documentation(project)));
    Ok(Outcome::Done)
}

/// Where [`document`] leaves it.
pub(crate) fn documentation(project: &Project) -> Utf8PathBuf {
    project.root.join("target/kotlin/docs")
}

/// `Tests run: 9, Failures: 1, Errors: 0, Skipped: 2`, as the last word on all tests: those of a class close with their time.
pub(crate) fn tally(line: &str) -> Option<crate::report::Tally> {
    let (_, counts) = line.split_once("Tests run: ")?;
    if counts.contains("Time elapsed") {
        return None;
    }
    let mut numbers = counts.split(", ").map(|count| {
        let digits = count.rsplit(' ').next().unwrap_or_default();
        digits.parse::<u64>().unwrap_or_default()
    });
    let run = numbers.next()?;
    let failed = numbers.sum();
    Some(crate::report::Tally { passed: run.saturating_sub(failed), failed })
}

/// That of `pom.xml`, which a test compares.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// As JNA names this platform in its resource path.
const JNA_PLATFORM: &str = "linux-x86-64";

/// Quiet, without colours, and without a compiler that stays behind.
const MAVEN: &[&str] = &[
    "--batch-mode",
    "--no-transfer-progress",
    "-Dstyle.color=never",
    "-Dkotlin.compiler.daemon=false",
];

/// What Maven tells its virtual machine.
const MAVEN_OPTIONS: &str = "MAVEN_OPTS";
/// It ends before the optimizing compiler has earned what it costs: on two cores a third of the time.
const SHORT_LIVED: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

#[cfg(test)]
mod tests {
    use super::{VERSION, tally};
    use crate::report::Tally;

    #[test]
    fn cargo_and_maven_have_one_version() {
        let pom = include_str!("../../../kotlin-package/pom.xml");
        assert!(
            pom.contains(&format!("<version>{VERSION}</version>\n    <name>datatracks</name>"))
        );
    }

    #[test]
    fn the_closing_line_of_surefire_is_understood() {
        let closing = "[INFO] Tests run: 12, Failures: 0, Errors: 0, Skipped: 0";
        assert_eq!(tally(closing), Some(Tally { passed: 12, failed: 0 }));
        let bad = "[ERROR] Tests run: 12, Failures: 1, Errors: 2, Skipped: 3";
        assert_eq!(tally(bad), Some(Tally { passed: 6, failed: 6 }));
        let class =
            "[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.2 s -- in A";
        assert_eq!(tally(class), None);
    }
}
