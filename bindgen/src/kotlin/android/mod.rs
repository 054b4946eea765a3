//! The archive for Android, made without Gradle and Google's SDK, and what a Maven repository has beside it.
//!
//! The classes are those of the JVM's jar. With an NDK there are libraries for devices; without one there is a single library that
//! shows that everything links, and the archive has a name that says so.

pub(crate) mod looper;
mod native;
pub(crate) mod tools;

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

pub(crate) use self::native::has_ndk;
use super::{build, jar};
use crate::{
    archive::{self, Entries},
    files,
    library::Profile,
    project::Project,
    report::{Outcome, Report},
    run,
};

/// Builds everything into `target/packages`.
pub(crate) fn package(project: &Project, report: &mut Report) {
    let ready = report.gate("Kotlin library", || build::prepare(project, Profile::Release))
        && report.gate("classes", || compile(project))
        && report.gate("native libraries", || native::build(project));
    if ready {
        report.step("archive", || assemble(project));
    }
}

/// What the archive has beside native libraries.
pub(crate) fn classes_and_rules(project: &Project) -> Result<Entries> {
    let mut entries = Entries::new();
    for (file, name) in FILES {
        let content = fs::read(source(project, file)).context(*file)?;
        entries.insert((*name).to_owned(), content);
    }
    entries.insert("classes.jar".into(), classes_jar(project)?);
    // There are no resources; the file that lists them must be there all the same.
    entries.insert("R.txt".into(), Vec::new());
    Ok(entries)
}

fn classes_jar(project: &Project) -> Result<Vec<u8>> {
    let mut classes = Entries::new();
    archive::add_folder(&mut classes, &project.root.join("target/kotlin/classes"))?;
    // The JVM's own library is in its jar, in a folder named by JNA.
    classes.retain(|name, _| !name.ends_with(".so"));
    archive::bytes(&classes)
}

fn compile(project: &Project) -> Result<Outcome> {
    run::run(&mut build::maven(project, &["package", "-DskipTests", "-DskipITs"]))?;
    Ok(Outcome::Done)
}

fn assemble(project: &Project) -> Result<Outcome> {
    let name = |kind: &str| project.packages().join(format!("{NAME}-{}{kind}", build::VERSION));
    let archive = archive(project);
    let mut entries = classes_and_rules(project)?;
    archive::add_folder(&mut entries, &native::folder(project))?;
    archive::write(&archive, &entries)?;
    files::made(project, &archive)?;
    let pom = name(".pom");
    fs::copy(source(project, "pom.xml"), &pom)?;
    files::made(project, &pom)?;
    jar::sources_jar(project, &name("-sources.jar"))?;
    jar::docs_jar(project, &name("-javadoc.jar"))?;
    say!("   now: cargo tasks verify {}", project.short(&archive));
    Ok(Outcome::Done)
}

/// Where [`package`] leaves the archive.
pub(crate) fn archive(project: &Project) -> Utf8PathBuf {
    let note = if has_ndk() { "" } else { NOT_FOR_DEVICES };
    project.packages().join(format!("{NAME}-{}{note}.aar", build::VERSION))
}

fn source(project: &Project, file: &str) -> Utf8PathBuf {
    project.root.join("kotlin-package/android").join(file)
}

const NAME: &str = "datatracks-android";
const NOT_FOR_DEVICES: &str = "-not-for-devices";
/// Files of `kotlin-package/android`, and their names in the archive.
const FILES: &[(&str, &str)] = &[
    ("AndroidManifest.xml", "AndroidManifest.xml"),
    ("aar-metadata.properties", "META-INF/com/android/build/gradle/aar-metadata.properties"),
    ("consumer-rules.pro", "proguard.txt"),
];
