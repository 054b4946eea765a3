//! An SFU that speaks the plain protocol, as a process of its own: for suites whose tests do not start one themselves.
//!
//! The embedded one speaks it itself. A real livekit-server has `datatracks bridge` in front of it, and a room of it is a real room.

mod livekit;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use self::livekit::Livekit;
use crate::{output, project::Project, report::Outcome, run::command};

/// Serves the plain protocol until it is dropped.
pub(crate) struct Sfu {
    _plain: Running,
    behind: Option<Livekit>,
    address: String,
}

impl Sfu {
    /// The embedded SFU.
    pub(crate) fn start(project: &Project) -> Result<Self> {
        Self::serve(project, &["sfu"], None)
    }

    /// A livekit-server, and the bridge to it.
    pub(crate) fn real(project: &Project) -> Result<Self> {
        let server = Livekit::start(project)?;
        let url = server.url();
        let arguments =
            ["bridge", "--url", &url, "--api-key", livekit::KEY, "--api-secret", livekit::SECRET];
        Self::serve(project, &arguments, Some(server))
    }

    fn serve(project: &Project, arguments: &[&str], behind: Option<Livekit>) -> Result<Self> {
        let plain = &mut command(&project.root, project.reference_host().as_str(), arguments);
        output::lend(plain)?.args(["--plain", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut plain = Running::start(plain)?;
        let line = plain.first_line()?;
        let address = line.trim().strip_prefix("plain ").context("it does not say where it serves");
        let address = address.with_context(|| format!("datatracks {arguments:?}"))?.to_owned();
        Ok(Self { _plain: plain, behind, address })
    }

    /// Runs tests. When they fail, what the server said last is shown.
    pub(crate) fn watch(&self, tests: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
        let outcome = tests();
        let is_good = matches!(&outcome, Ok(Outcome::Counted(tally)) if tally.failed == 0);
        if let (false, Some(server)) = (is_good, &self.behind) {
            say!("   last words of livekit-server:\n{}", server.last_words());
        }
        outcome
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// A process that ends with its owner.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        Ok(Self(command.spawn().context(name)?))
    }

    /// Empty when it has not said anything in time.
    fn first_line(&mut self) -> Result<String> {
        let output = self.0.stdout.take().context("its output is not ours")?;
        let (said, line) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(output).read_line(&mut line);
            // Nobody waits any more when it comes too late.
            let _ = said.send(read.map(|_| line));
        });
        line.recv_timeout(STARTING_TIME).unwrap_or_else(|_| Ok(String::new())).map_err(Into::into)
    }

    fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Usually a tenth of a second each, on a machine that has other things to do as well.
const STARTING_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn running(script: &str) -> Running {
        let root = Project::find().root;
        Running::start(command(&root, "sh", &["-c", script]).stdout(Stdio::piped())).unwrap()
    }

    #[test]
    fn the_first_line_says_where_it_serves() {
        let mut serves = running("echo plain 127.0.0.1:7; sleep 60");
        assert_eq!(serves.first_line().unwrap(), "plain 127.0.0.1:7\n");
        assert!(!serves.has_ended().unwrap());
        assert_eq!(running("exit 1").first_line().unwrap(), "");
    }
}
