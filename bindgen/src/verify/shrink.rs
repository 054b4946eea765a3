//! What Android's build does to the classes of an archive: it compiles them for the oldest system, and shrinks them together with those
//! of an application by the rules that the archive brings along.

use std::fs;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    archive::{self, Entries},
    kotlin::{android::tools, build},
    library::LIBRARY,
    project::Project,
    report::{Outcome, Tally, kilobytes},
    run::{self, command},
    runners,
    sfu::Sfu,
};

/// Fails when the classes use what Android 24 has not got, or what its compiler does not take.
pub(super) fn check_api(project: &Project, classes: &Entries) -> Result<Outcome> {
    let folder = emptied(project, "classes")?;
    for (name, content) in classes {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(&file, content)?;
    }
    run::run(&mut tools::maven(project, &["--quiet", "animal-sniffer:check"]))?;
    let jar = tools::folder(project).join("classes.jar");
    archive::write(&jar, classes)?;
    let dex = tools::folder(project).join("dex.zip");
    let mut arguments = vec!["--release", "--min-api", MIN_SDK, "--output", dex.as_str()];
    let beside = LIBRARIES.map(|name| tools::jar(project, name));
    arguments.extend(beside.iter().flat_map(|jar| ["--classpath", jar.as_str()]));
    arguments.push(jar.as_str());
    run::run(&mut tools::r8(project, D8, &arguments)?)?;
    say!("   {:>8}  as Android's bytecode", kilobytes(fs::metadata(&dex)?.len()));
    Ok(Outcome::Done)
}

/// Shrinks an application that has nothing of its own but the core of the test list, and runs what is left of it.
pub(super) fn prove_rules(project: &Project, entries: &Entries) -> Result<Outcome> {
    let shrunk = shrink(project, entries)?;
    // An application on a device has its library from the archive; here it is that of this machine, of the same sources.
    let native = build::native(project);
    ensure!(native.join(LIBRARY).exists(), "{native} has no library: `cargo tasks kotlin`");
    let sfu = Sfu::start(project)?;
    let port = sfu.address().rsplit(':').next().context("a port")?;
    let path = format!("-Djna.library.path={native}");
    let arguments = ["-Djna.nosys=true", &path, "-cp", shrunk.as_str(), CORE_LIST, port];
    runners::count(&mut command(&project.root, "java", &arguments), tally)
}

/// Answers the application's only jar.
fn shrink(project: &Project, entries: &Entries) -> Result<Utf8PathBuf> {
    let folder = emptied(project, "app")?;
    let (ours, app) = (folder.join("classes.jar"), folder.join("app.jar"));
    archive::write(&ours, &super::aar::classes(entries)?)?;
    archive::write(&app, &application(project)?)?;
    let (rules, own) = (folder.join("proguard.txt"), folder.join("app.pro"));
    fs::write(&rules, entries.get("proguard.txt").context("proguard.txt is missing")?)?;
    fs::write(&own, APPLICATION_RULES)?;
    let shrunk = folder.join("shrunk.jar");
    let mut arguments = vec!["--release", "--classfile", "--output", shrunk.as_str()];
    arguments.extend(["--pg-conf", rules.as_str(), "--pg-conf", own.as_str()]);
    let beside = LIBRARIES.map(|name| tools::jar(project, name));
    arguments.extend([ours.as_str(), app.as_str()]);
    arguments.extend(beside.iter().map(|jar| jar.as_str()));
    run::run(&mut tools::r8(project, R8, &arguments)?)?;
    let (before, after) = (count(&ours)?, count(&shrunk)?);
    say!("   {before} classes of ours; {after} are left of those and all others");
    Ok(shrunk)
}

/// The core list, and the room that it runs in.
fn application(project: &Project) -> Result<Entries> {
    let compiled = project.root.join("target/kotlin/test-classes");
    if !compiled.join("core").exists() {
        run::run(&mut build::maven(project, &["test-compile"]))?;
    }
    let mut classes = Entries::new();
    archive::add_folder(&mut classes, &compiled)?;
    classes.retain(|name, _| name.starts_with("core/") || name.starts_with("examples/"));
    Ok(classes)
}

fn emptied(project: &Project, name: &str) -> Result<Utf8PathBuf> {
    let folder = tools::folder(project).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn count(jar: &Utf8Path) -> Result<usize> {
    Ok(archive::read(jar)?.keys().filter(|name| name.ends_with(".class")).count())
}

/// `8 passed, 0 failed`
fn tally(line: &str) -> Option<Tally> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Tally { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

const D8: &str = "com.android.tools.r8.D8";
const R8: &str = "com.android.tools.r8.R8";
/// As in the manifest.
const MIN_SDK: &str = "24";
/// What an application has beside the archive.
const LIBRARIES: [&str; 4] =
    ["annotations.jar", "jna.jar", "kotlin-stdlib.jar", "kotlinx-coroutines-core-jvm.jar"];
const CORE_LIST: &str = "core.CoreList";
/// All that an application without rules of its own keeps: where it starts.
const APPLICATION_RULES: &str =
    "-keep class core.CoreList { public static void main(java.lang.String[]); }\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_the_core_list_is_understood() {
        assert_eq!(tally("8 passed, 1 failed"), Some(Tally { passed: 8, failed: 1 }));
        assert_eq!(tally("publishing position"), None);
    }
}
