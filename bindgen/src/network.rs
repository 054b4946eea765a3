//! What runs in network namespaces of its own: `tests/interop/network.py`, and what stands on it. They take root's rights.

use std::process::Command;

use anyhow::Result;

use crate::{
    project::Project,
    report::{Outcome, Report},
    root::as_root,
    run::{self, command},
    runners::{count, pytest_command, pytest_tally},
};

/// The tests, where this machine can have namespaces.
pub(crate) fn suite(project: &Project, report: &mut Report) {
    if report.gate("network namespaces", || namespaces(project)) {
        report.step("tests on a poor network", || {
            count(&mut privileged(project, &pytest_command(project, &[TESTS], &[]))?, pytest_tally)
        });
    }
}

/// Whether a namespace, a TUN device and a limit to its rate can be made here.
pub(crate) fn namespaces(project: &Project) -> Result<Outcome> {
    for (program, version) in [("ip", "-Version"), ("tc", "-Version")] {
        if let Err(error) = run::capture(&mut command(&project.root, program, &[version])) {
            return Ok(Outcome::NotRun(format!("{error:#}")));
        }
    }
    let attempt = as_root(project, &["sh", "-c", ATTEMPT]);
    Ok(match attempt.and_then(|mut attempt| run::capture(&mut attempt)) {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::OutOfReach(format!("a network takes root's rights: {error:#}")),
    })
}

/// The same command with root's rights and the same variables.
pub(crate) fn privileged(project: &Project, inner: &Command) -> Result<Command> {
    let variables = inner.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let words: Vec<_> = ["env".to_owned(), NO_TRACES.to_owned()]
        .into_iter()
        .chain(variables)
        .chain(run::words(inner).map(Into::into))
        .collect();
    as_root(project, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The tests that take a network; the other interop tests run without rights.
pub(crate) const TESTS: &str = "tests/interop/test_network.py";

/// As the tests do it, and nothing is left of it.
const ATTEMPT: &str = "\
name=datatracks-$$
ip netns add $name || exit
ip -n $name tuntap add mode tun name attempt &&
    tc -n $name qdisc add dev attempt root tbf rate 20mbit burst 32k latency 100ms
status=$?
ip netns delete $name
exit $status";

/// Files of root's, where others work.
const NO_TRACES: &str = "PYTHONDONTWRITEBYTECODE=1";
