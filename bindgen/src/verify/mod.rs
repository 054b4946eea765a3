//! Reads packages back and judges them as the tools of their platform will: what an archive must hold, what its libraries need and
//! export. Looks at the file that is given and at nothing that was built beside it.

mod aar;
mod elf;
mod shrink;

use anyhow::{Result, bail};
use camino::Utf8Path;

use crate::{project::Project, report::Report};

/// Verifies a package by the rules of its kind, which its name tells.
pub(crate) fn file(project: &Project, report: &mut Report, file: &Utf8Path) {
    match file.extension() {
        Some("aar") => aar::all(project, report, file),
        _ => report.step("verify", || unknown(file)),
    }
}

fn unknown<T>(file: &Utf8Path) -> Result<T> {
    bail!("{file}: only {KINDS} can be verified")
}

const KINDS: &str = "*.aar";
