//! One room for all languages: programs in Swift, Kotlin and Python publish and read each other, in `tests/languages`.

use anyhow::Result;

use crate::{
    bindings::{self, Language},
    kotlin,
    library::Profile,
    project::Project,
    report::{Outcome, Report},
    run, runners, swift,
};

/// Everything that the room takes, and the room.
pub(crate) fn all(project: &Project, report: &mut Report, profile: Profile) {
    report.step("bindings", || bindings::generate(project, Language::All, profile));
    report.step("reference host", || runners::reference_host(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, profile));
    report.step("Kotlin programs", || kotlin::build::package_with_programs(project));
    suite(project, report, profile);
}

/// The room, after the bindings and the tests of Kotlin. Where Swift cannot be had it is a room without, and is called so.
pub(crate) fn suite(project: &Project, report: &mut Report, profile: Profile) {
    let has_swift =
        report.gate("Swift participant", || swift::participant::build(project, profile));
    let name = if has_swift { NAME } else { WITHOUT_SWIFT };
    report.step(name, || test(project, has_swift));
}

fn test(project: &Project, has_swift: bool) -> Result<Outcome> {
    let mut programs = vec![(KOTLIN, run::lines(&kotlin::build::participant(project)?))];
    if has_swift {
        programs.push((SWIFT, run::lines(&swift::participant::command(project)?)));
    }
    runners::pytest(project, "tests/languages", &programs)
}

const NAME: &str = "One room for all languages";
const WITHOUT_SWIFT: &str = "One room for all languages, WITHOUT SWIFT";
/// What the tests look for the programs in.
const KOTLIN: &str = "DATATRACKS_KOTLIN_PARTICIPANT";
const SWIFT: &str = "DATATRACKS_SWIFT_PARTICIPANT";
