//! Reads packages back and judges them as the tools of their platform will: what an archive must hold, what its libraries need and
//! export. Looks at the file that is given and at nothing that was built beside it.

mod aar;
mod elf;
pub(crate) mod mach;
mod shrink;
pub(crate) mod xcframework;

use anyhow::{Result, bail};
use camino::Utf8Path;

use crate::{
    kotlin::android::{self, tools},
    project::Project,
    release,
    report::Report,
};

/// Verifies a package by the rules of its kind, which its name tells.
pub(crate) fn file(project: &Project, report: &mut Report, file: &Utf8Path) {
    let is = |ending: &&str| file.file_name().is_some_and(|name| name.ends_with(ending));
    if is(&".aar") {
        aar::all(project, report, file);
    } else if [".xcframework", ".xcframework.zip"].iter().any(is) {
        xcframework::all(report, file);
    } else if release::folder::is_one(file) {
        report.step("sums", || release::folder::verify(file));
    } else {
        report.step("verify", || unknown(file));
    }
}

/// What can be judged of an archive for Android before there is one: the classes of the package, with the rules that will go along.
pub(crate) fn android_classes(project: &Project, report: &mut Report) {
    report.step("Android's tools", || tools::install(project));
    report.step("API of Android 24", || {
        shrink::check_api(project, &aar::classes(&android::classes_and_rules(project)?)?)
    });
    report.step("consumer rules", || {
        shrink::prove_rules(project, &android::classes_and_rules(project)?)
    });
}

fn unknown<T>(file: &Utf8Path) -> Result<T> {
    bail!("{file}: only {KINDS} can be verified")
}

/// How UniFFI begins the names of the library's functions.
const FUNCTIONS: &[&str] = &["uniffi_datatracks_", "ffi_datatracks_"];
const KINDS: &str = "*.aar, *.xcframework, *.xcframework.zip and the folder of a release";
