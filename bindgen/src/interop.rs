//! Rooms of a real livekit-server with SDKs that others wrote: `tests/interop`.

use anyhow::Result;

use crate::{
    beside::{self, Lane},
    bindings::{self, Language},
    browser, kotlin,
    library::Profile,
    network,
    project::Project,
    report::Report,
    run,
    runners::{count, pytest_command, pytest_tally, reference_host},
    setup, swift,
};

/// How much of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    /// A few sizes a pair.
    Few,
    /// All of them; what became of each is written to `docs/interop.md`.
    All,
}

/// What the tests take, and the tests.
pub(crate) fn all(project: &Project, report: &mut Report, cells: Cells) {
    report.step("peers", || setup::install_peers(project));
    report.step("bindings", || bindings::generate(project, Language::All, Profile::Debug));
    report.step("reference host", || reference_host(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, Profile::Debug));
    report.step("Kotlin package", || kotlin::build::package_with_programs(project));
    report.step("Kotlin host", || kotlin::room::build(project));
    suite(project, report, Profile::Debug, cells);
    network::suite(project, report);
}

/// The tests, after bindings, reference host, and the Kotlin package and host. Where there can be no browser, or no Swift, they run without,
/// and are called so.
pub(crate) fn suite(project: &Project, report: &mut Report, profile: Profile, cells: Cells) {
    let has_swift = report.gate("Swift host", || swift::participant::build(project, profile));
    let has_browser = report.gate("browser", || browser::install(project));
    let without = [
        if has_browser { "" } else { WITHOUT_BROWSER },
        if has_swift { "" } else { WITHOUT_SWIFT },
    ]
    .concat();
    let tests = |report: &mut Report, (name, which): (&str, &'static str)| {
        report.step(&format!("interop tests, {name}{without}"), || {
            let variables = variables(project, has_swift, has_browser, cells)?;
            let only = [TESTS, "--ignore", network::TESTS, "-k", which];
            count(&mut pytest_command(project, &only, &variables), pytest_tally)
        });
    };
    match cells {
        Cells::Few => {
            let other = Lane::new("other interop tests", |report: &mut Report| {
                tests(report, MATRIX);
                tests(report, EMBEDDED);
            });
            beside::run(project, report, |report| tests(report, REAL), [other]);
        }
        // A megabyte in one burst needs the machine for itself.
        Cells::All => tests(report, ANY),
    }
}

/// What the tests are told.
fn variables(
    project: &Project,
    has_swift: bool,
    has_browser: bool,
    cells: Cells,
) -> Result<Vec<(&'static str, String)>> {
    let in_swift =
        if has_swift { run::lines(&swift::participant::command(project)?) } else { String::new() };
    let mut variables = vec![
        browser::variable(project, has_browser),
        (KOTLIN, run::lines(&kotlin::room::participant(project)?)),
        (SWIFT, in_swift),
    ];
    if cells == Cells::All {
        variables.push((TABLE, project.root.join("docs/interop.md").into_string()));
    }
    Ok(variables)
}

const TESTS: &str = "tests/interop";
/// Tests by the server of their rooms: what they are called, and how pytest is told.
const MATRIX: (&str, &str) = ("matrix of livekit-server", "not embedded and test_matrix");
const REAL: (&str, &str) = ("rooms of livekit-server", "not embedded and not test_matrix");
const EMBEDDED: (&str, &str) = ("rooms of the embedded SFU", "embedded");
const ANY: (&str, &str) = ("all rooms", "");
const WITHOUT_BROWSER: &str = ", WITHOUT A BROWSER";
const WITHOUT_SWIFT: &str = ", WITHOUT SWIFT";
/// The command that starts the host in Kotlin, a word a line.
const KOTLIN: &str = "DATATRACKS_KOTLIN_ROOM";
/// The same of that in Swift; empty where there can be none.
const SWIFT: &str = "DATATRACKS_SWIFT_HOST";
/// Where the table of all cells goes; without it only a few run.
const TABLE: &str = "DATATRACKS_INTEROP_TABLE";
