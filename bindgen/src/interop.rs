//! Rooms of a real livekit-server with SDKs that others wrote: `tests/interop`.

use crate::{
    bindings::{self, Language, Profile},
    browser, kotlin, network,
    project::Project,
    report::Report,
    run,
    runners::{count, pytest_command, pytest_tally, reference_host},
    setup,
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
    report.step("bindings", || bindings::generate(project, Language::Python, Profile::Debug));
    report.step("reference host", || reference_host(project));
    report.step("Kotlin library", || kotlin::build::prepare(project, Profile::Debug));
    report.step("Kotlin package", || kotlin::build::package_with_programs(project));
    suite(project, report, cells);
}

/// The tests, after bindings, reference host and the Kotlin package. Where there can be no browser they run without, and are called so.
pub(crate) fn suite(project: &Project, report: &mut Report, cells: Cells) {
    report.step("Kotlin host", || kotlin::room::build(project));
    let has_browser = report.gate("browser", || browser::install(project));
    let name = if has_browser { NAME } else { WITHOUT_BROWSER };
    let folder = if has_browser { browser::folder(project).into_string() } else { String::new() };
    let mut variables = vec![(BROWSER, folder)];
    if cells == Cells::All {
        variables.push((TABLE, project.root.join("docs/interop.md").into_string()));
    }
    report.step(name, || {
        let host = run::lines(&kotlin::room::participant(project)?);
        let variables = [variables.as_slice(), &[(KOTLIN, host)]].concat();
        count(&mut pytest_command(project, &[TESTS, &but_for_network()], &variables), pytest_tally)
    });
    network::suite(project, report, &variables);
}

/// Those that take root's rights are a step of their own.
fn but_for_network() -> String {
    format!("--ignore={}", network::TESTS)
}

const TESTS: &str = "tests/interop";
const NAME: &str = "interop tests";
const WITHOUT_BROWSER: &str = "interop tests, WITHOUT A BROWSER";
/// Where npm's packages are; empty where there can be no browser.
const BROWSER: &str = "DATATRACKS_BROWSER";
/// The command that starts the host in Kotlin, a word a line.
const KOTLIN: &str = "DATATRACKS_KOTLIN_ROOM";
/// Where the table of all cells goes; without it only a few run.
const TABLE: &str = "DATATRACKS_INTEROP_TABLE";
