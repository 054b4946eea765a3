//! Folders with a Debian that packages what this machine's own distribution does not: a newer Swift, a compiler for other targets.
//!
//! Each is `.tools/NAME`: made by debootstrap from the mirror of this machine's apt. It is made under another name and moved when it
//! is complete, so that a half-made one is never taken for it. Mounts live in the mount namespace of the one command that needs
//! them, and are gone with it, however it ends. Nothing of the machine's own system is changed.

use std::{
    fs::{self, File},
    process::Command,
};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Which Debian, and what is in it.
pub(crate) struct Root {
    /// Of its folders, in `.tools/` and in `target/`.
    pub(crate) name: &'static str,
    /// The release.
    pub(crate) suite: &'static str,
    /// Beside the smallest system, with commas between.
    pub(crate) packages: &'static str,
    /// What making it costs, for people.
    pub(crate) costs: &'static str,
}

impl Root {
    /// Makes the root, unless there is one of the same packages.
    pub(crate) fn install(&self, project: &Project) -> Result<()> {
        let Self { name, suite, packages, costs } = self;
        let tools = project.tools();
        fs::create_dir_all(&tools)?;
        // Whoever else is at it is waited for.
        let only_one = File::create(tools.join(format!("{name}.lock")))?;
        only_one.lock()?;
        let (root, half_made) = (self.folder(project), tools.join(format!("{name}.half-made")));
        let stamp = tools.join(format!("{name}.txt"));
        let wanted = format!("{suite}: {packages}\n");
        let is_made = root.exists() && fs::read_to_string(&stamp).ok().as_ref() == Some(&wanted);
        if !is_made {
            say!("   {name}: a Debian {suite} with {packages} takes {costs}");
            remove(project, &root)?;
            self.make(project, &half_made)?;
            run::run(&mut as_root(project, &["mv", half_made.as_str(), root.as_str()])?)?;
            fs::write(&stamp, &wanted)?;
        }
        Ok(())
    }

    /// A command that runs in the root: `words` may begin with `NAME=value` for its environment. The project is found there under its
    /// own path, the network is that of the machine, and files are written as the caller.
    pub(crate) fn inside(
        &self,
        project: &Project,
        directory: &Utf8Path,
        words: &[&str],
    ) -> Result<Command> {
        let home = project.root.join("target").join(self.name).join("home");
        fs::create_dir_all(&home)?;
        let caller = format!("{}:{}", id(project, "-u")?, id(project, "-g")?);
        let enter = project.root.join(ENTER);
        let mut command = as_root(project, &["unshare", "--mount", enter.as_str()])?;
        let root = self.folder(project);
        command.args([root.as_str(), project.root.as_str(), directory.as_str(), &caller]);
        command.arg(format!("HOME={home}")).args(words);
        Ok(command)
    }

    /// Where it is.
    pub(crate) fn folder(&self, project: &Project) -> Utf8PathBuf {
        project.tools().join(self.name)
    }

    /// Packages once downloaded are kept until the root is made: another attempt, also that of another day, begins with them.
    fn make(&self, project: &Project, half_made: &Utf8Path) -> Result<()> {
        let downloads = project.tools().join(format!("{}.downloads", self.name));
        fs::create_dir_all(&downloads)?;
        let mirror = mirror(project)?;
        let (include, cache) =
            (format!("--include={}", self.packages), format!("--cache-dir={downloads}"));
        // In a mount namespace of its own: what debootstrap mounts and forgets is gone with it.
        let mut make = vec!["unshare", "--mount", "debootstrap", "--variant=minbase", &include];
        make.extend([&cache, self.suite, half_made.as_str(), &mirror]);
        for attempts_left in (0..ATTEMPTS).rev() {
            remove(project, half_made)?;
            match run::run(&mut as_root(project, &make)?) {
                Err(error) if attempts_left > 0 => say!("   once more: {error:#}"),
                result => result?,
            }
        }
        remove(project, &half_made.join("var/cache/apt/archives"))?;
        remove(project, &downloads)
    }
}

/// What keeps this machine from having roots: a package that it could install, or a right that no package brings.
pub(crate) fn obstacle(project: &Project) -> Option<Outcome> {
    if let Err(error) = run::capture(&mut command(&project.root, "debootstrap", &["--version"])) {
        return Some(Outcome::NotRun(format!("{error:#}")));
    }
    let may_mount = as_root(project, &["unshare", "--mount", "chroot", "/", "true"]);
    let error = may_mount.and_then(|mut command| run::capture(&mut command)).err()?;
    let reason = "a root of Debian takes the right to mount, that of root or of sudo";
    Some(Outcome::OutOfReach(format!("{reason}: {error:#}")))
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

/// Removes a folder, whoever owns what is in it. Nothing is mounted there outside of the namespaces of running commands.
fn remove(project: &Project, folder: &Utf8Path) -> Result<()> {
    run::run(&mut as_root(project, &["rm", "-rf", folder.as_str()])?)
}

/// A command with the rights that it takes to mount, to install, and to write files of others.
pub(crate) fn as_root(project: &Project, words: &[&str]) -> Result<Command> {
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

/// With a compiler that can make the standard library for other targets, from its source, and the tools that read what comes of it.
pub(crate) const CROSS: Root = Root {
    name: "cross",
    suite: "sid",
    packages: "rustc,cargo,rust-src,clang,lld,llvm-22",
    costs: "three minutes and 2 GB",
};
/// A mirror that fails once may be in the middle of an update.
const ATTEMPTS: u32 = 3;
/// Mounts what a command needs, and runs it in the root.
const ENTER: &str = "bindgen/src/root/enter.sh";
