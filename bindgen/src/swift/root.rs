//! A folder with a Debian that packages Swift, for machines whose own distribution has none.
//!
//! Owns `.tools/swift`: made by debootstrap from the mirror of this machine's apt. It is made under another name and moved when it
//! is complete, so that a half-made one is never taken for it. Mounts live in the mount namespace of the one command that needs
//! them, and are gone with it, however it ends. Nothing of the machine's own system is changed.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    project::Project,
    run::{self, command},
};

/// Makes the root, unless there is one of the same packages.
pub(crate) fn install(project: &Project) -> Result<()> {
    let (root, half_made) = (folder(project), project.tools().join("swift.half-made"));
    let stamp = project.tools().join("swift.txt");
    let wanted = format!("{SUITE}: {PACKAGES}\n");
    let is_made = root.exists() && fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted);
    if !is_made {
        println!("   swift: a Debian {SUITE} with {PACKAGES} takes two minutes and 2.7 GB");
        run::run(&mut as_root(project, &["rm", "-rf", root.as_str(), half_made.as_str()])?)?;
        make(project, &half_made)?;
        run::run(&mut as_root(project, &["mv", half_made.as_str(), root.as_str()])?)?;
        fs::write(&stamp, &wanted)?;
    }
    Ok(())
}

/// A command that runs in the root: `words` may begin with `NAME=value` for its environment. The project is found there under its own
/// path, the network is that of the machine, and files are written as the caller.
pub(crate) fn inside(project: &Project, directory: &Utf8Path, words: &[&str]) -> Result<Command> {
    let home = project.root.join("target/swift/home");
    fs::create_dir_all(&home)?;
    let caller = format!("{}:{}", id(project, "-u")?, id(project, "-g")?);
    let mut command = as_root(project, &["unshare", "--mount", project.root.join(ENTER).as_str()])?;
    command.args([folder(project).as_str(), project.root.as_str(), directory.as_str(), &caller]);
    command.arg(format!("HOME={home}")).args(words);
    Ok(command)
}

fn folder(project: &Project) -> Utf8PathBuf {
    project.tools().join("swift")
}

fn make(project: &Project, root: &Utf8Path) -> Result<()> {
    run::capture(&mut command(&project.root, "debootstrap", &["--version"]))?;
    let include = format!("--include={PACKAGES}");
    let mirror = mirror(project)?;
    // In a mount namespace of its own: what debootstrap mounts and forgets is gone with it.
    let make = ["unshare", "--mount", "debootstrap", "--variant=minbase", &include, SUITE];
    run::run(as_root(project, &make)?.args([root.as_str(), &mirror]))?;
    let archives = root.join("var/cache/apt/archives");
    run::run(&mut as_root(project, &["rm", "-rf", archives.as_str()])?)
}

/// Where this machine's apt takes its own release from.
fn mirror(project: &Project) -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.context("this system has no VERSION_CODENAME in /etc/os-release")?;
    let (format, ours) = ("$(REPO_URI)", format!("Release: {codename}"));
    let arguments = ["indextargets", "--format", format, &ours, "Component: main"];
    let targets = run::capture(&mut command(&project.root, "apt-get", &arguments))?;
    let mirror = targets.lines().next().with_context(|| format!("apt knows no {codename}"))?;
    Ok(mirror.to_owned())
}

/// A command with the rights that it takes to mount, and to write files of others.
fn as_root(project: &Project, words: &[&str]) -> Result<Command> {
    Ok(match words {
        [program, arguments @ ..] if id(project, "-u")? == "0" => {
            command(&project.root, program, arguments)
        }
        _ => command(&project.root, "sudo", words),
    })
}

fn id(project: &Project, option: &str) -> Result<String> {
    let number = run::capture(&mut command(&project.root, "id", &[option]))?;
    Ok(number.trim().to_owned())
}

/// The release that packages Swift 6, the first with typed throws and complete checks of concurrency.
const SUITE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libstdc++-14-dev,libc6-dev";
/// Mounts what a command needs, and runs it in the root.
const ENTER: &str = "bindgen/src/swift/enter.sh";
