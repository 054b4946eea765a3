//! Guards that guard: what `tests/guards.toml` lists is broken, one at a time, in a copy of the checkout, and the test beside it must fail.
//!
//! ```text
//!  checkout ── copy ─► target/guards/tree ─► each test passes ─► break one guard ─► build ─► its test fails, or hangs: caught
//!                                                                     ▲                        │ passes: NOT CAUGHT
//!                                                                     └──────── restore ───────┘
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::{
    files, programs,
    project::{CRATE, Project},
    report::{Outcome, Tally},
    run::{self, command},
};

/// Which guards to break.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// Those with this text in their name or file; without: all
    #[arg(default_value = "")]
    which: String,
}

impl Wishes {
    /// Every one.
    pub(crate) fn all() -> Self {
        Self { which: String::new() }
    }
}

/// `tests/guards.toml`.
#[derive(Deserialize)]
struct List {
    guard: Vec<Guard>,
}

/// One guard, and how to break it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    /// What holds as long as it stands.
    name: String,
    file: String,
    /// Stands once in the file.
    find: String,
    replace: String,
    /// `lib::path::of_a_test`, `models::path::of_a_model`, or a file of `tests/` and its test.
    test: String,
}

/// Breaks guards, one after the other; each is a test.
pub(crate) fn check(project: &Project, wishes: &Wishes) -> Result<Outcome> {
    let mut guards = list(&project.root)?;
    guards.retain(|guard| {
        [guard.name.as_str(), guard.file.as_str()].iter().any(|text| text.contains(&wishes.which))
    });
    let copy = Copy::new(project)?;
    copy.passes(&guards)?;
    let mut sum = Tally::default();
    for guard in &guards {
        if copy.catches(guard)? {
            sum.passed += 1;
            say!("   caught      {} ({})", guard.name, guard.test);
        } else {
            sum.failed += 1;
            say!("   NOT CAUGHT  {} ({}, by {})", guard.name, guard.file, guard.test);
        }
    }
    Ok(Outcome::Counted(sum))
}

fn list(root: &Utf8Path) -> Result<Vec<Guard>> {
    let text = fs::read_to_string(root.join(LIST))?;
    Ok(toml::from_str::<List>(&text).context(LIST)?.guard)
}

impl Guard {
    /// The file without the guard.
    fn broken(&self, text: &str) -> Result<String> {
        let times = text.matches(&self.find).count();
        ensure!(times == 1, "{}: {times} times in {}, not once", self.name, self.file);
        Ok(text.replacen(&self.find, &self.replace, 1))
    }

    /// The program with its test, and the test's name there.
    fn test(&self) -> Result<(&str, &str)> {
        self.test.split_once("::").with_context(|| format!("{}: no test", self.name))
    }
}

/// The checkout again, to be broken, with a target directory of its own.
struct Copy<'a> {
    project: &'a Project,
    tree: Utf8PathBuf,
}

