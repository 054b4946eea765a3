//! The public surface of the Rust crate as text, in `udl/surface/rust.txt`: what a mobile build exports, one line an item.
//!
//! ```text
//! cargo rustdoc ──► JSON ──(public-api)──► items ──► each once, under its shortest path, by what it belongs to ──► text
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use public_api::{Builder, PublicApi, PublicItem};

use super::compare;
use crate::{
    library::{self, Profile},
    project::Project,
    report::Outcome,
    run,
};

/// Writes the text.
pub(super) fn write(project: &Project) -> Result<()> {
    let json = document(project, Profile::Debug)?;
    super::write_one(project, &path(project), &dump(&read(&json)?))
}

/// Fails when the committed text is not what the code gives.
pub(crate) fn check(project: &Project, profile: Profile) -> Result<Outcome> {
    let json = document(project, profile)?;
    match read(&json) {
        Ok(api) => compare(project, vec![(path(project), dump(&api))]),
        Err(error) => Ok(Outcome::NotRun(format!("this rustdoc writes another JSON: {error:#}"))),
    }
}

/// Where the committed text is.
pub(crate) fn path(project: &Project) -> Utf8PathBuf {
    project.root.join(RUST)
}

/// What rustdoc knows of the crate, with the dependencies that [`library::build`] has built.
fn document(project: &Project, profile: Profile) -> Result<Utf8PathBuf> {
    let target = project.root.join(library::TARGET);
    let arguments = ["rustdoc", "--package", "datatracks", "--lib"];
    let rustdoc = &mut library::cargo(project, &arguments)?;
    if profile == Profile::Release {
        rustdoc.arg("--release");
    }
    rustdoc.args(["--", "-Zunstable-options", "--output-format", "json"]);
    run::run(rustdoc.env("RUSTDOC", project.root.join("bindgen/src/surface/rustdoc.sh")))?;
    Ok(target.join("doc/datatracks.json"))
}

fn read(json: &Utf8Path) -> Result<PublicApi> {
    fs::metadata(json).with_context(|| json.to_string())?;
    Ok(Builder::from_rustdoc_json(json).omit_blanket_impls(true).build()?)
}

fn dump(api: &PublicApi) -> String {
    let implementations = api.items().filter(|item| {
        let line = item.to_string();
        line.starts_with("impl") && line.contains(" for ")
    });
    let implementations: BTreeSet<u32> = implementations.map(|item| item.id().0).collect();
    let is_said_by_its_trait =
        |item: &&PublicItem| item.parent_id().is_some_and(|id| implementations.contains(&id.0));
    let mut shortest = BTreeMap::<u32, String>::new();
    for item in api.items().filter(|item| !is_said_by_its_trait(item)) {
        let line = item.to_string();
        let known = shortest.entry(item.id().0).or_insert_with(|| line.clone());
        if line.len() < known.len() {
            *known = line;
        }
    }
    let lines: BTreeSet<_> = shortest.into_values().filter(|line| is_ours(line)).collect();
    let mut lines: Vec<_> = lines.iter().map(|line| (belongs_to(line), line)).collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| format!("{line}\n")).collect()
}

/// Not what the generated scaffolding needs, nor what says nothing that its members do not say.
fn is_ours(line: &str) -> bool {
    let is_heading = line.starts_with("impl") && !line.contains(" for ");
    !is_heading && !NOISE.iter().any(|noise| line.contains(noise))
}

/// What a line is about, so that it stands beside others of the same type.
fn belongs_to(line: &str) -> &str {
    path_of(line.rsplit_once(" for ").map_or(line, |(_, subject)| subject))
}

/// The first path of the crate in a line.
pub(crate) fn path_of(line: &str) -> &str {
    let path = line.get(line.find("datatracks::").unwrap_or(line.len())..).unwrap_or_default();
    let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let end = path.find(|character| !is_path(character)).unwrap_or(path.len());
    path.get(..end).unwrap_or_default().trim_end_matches(':')
}

/// In the project.
pub(crate) const RUST: &str = "udl/surface/rust.txt";
/// Traits of the scaffolding, and auto traits that no application asks for.
const NOISE: &[&str] = &[
    "uniffi_core::",
    "core::marker::Freeze",
    "core::marker::StructuralPartialEq",
    "core::marker::Unpin",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::",
];
