//! Whether the version says what became of the Rust surface since the last release.
//!
//! ```text
//! udl/surface/rust.txt of the newest tag v… ─┐
//! udl/surface/rust.txt here ─────────────────┴─► removed, changed, added ─► breaking? then the version's breaking part has risen
//! ```
//! What the text does not tell is taken as breaking: whether a new method of a trait has a body, for one. A private field that joins
//! public ones does not show.

use std::{collections::BTreeMap, fs};

use anyhow::{Result, bail, ensure};
use semver::{Comparator, Op, Version};

use crate::{
    changelog,
    project::Project,
    report::Outcome,
    run::{self, command},
    surface::{self, rust::path_of},
};

/// Compares with the last release. Before the first one there is nothing to break.
pub(crate) fn check(project: &Project, version: &Version) -> Result<Outcome> {
    let now = fs::read_to_string(surface::rust::path(project))?;
    let Some(released) = last_release(project, version)? else {
        say!("   nothing is released yet; the tag v{version} will be what is compared with");
        return Ok(Outcome::Done);
    };
    let before = git(project, &["show", &format!("v{released}:{}", surface::rust::RUST)])?;
    let changes = Changes::between(&before, &now);
    changes.lines().iter().for_each(|line| say!("   {line}"));
    judge(&changes, &released, version)?;
    say!("   {version} may follow {released}");
    Ok(Outcome::Done)
}

/// By the tags. Where those are missing that the changelog tells of, nothing can be compared.
fn last_release(project: &Project, version: &Version) -> Result<Option<Version>> {
    let tags = git(project, &["tag", "--list", "v*"])?;
    let tags = tags.lines().filter_map(|tag| Version::parse(tag.strip_prefix('v')?).ok());
    let newest = tags.max();
    let told = changelog::released(&changelog::read(project)?);
    let told = told.into_iter().filter(|told| told < version).max();
    if let Some(told) = told.filter(|told| newest.as_ref() < Some(told)) {
        bail!("CHANGELOG.md tells of {told}, and there is no tag v{told}: git fetch --tags");
    }
    Ok(newest)
}

fn git(project: &Project, arguments: &[&str]) -> Result<String> {
    run::capture(&mut command(&project.root, "git", arguments))
}

fn judge(changes: &Changes, released: &Version, version: &Version) -> Result<()> {
    ensure!(version >= released, "the version {version} is older than the released {released}");
    let compatible = Comparator {
        op: Op::Caret,
        major: released.major,
        minor: Some(released.minor),
        patch: Some(released.patch),
        pre: released.pre.clone(),
    };
    let breaking = changes.breaking();
    if breaking > 0 && compatible.matches(version) {
        let part = if released.major == 0 { "minor" } else { "major" };
        bail!(
            "{breaking} changes break users of {released}, for whom {version} is an update: raise the {part} version"
        );
    }
    Ok(())
}

/// What became of the lines of a surface.
#[derive(Debug, Default)]
struct Changes {
    removed: Vec<String>,
    /// As it was, and as it is.
    changed: Vec<(String, String)>,
    added: Vec<String>,
    /// Added, and yet in the way of code that was right.
    added_to_closed: Vec<String>,
}

impl Changes {
    fn between(before: &str, after: &str) -> Self {
        let only = |one: &str, other: &str| -> BTreeMap<String, String> {
            let new = one.lines().filter(|line| !other.lines().any(|known| known == *line));
            new.map(|line| (name(line).to_owned(), line.to_owned())).collect()
        };
        let mut changes = Self::default();
        let mut new = only(after, before);
        for (name, old) in only(before, after) {
            match new.remove(&name) {
                Some(new) => changes.changed.push((old, new)),
                None => changes.removed.push(old),
            }
        }
        let (closed, open): (Vec<_>, Vec<_>) =
            new.into_values().partition(|line| is_added_to_closed(line, before));
        (changes.added_to_closed, changes.added) = (closed, open);
        changes
    }

    fn breaking(&self) -> usize {
        self.removed.len() + self.changed.len() + self.added_to_closed.len()
    }

    fn lines(&self) -> Vec<String> {
        let changed =
            self.changed.iter().map(|(old, new)| format!("changed: {old}\n      now: {new}"));
        let one = |word: &'static str| move |line: &String| format!("{word} {line}");
        let removed = self.removed.iter().map(one("removed:"));
        let closed = self.added_to_closed.iter().map(one("added where users have all of it:"));
        removed.chain(changed).chain(closed).chain(self.added.iter().map(one("added:"))).collect()
    }
}

/// What a line declares, whatever it is like. An implementation is its whole line.
fn name(line: &str) -> &str {
    if line.starts_with("impl") { line } else { path_of(line) }
}

/// Whether a new line is one more variant that a `match` must know, one more field that a literal must give, or one more method that an
/// implementation must have.
fn is_added_to_closed(line: &str, before: &str) -> bool {
    let Some((parent, _)) = path_of(line).rsplit_once("::") else { return false };
    let was = |kind: &str| {
        let declares = |known: &str| known.starts_with(kind) && path_of(known) == parent;
        before.lines().any(declares)
    };
    let has_members = || {
        let is_member = |known: &str| {
            known.starts_with(MEMBER) && path_of(known).starts_with(&format!("{parent}::"))
        };
        before.lines().any(is_member)
    };
    let is_closed = || was("pub enum ") || was(MEMBER) || was("pub struct ") && has_members();
    was("pub trait ") || line.starts_with(MEMBER) && is_closed()
}

