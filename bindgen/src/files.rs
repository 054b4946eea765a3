//! Files that are there, and files that were made.

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{project::Project, report::kilobytes};

/// All files below `folder`.
pub(crate) fn below(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().with_context(|| folder.to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(below(entry.path())?);
        } else {
            found.push(entry.into_path());
        }
    }
    found.sort();
    Ok(found)
}

/// Says what was made and what it weighs.
pub(crate) fn made(project: &Project, file: &Utf8Path) -> Result<()> {
    let size = fs::metadata(file).with_context(|| file.to_string())?.len();
    say!("   {:>8}  {}", kilobytes(size), project.short(file));
    Ok(())
}
