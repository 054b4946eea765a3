//! The jar for the JVM, its native library inside, its POM, and the jars of its sources and documentation.

use std::fs;

use anyhow::Result;
use camino::Utf8Path;

use super::build;
use crate::{
    archive::{self, Entries},
    files,
    library::Profile,
    project::Project,
    report::Outcome,
    run,
};

/// Builds what ships and puts the jars into `target/packages`.
pub(crate) fn package(project: &Project) -> Result<Outcome> {
    build::prepare(project, Profile::Release)?;
    run::run(&mut build::maven(project, &["package", "-Dmaven.test.skip=true"]))?;
    let packages = project.packages();
    fs::create_dir_all(&packages)?;
    let name = |kind: &str| packages.join(format!("datatracks-{}{kind}", build::VERSION));
    let jar = name(".jar");
    fs::copy(project.root.join("target/kotlin").join(jar.file_name().unwrap_or_default()), &jar)?;
    files::made(project, &jar)?;
    fs::copy(project.root.join("kotlin-package/pom.xml"), name(".pom"))?;
    sources_jar(project, &name("-sources.jar"))?;
    docs_jar(project, &name("-javadoc.jar"))?;
    Ok(Outcome::Done)
}

/// Packs the hand-written and the generated sources.
pub(crate) fn sources_jar(project: &Project, file: &Utf8Path) -> Result<()> {
    let hand_written = project.root.join("kotlin-package/src/main/kotlin");
    pack(project, file, &[&hand_written, &project.bindings().join("kotlin")])
}

/// Packs what Dokka writes.
pub(crate) fn docs_jar(project: &Project, file: &Utf8Path) -> Result<()> {
    build::document(project)?;
    pack(project, file, &[&build::documentation(project)])
}

fn pack(project: &Project, file: &Utf8Path, folders: &[&Utf8Path]) -> Result<()> {
    let mut entries = Entries::new();
    folders.iter().try_for_each(|folder| archive::add_folder(&mut entries, folder))?;
    archive::write(file, &entries)?;
    files::made(project, file)
}
