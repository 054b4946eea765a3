//! The JavaScript peer of the interop tests: Chromium and Node as the system has them, npm's packages in `.tools/browser`.

use std::fs;

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use crate::{
    project::Project,
    report::Outcome,
    root,
    run::{self, command},
};

/// The folder with npm's packages.
pub(crate) fn folder(project: &Project) -> Utf8PathBuf {
    project.tools().join("browser")
}

/// Where programs find npm's packages; empty where there can be no browser.
pub(crate) fn variable(project: &Project, has_browser: bool) -> (&'static str, String) {
    let folder = if has_browser { folder(project).into_string() } else { String::new() };
    ("DATATRACKS_BROWSER", folder)
}

/// Installs what is missing; says so where that cannot be.
pub(crate) fn install(project: &Project) -> Result<Outcome> {
    if let Err(error) = install_programs(project) {
        let packages = missing(project).join(", ");
        return Ok(Outcome::NotRun(format!("the packages {packages} are missing: {error:#}")));
    }
    install_packages(project)?;
    for program in ["chromium", "node"] {
        say!("   {program}: {}", version(project, program)?.trim());
    }
    Ok(Outcome::Done)
}

fn install_programs(project: &Project) -> Result<()> {
    let missing = missing(project);
    if missing.is_empty() {
        return Ok(());
    }
    run::run(&mut root::as_root(project, &["apt-get", "--quiet", "update"])?)?;
    let mut words = vec!["apt-get", "--quiet", "install", "--yes", "--no-install-recommends"];
    words.extend(missing);
    run::run(root::as_root(project, &words)?.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// The Debian packages of programs that do not start.
fn missing(project: &Project) -> Vec<&'static str> {
    let is_missing = |(program, _): &&(&str, _)| version(project, program).is_err();
    PROGRAMS.iter().filter(is_missing).map(|(_, package)| *package).collect()
}

fn version(project: &Project, program: &str) -> Result<String> {
    run::capture(&mut command(&project.root, program, &["--version"]))
}

fn install_packages(project: &Project) -> Result<()> {
    let (source, folder) = (project.root.join(SOURCE), folder(project));
    let wanted = fs::read_to_string(source.join(LOCK)).context(LOCK)?;
    let stamp = folder.join("installed.json");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        fs::create_dir_all(&folder)?;
        for file in ["package.json", ".npmrc", LOCK] {
            fs::copy(source.join(file), folder.join(file)).with_context(|| file.to_owned())?;
        }
        run::run(&mut command(&folder, "npm", &["ci", "--loglevel=error"]))?;
        fs::write(&stamp, &wanted)?;
    }
    Ok(())
}

const SOURCE: &str = "tests/interop/browser";
const LOCK: &str = "package-lock.json";
/// Program and Debian package.
const PROGRAMS: &[(&str, &str)] = &[("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")];
