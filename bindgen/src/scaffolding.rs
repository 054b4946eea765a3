//! The Rust half of what `udl/datatracks.udl` declares. It is committed, not made by a build script: the generator is a hundred seconds
//! of a processor in each clean build, and forty crates, for whoever depends on datatracks.

use std::fs;

use anyhow::{Result, ensure};
use camino::Utf8PathBuf;
use uniffi_bindgen::generate_component_scaffolding_for_crate as generate_scaffolding;

use crate::project::{CRATE, Project};

/// Where it is, and what it should be.
pub(crate) fn derive(project: &Project) -> Result<(Utf8PathBuf, String)> {
    let made = project.root.join(MADE);
    fs::create_dir_all(&made)?;
    generate_scaffolding(&project.root.join(UDL), CRATE, Some(&made), false)?;
    let text = fs::read_to_string(made.join(format!("{CRATE}.uniffi.rs")))?;
    // The generator leaves a page of empty lines between two items, and a header that says nothing.
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let lines = lines.skip_while(|line| line.starts_with("//"));
    let scaffolding: String = lines.flat_map(|line| [line, "\n"]).collect();
    Ok((project.root.join(SCAFFOLDING), format!("{HEADER}\n{scaffolding}")))
}

/// Fails when it is another than the UDL asks for: calls of foreign languages would go astray.
pub(crate) fn check(project: &Project) -> Result<()> {
    let (path, scaffolding) = derive(project)?;
    let committed = fs::read_to_string(path).unwrap_or_default();
    ensure!(
        committed == scaffolding,
        "{SCAFFOLDING} is not what {UDL} asks for: run `cargo tasks surface`, and commit it"
    );
    Ok(())
}

const UDL: &str = "udl/datatracks.udl";
const SCAFFOLDING: &str = "udl/scaffolding.rs";
const MADE: &str = "target/scaffolding";
const HEADER: &str = "// What UniFFI makes of `datatracks.udl`, by `cargo tasks surface`. Not to be written by hand.";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_committed_scaffolding_is_that_of_the_udl() {
        check(&Project::find()).unwrap();
    }
}