impl<'a> Copy<'a> {
    /// Files that are as they were stay, so that cargo does not build them anew.
    fn new(project: &'a Project) -> Result<Self> {
        let tree = project.root.join(FOLDER).join("tree");
        let listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
        let listed = run::capture(&mut command(&project.root, "git", &listed))?;
        let mut copied = BTreeSet::new();
        // Cargo looks for its settings in the folders above, too, and would take them twice.
        for file in listed.lines().filter(|file| !file.starts_with(".cargo")) {
            let (from, to) = (project.root.join(file), tree.join(file));
            let Ok(bytes) = fs::read(&from) else { continue };
            if fs::read(&to).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(to.parent().unwrap_or(&tree))?;
                fs::write(&to, bytes)?;
            }
            copied.insert(to);
        }
        // What was moved away would be built all the same.
        let left = files::below(&tree)?.into_iter().filter(|file| !copied.contains(file));
        left.into_iter().try_for_each(fs::remove_file)?;
        Ok(Self { project, tree })
    }

    /// Every test that is named is there, and passes while nothing is broken: or else its failure would say nothing.
    fn passes(&self, guards: &[Guard]) -> Result<()> {
        let mut tests: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for guard in guards {
            let (program, test) = guard.test()?;
            tests.entry(program).or_default().push(test);
        }
        for (name, mut tests) in tests {
            tests.sort_unstable();
            tests.dedup();
            let program = self.build(name)?;
            let there = run::capture(&mut command(&self.tree, &program, &["--list"]))?;
            for test in tests {
                ensure!(
                    there.lines().any(|line| line.strip_suffix(": test") == Some(test)),
                    "{name} has no {test}"
                );
                ensure!(
                    self.succeeds(&program, test)?,
                    "{name}::{test} fails with all guards standing"
                );
            }
        }
        Ok(())
    }

    fn catches(&self, guard: &Guard) -> Result<bool> {
        let file = self.tree.join(&guard.file);
        let whole = fs::read_to_string(&file)?;
        fs::write(&file, guard.broken(&whole)?)?;
        let (program, test) = guard.test()?;
        let succeeds = self.build(program).and_then(|program| self.succeeds(&program, test));
        fs::write(&file, whole)?;
        Ok(!succeeds.with_context(|| guard.name.clone())?)
    }

    /// A test that does not end has not passed.
    fn succeeds(&self, program: &str, test: &str) -> Result<bool> {
        run::succeeds_within(&mut command(&self.tree, program, &["--exact", test]), PATIENCE)
    }

    /// The program with the tests of this name. Without the host's dependencies: those take minutes.
    fn build(&self, name: &str) -> Result<String> {
        let arguments: &[&str] = match name {
            "lib" => &["test", "--no-run", "--lib"],
            "models" => &["rustc", "--lib", "--profile", "test"],
            file => &["test", "--no-run", "--test", file],
        };
        let cargo = &mut command(&self.tree, "cargo", arguments);
        cargo.arg("--quiet").args(programs::TELLING);
        if name == "models" {
            cargo.args(["--", "--cfg", "models"]);
        }
        cargo.env("CARGO_TARGET_DIR", self.project.root.join(FOLDER).join("build"));
        // A line is another and all else as it was, hundreds of times: a third of the time.
        cargo.env("CARGO_INCREMENTAL", "1");
        let target = if ["lib", "models"].contains(&name) { CRATE } else { name };
        programs::of_target(cargo.stderr(Stdio::piped()), target)
    }
}

const LIST: &str = "tests/guards.toml";

const FOLDER: &str = "target/guards";

/// Thrice what the slowest test takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_guard_of_the_list_stands_where_it_says() {
        let root = Project::find().root;
        let guards = list(&root).unwrap();
        assert!(guards.len() >= 100, "{} guards", guards.len());
        for guard in guards {
            let text = fs::read_to_string(root.join(&guard.file)).unwrap();
            let broken = guard.broken(&text).unwrap();
            assert_ne!(text, broken, "{}", guard.name);
        }
    }

    #[test]
    fn every_test_of_the_list_is_there() {
        let root = Project::find().root;
        let sources = |folders: &[&str]| -> String {
            let files = folders.iter().flat_map(|folder| files::below(&root.join(folder)).unwrap());
            files
                .filter(|file| file.extension() == Some("rs"))
                .map(|file| fs::read_to_string(file).unwrap())
                .collect()
        };
        let (library, programs) = (sources(&["src", "aes/src"]), sources(&["tests"]));
        for guard in list(&root).unwrap() {
            let (program, test) = guard.test().unwrap();
            let there = if ["lib", "models"].contains(&program) { &library } else { &programs };
            let function = test.rsplit("::").next().unwrap();
            assert!(there.contains(&format!("fn {function}(")), "{}: {test}", guard.name);
        }
    }

    #[test]
    fn what_does_not_stand_once_cannot_be_broken() {
        let guard = Guard {
            name: "a bound".into(),
            file: "src/x.rs".into(),
            find: "if full {".into(),
            replace: "if false {".into(),
            test: "lib::x".into(),
        };
        assert_eq!(guard.broken("  if full { drop() }").unwrap(), "  if false { drop() }");
        assert!(guard.broken("if fuller {").is_err());
        assert!(guard.broken("if full {} if full {}").is_err());
    }
}
