//! An archive for Android.

use anyhow::{Result, ensure};
use camino::Utf8Path;

use crate::{
    archive::{self, Entries},
    project::Project,
    report::{Outcome, Report},
};

/// Everything that is known to go wrong with such an archive, each a step.
pub(crate) fn all(_: &Project, report: &mut Report, file: &Utf8Path) {
    report.step("contents", || contents(&archive::read(file)?));
}

/// What Android's build wants to find, with what it wants to read there.
fn contents(entries: &Entries) -> Result<Outcome> {
    for name in MANDATORY {
        ensure!(entries.contains_key(*name), "{name} is missing");
    }
    Ok(Outcome::Done)
}

/// Without these the archive is refused, or not used as it is meant.
const MANDATORY: &[&str] = &[
    "AndroidManifest.xml",
    "META-INF/com/android/build/gradle/aar-metadata.properties",
    "R.txt",
    "classes.jar",
    "proguard.txt",
];
