//! The public surface of each language as text, in `udl/surface/`.
//!
//! ```text
//! UDL ──► scaffolding, which the library is built with
//! library with symbols ──► ComponentInterface ──(renames of uniffi.toml)──► Dump in a language's Spelling ──► text
//! ```
//! Owns no opinion on what the surface should be; it makes a change of it visible in a diff.

mod dump;
pub(crate) mod rust;
mod spelling;

use std::{collections::HashMap, fs};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use uniffi_bindgen::{
    BindgenLoader, ComponentInterface, GlobalConfig,
    interface::{apply_exclusions, rename},
};

use crate::{
    bindings::{self, Language},
    kotlin,
    library::{self, Profile},
    project::{CRATE, Project},
    report::Outcome,
    scaffolding,
};

/// Writes the scaffolding, the surface of every language, and that of the crate.
pub(crate) fn write(project: &Project) -> Result<Outcome> {
    let (path, scaffolding) = scaffolding::derive(project)?;
    write_one(project, &path, &scaffolding)?;
    for (path, surface) in derive(project, Profile::Debug)? {
        write_one(project, &path, &surface)?;
    }
    rust::write(project)?;
    Ok(Outcome::Done)
}

fn write_one(project: &Project, path: &Utf8Path, surface: &str) -> Result<()> {
    let before = fs::read_to_string(path).unwrap_or_default();
    fs::create_dir_all(path.with_file_name(""))?;
    fs::write(path, surface)?;
    let state = if before == surface { "unchanged" } else { "changed" };
    say!("   {:>4} lines  {} ({state})", surface.lines().count(), project.short(path));
    Ok(())
}

/// Fails when the committed surface of a language is not what the code gives.
pub(crate) fn check(project: &Project, profile: Profile) -> Result<Outcome> {
    compare(project, derive(project, profile)?)
}

fn compare(project: &Project, surfaces: Vec<(Utf8PathBuf, String)>) -> Result<Outcome> {
    let mut changed = Vec::new();
    for (path, surface) in surfaces {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if committed != surface {
            differences(&committed, &surface).iter().for_each(|line| say!("   {line}"));
            changed.push(project.short(&path).to_string());
        }
    }
    if !changed.is_empty() {
        bail!(
            "{} changed; if that is meant, run `cargo tasks surface`, commit it and tell users in CHANGELOG.md",
            changed.join(", ")
        );
    }
    Ok(Outcome::Done)
}

fn derive(project: &Project, profile: Profile) -> Result<Vec<(Utf8PathBuf, String)>> {
    let library = library::build(project, profile)?;
    let mut surfaces = Vec::new();
    for language in Language::All.each() {
        let (interface, aliases) = load(project, &library, *language)?;
        let path = project.root.join("udl/surface").join(format!("{}.txt", language.name()));
        let mut surface = dump::dump(&interface, &aliases, spelling::of(*language));
        if *language == Language::Kotlin {
            surface += &kotlin::surface::by_hand(project)?;
        }
        surfaces.push((path, surface));
    }
    Ok(surfaces)
}

/// The interface as one language's generator sees it: without what its settings exclude, under the names that they give.
fn load(
    project: &Project,
    library: &Utf8Path,
    language: Language,
) -> Result<(ComponentInterface, Aliases)> {
    let loader = BindgenLoader::new(bindings::udl_paths(&project.root), GlobalConfig::default());
    let interfaces = loader.load_cis(loader.load_metadata(library)?)?;
    let components = loader.load_components(interfaces, |_, settings| {
        let settings = settings.get("bindings").and_then(|all| all.get(language.name()));
        Ok(settings.and_then(|settings| settings.as_table()).cloned().unwrap_or_default())
    })?;
    let component = components.into_iter().find(|one| one.ci.crate_name() == CRATE);
    let component = component.context("the library has no interface of this crate")?;
    let aliases = aliases(&component.config);
    let mut interface = component.ci;
    let excluded = component.config.get("exclude").and_then(|list| list.as_array());
    let excluded = excluded.into_iter().flatten().filter_map(|name| Some(name.as_str()?.into()));
    apply_exclusions(&mut interface, &excluded.collect::<Vec<String>>());
    if let Some(names) = component.config.get("rename").and_then(|names| names.as_table()) {
        rename(&mut interface, &HashMap::from([(CRATE.into(), names.clone())]));
    }
    Ok((interface, aliases))
}

/// What a custom type is in a language, where its settings say so.
pub(crate) type Aliases = HashMap<String, String>;

fn aliases(settings: &toml::Table) -> Aliases {
    let types = settings.get("custom_types").and_then(|types| types.as_table());
    let named = types.into_iter().flatten().filter_map(|(name, settings)| {
        Some((name.clone(), settings.get("type_name")?.as_str()?.to_owned()))
    });
    named.collect()
}

/// Lines that are in one text only, in order, with the sign of a diff.
fn differences(before: &str, after: &str) -> Vec<String> {
    let only = |one: &str, other: &str, sign: char| -> Vec<String> {
        let missing = |line: &&str| !other.lines().any(|known| known == *line);
        one.lines().filter(missing).map(|line| format!("{sign} {line}")).collect()
    };
    [only(before, after, '-'), only(after, before, '+')].concat()
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn differences_are_lines_of_one_side() {
        assert_eq!(differences("a\nb\n", "a\nc\n"), ["- b", "+ c"]);
        assert!(differences("a\n", "a\n").is_empty());
    }
}
