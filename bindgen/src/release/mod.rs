//! A release, as far as a machine can make it: everything is checked, built, read back and laid out. Nothing is published.
//!
//! ```text
//! versions, changelog, working tree ─► check, size ─► every package ─► target/release-VERSION: packages, SHA256SUMS, RELEASE.md
//! ```
//! A step that fails keeps no later one from running; the page says what was in the way.

pub(crate) mod folder;
mod versions;

use std::fs;

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::{
    archive::{self, Entries},
    bindings::{self, Language},
    changelog, check, files, kotlin,
    library::{self, LIBRARY, Profile},
    project::Project,
    report::{Outcome, Report},
    run::{self, command},
    size, suites, verify, wheel, xcframework,
};

/// What of it.
#[derive(Args, Clone, Copy)]
pub(crate) struct Wishes {
    /// Check, build and lay out; without it nothing is done, since publishing is for people
    #[arg(long)]
    dry_run: bool,
    /// Without what takes long: the framework for Apple's systems, the archive for Android, the wheel's own tests
    #[arg(long, requires = "dry_run")]
    quick: bool,
}

/// The whole checklist.
pub(crate) fn all(project: &Project, report: &mut Report, wishes: Wishes) {
    if !wishes.dry_run {
        report.step("release", refuse);
        return;
    }
    let version = match check::version() {
        Ok(version) => version,
        Err(error) => return report.step("version", || Err(error)),
    };
    report.step("versions", || versions::check(project, &version));
    report.step("changelog", || changelog::check(project, &version));
    report.step("working tree", || is_committed(project));
    check::all(project, report, Profile::Release);
    report.step("size", || size::measure(project));
    packages(project, report, wishes);
    let open = report.open();
    let folder = folder::path(project, &version);
    let is_filled = report.gate("release folder", || {
        let commit = run::capture(&mut command(&project.root, "git", &["rev-parse", "HEAD"]))?;
        let page = folder::Page {
            version: &version,
            commit: commit.trim(),
            open: &open,
            not_built: NOT_BUILT,
            next: &next(),
        };
        folder::fill(&folder, project, &page)
    });
    if is_filled {
        verify::file(project, report, &folder);
    }
    say!("\n== not in the folder, whatever this machine is");
    NOT_BUILT.iter().for_each(|line| say!("   {line}"));
    say!("\n== next, by people\n{}", next());
}

fn refuse() -> Result<Outcome> {
    bail!(
        "nothing is published from here. `cargo tasks release --dry-run` checks and builds everything; then, by people:\n{}",
        next()
    )
}

/// What is built is what the commit has.
fn is_committed(project: &Project) -> Result<Outcome> {
    let status = run::capture(&mut command(&project.root, "git", &["status", "--porcelain"]))?;
    ensure!(status.is_empty(), "not committed:\n{status}");
    Ok(Outcome::Done)
}

/// Everything that users take, as its own command makes it.
fn packages(project: &Project, report: &mut Report, wishes: Wishes) {
    report.step("packages of before", || {
        fs::remove_dir_all(project.packages()).ok();
        fs::create_dir_all(project.packages())?;
        Ok(Outcome::Done)
    });
    report.step("sources", || sources(project));
    report.step("library and bindings", || library_and_bindings(project));
    report.step("jar", || kotlin::jar::package(project));
    if wishes.quick {
        report.step("wheel", || wheel::package(project));
        for left_out in ["wheel tests", "archive for Android", "framework for Apple's systems"] {
            report.step(left_out, || Ok(Outcome::OutOfReach("--quick leaves it out".into())));
        }
    } else {
        suites::wheel(project, report);
        android(project, report);
        xcframework::all(project, report);
    }
}

fn android(project: &Project, report: &mut Report) {
    kotlin::android::package(project, report);
    match kotlin::android::archive(project) {
        archive if archive.exists() => verify::file(project, report, &archive),
        archive => report.step("archive", || bail!("{archive} was not made")),
    }
    if !kotlin::android::has_ndk() {
        let reason = "no NDK here (ANDROID_NDK_HOME): the archive is not for devices";
        report.step("Android for devices", || Ok(Outcome::OutOfReach(reason.into())));
    }
}

/// The commit, as one archive. `publish = false` stands in every manifest: the crate is taken by its tag.
fn sources(project: &Project) -> Result<Outcome> {
    let name = format!("datatracks-{}", env!("CARGO_PKG_VERSION"));
    let file = project.packages().join(format!("{name}-source.tar.gz"));
    let (prefix, output) = (format!("--prefix={name}/"), format!("--output={file}"));
    run::run(&mut command(&project.root, "git", &["archive", &prefix, &output, "HEAD"]))?;
    files::made(project, &file)?;
    Ok(Outcome::Done)
}

/// For those who pack by themselves: the stripped library of this machine, and the generated code of each language.
fn library_and_bindings(project: &Project) -> Result<Outcome> {
    bindings::generate(project, Language::All, Profile::Release)?;
    let stripped = project.root.join(library::TARGET).join("stripped").join(LIBRARY);
    let mut entries = Entries::from([(format!("lib/{LIBRARY}"), fs::read(&stripped)?)]);
    archive::add_folder(&mut entries, &project.bindings())?;
    let system = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let name = format!("datatracks-{}-{system}.zip", env!("CARGO_PKG_VERSION"));
    archive::write(&project.packages().join(&name), &entries)?;
    files::made(project, &project.packages().join(&name))?;
    Ok(Outcome::Done)
}

const NOT_BUILT: &[&str] = &[
    "jar, wheel and library for other systems than this one: run the same command there",
    "an archive for Android devices, unless there is an NDK (ANDROID_NDK_HOME)",
    "anything that a Mac or a phone has seen, unless you tried it there",
];
/// Ends where users begin.
fn next() -> String {
    NEXT.replace("VERSION", env!("CARGO_PKG_VERSION"))
}

const NEXT: &str = "\
1. `cargo tasks test --full` on this commit, green.
2. Upload `DataTracksFFI.xcframework.zip` where applications can download it; put its URL and its sum into the line `released` of
   Package.swift, and `git add --force swift-package/Sources/DataTracks/Generated`; commit.
3. `git tag --sign vVERSION`, and push it. The surface that it holds is what later versions are compared with.
4. Sign the sums: `gpg --detach-sign --armor SHA256SUMS`.
5. Upload: jars, archive for Android and POMs to a Maven repository, the wheel to PyPI, all of it to the page of the release.
6. Raise the version (`cargo tasks release --dry-run` names the places), and begin `## Unreleased` in CHANGELOG.md.
";
