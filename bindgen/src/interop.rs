//! Rooms of a real livekit-server with SDKs that others wrote: `tests/interop`.

use crate::{
    bindings::{self, Language},
    browser, kotlin,
    library::Profile,
    network,
    project::Project,
    report::Report,
    run,
    runners::{count, count_both, pytest_command, pytest_tally, reference_host},
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
    suite(project, report, Profile::Debug, cells);
}

/// The tests, after bindings, reference host and the Kotlin package. Where there can be no browser, or no Swift, they run without, and are
/// called so.
pub(crate) fn suite(project: &Project, report: &mut Report, profile: Profile, cells: Cells) {
    report.step("Kotlin host", || kotlin::room::build(project));
    let has_swift = report.gate("Swift host", || swift::participant::build(project, profile));
    let has_browser = report.gate("browser", || browser::install(project));
    let name = [
        NAME,
        if has_browser { "" } else { WITHOUT_BROWSER },
        if has_swift { "" } else { WITHOUT_SWIFT },
    ]
    .concat();
    let mut variables = vec![browser::variable(project, has_browser)];
    if cells == Cells::All {
        variables.push((TABLE, project.root.join("docs/interop.md").into_string()));
    }
    report.step(&name, || {
        let in_kotlin = run::lines(&kotlin::room::participant(project)?);
        let in_swift = if has_swift {
            run::lines(&swift::participant::command(project)?)
        } else {
            String::new()
        };
        let hosts = [(KOTLIN, in_kotlin), (SWIFT, in_swift)];
        let variables = [variables.as_slice(), &hosts].concat();
        let network = but_for_network();
        let on = |servers| pytest_command(project, &[TESTS, &network, "-k", servers], &variables);
        match cells {
            Cells::Few => count_both([&mut on(REAL), &mut on(EMBEDDED)], pytest_tally),
            // A megabyte in one burst needs the machine for itself.
            Cells::All => count(&mut on(ANY), pytest_tally),
        }
    });
    network::suite(project, report, &variables);
}

/// Those that take root's rights are a step of their own.
fn but_for_network() -> String {
    format!("--ignore={}", network::TESTS)
}

const TESTS: &str = "tests/interop";
/// Which tests, by the server of their rooms.
const EMBEDDED: &str = "embedded";
const REAL: &str = "not embedded";
const ANY: &str = "";
const NAME: &str = "interop tests";
const WITHOUT_BROWSER: &str = ", WITHOUT A BROWSER";
const WITHOUT_SWIFT: &str = ", WITHOUT SWIFT";
/// The command that starts the host in Kotlin, a word a line.
const KOTLIN: &str = "DATATRACKS_KOTLIN_ROOM";
/// The same of that in Swift; empty where there can be none.
const SWIFT: &str = "DATATRACKS_SWIFT_HOST";
/// Where the table of all cells goes; without it only a few run.
const TABLE: &str = "DATATRACKS_INTEROP_TABLE";