/// How lines of variants and fields begin, which have no word for what they are.
const MEMBER: &str = "pub datatracks::";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    const RELEASED: &str = "\
pub enum datatracks::Closed
pub datatracks::Closed::A
pub datatracks::Closed::B
pub datatracks::Closed::B::length: u64
impl core::marker::Send for datatracks::Closed
#[non_exhaustive] pub enum datatracks::Open
pub datatracks::Open::A
pub struct datatracks::Opaque
pub fn datatracks::Opaque::name(&self) -> &str
pub struct datatracks::Options
pub datatracks::Options::size: u64
pub trait datatracks::Sink: core::marker::Send
pub fn datatracks::Sink::log(&self)
pub fn datatracks::open(u8) -> u8
";

    /// What becomes of the released surface when a line of it is another.
    fn after(old: &str, new: &str) -> Changes {
        assert!(RELEASED.contains(old), "{old}");
        Changes::between(RELEASED, &RELEASED.replace(old, new))
    }

    fn follows(changes: &Changes, version: &str) -> bool {
        let released = Version::new(0, 3, 1);
        let version = Version::parse(version).expect("a version");
        judge(changes, &released, &version).is_ok()
    }

    #[test]
    fn what_is_removed_breaks() {
        let changes = after("pub fn datatracks::open(u8) -> u8\n", "");
        assert_eq!(changes.removed, ["pub fn datatracks::open(u8) -> u8"]);
        let changes = after("impl core::marker::Send for datatracks::Closed\n", "");
        assert_eq!(changes.breaking(), 1);
    }

    #[test]
    fn a_signature_that_is_changed_breaks() {
        let changes = after("open(u8) -> u8", "open(u16) -> u8");
        let [(old, new)] = &*changes.changed else { panic!("{changes:?}") };
        assert_eq!(old, "pub fn datatracks::open(u8) -> u8");
        assert_eq!(new, "pub fn datatracks::open(u16) -> u8");
        assert_eq!(changes.breaking(), 1);
        assert_eq!(after("size: u64", "size: u32").changed.len(), 1);
    }

    #[test]
    fn what_is_added_where_users_have_all_of_it_breaks() {
        let breaking = [
            ("pub datatracks::Closed::A", "pub datatracks::Closed::A\npub datatracks::Closed::C"),
            ("length: u64", "length: u64\npub datatracks::Closed::B::width: u64"),
            ("size: u64", "size: u64\npub datatracks::Options::speed: u64"),
            ("Sink::log(&self)", "Sink::log(&self)\npub fn datatracks::Sink::flush(&self)"),
        ];
        for (old, new) in breaking {
            let changes = after(old, new);
            assert_eq!(changes.added_to_closed.len(), 1, "{new}: {changes:?}");
            assert_eq!(changes.breaking(), 1);
        }
    }

    #[test]
    fn what_is_merely_added_breaks_nothing() {
        let harmless = [
            ("pub datatracks::Open::A", "pub datatracks::Open::A\npub datatracks::Open::B"),
            (
                "pub struct datatracks::Opaque",
                "pub struct datatracks::Opaque\npub datatracks::Opaque::size: u8",
            ),
            (
                "name(&self) -> &str",
                "name(&self) -> &str\npub fn datatracks::Opaque::size(&self) -> u8",
            ),
            (
                "pub enum datatracks::Closed",
                "pub fn datatracks::close()\npub enum datatracks::Closed",
            ),
        ];
        for (old, new) in harmless {
            let changes = after(old, new);
            assert_eq!((changes.added.len(), changes.breaking()), (1, 0), "{new}: {changes:?}");
            assert!(follows(&changes, "0.3.2"));
        }
    }

    #[test]
    fn what_breaks_wants_the_breaking_part_to_rise() {
        let changes = after("open(u8)", "open(u16)");
        assert!(!follows(&changes, "0.3.1") && !follows(&changes, "0.3.2"));
        assert!(follows(&changes, "0.4.0") && follows(&changes, "1.0.0"));
        assert!(!follows(&Changes::default(), "0.3.0"), "older than what is released");
    }

    #[test]
    fn the_surface_of_the_newest_tag_is_what_is_compared_with() {
        let root = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap();
        let project =
            Project { root: root.join(format!("datatracks-tags-{}", std::process::id())) };
        let surface = surface::rust::path(&project);
        fs::create_dir_all(surface.parent().unwrap()).unwrap();
        let release = |version: &str, text: &str| {
            fs::write(&surface, text).unwrap();
            fs::write(project.root.join("CHANGELOG.md"), format!("## {version}\n\n- new\n"))
                .unwrap();
            git(&project, &["add", "."]).unwrap();
            let author = [
                "-c",
                "user.name=tests",
                "-c",
                "user.email=tests@localhost",
                "-c",
                "commit.gpgsign=false",
            ];
            git(&project, &[&author[..], &["commit", "--quiet", "--message", version]].concat())
                .unwrap();
        };
        let check = |version: &str| check(&project, &Version::parse(version).unwrap());

        git(&project, &["init", "--quiet"]).unwrap();
        release("0.1.0", RELEASED);
        assert!(check("0.1.0").is_ok(), "nothing is released");
        assert!(check("0.1.1").is_err(), "released by the changelog, and no tag");
        git(&project, &["tag", "v0.1.0"]).unwrap();
        release("0.2.0", &RELEASED.replace("open(u8)", "open(u16)"));
        assert!(check("0.1.1").is_err());
        assert!(check("0.2.0").is_ok());
        git(&project, &["tag", "v0.2.0"]).unwrap();
        assert!(check("0.2.1").is_ok(), "compared with 0.2.0, not with 0.1.0");
        fs::remove_dir_all(&project.root).unwrap();
    }
}
