//! The embedded SFU as a process of its own, for suites whose tests do not start one themselves.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use anyhow::{Context, Result};

use crate::{project::Project, run::command};

/// Serves the plain protocol until it is dropped.
pub(crate) struct Sfu {
    process: Child,
    address: String,
}

impl Sfu {
    pub(crate) fn start(project: &Project) -> Result<Self> {
        let arguments = ["sfu", "--plain", "127.0.0.1:0"];
        let sfu = &mut command(&project.root, project.reference_host().as_str(), &arguments);
        let mut process = sfu.stdout(Stdio::piped()).spawn().context("target/debug/datatracks")?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let mut sfu = Self { process, address: String::new() };
        let address = line.trim().strip_prefix("plain ").context("the SFU says no address")?;
        address.clone_into(&mut sfu.address);
        Ok(sfu)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Sfu {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
