//! Bindings of each language, generated from the library that ships.

pub(crate) mod kotlin;
mod language;
mod python;
mod swift;
mod texts;

use std::fs;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use uniffi_bindgen::{
    BindgenPaths, BindgenPathsLayer,
    bindings::{GenerateOptions, generate_with_bindgen_paths},
};

use crate::{
    files,
    library::{self, LIBRARY, Profile},
    project::Project,
    report::Outcome,
};
pub(crate) use language::Language;

/// Builds the library and generates the bindings of `language`.
pub(crate) fn generate(project: &Project, language: Language, profile: Profile) -> Result<Outcome> {
    let library = library::build(project, profile)?;
    for language in language.each() {
        let folder = project.bindings().join(language.name());
        generate_into(project, &library, *language, &folder)?;
        texts::show(project, *language, &folder.join(language.source()))?;
        if *language == Language::Python {
            // A Python module finds its library beside itself.
            library::strip(project, &library, &folder.join(LIBRARY))?;
        }
        list(project, &folder)?;
    }
    Ok(Outcome::Done)
}

/// Generates the bindings of one language from a library with symbols. Nothing else is left in `folder`.
pub(crate) fn generate_into(
    project: &Project,
    library: &Utf8Path,
    language: Language,
    folder: &Utf8Path,
) -> Result<()> {
    generate_plain(&project.root, library, language, folder)?;
    match language {
        Language::Kotlin => kotlin::refine(folder),
        Language::Swift => swift::refine(folder),
        Language::Python => python::refine(folder),
        Language::All => Ok(()),
    }
}

/// As [`generate_into`], of any library, just as the generator makes them. `root`: where its `uniffi.toml` is.
pub(crate) fn generate_plain(
    root: &Utf8Path,
    library: &Utf8Path,
    language: Language,
    folder: &Utf8Path,
) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let options = GenerateOptions {
        languages: language.targets(),
        source: library.to_owned(),
        out_dir: folder.to_owned(),
        ..Default::default()
    };
    generate_with_bindgen_paths(options, udl_paths(root))
}

/// Where the generator looks for the UDL and for `uniffi.toml`.
pub(crate) fn udl_paths(root: &Utf8Path) -> BindgenPaths {
    let mut paths = BindgenPaths::default();
    paths.add_layer(UdlFolder(root.to_owned()));
    paths
}

fn list(project: &Project, folder: &Utf8Path) -> Result<()> {
    files::below(folder)?.iter().try_for_each(|file| files::made(project, file))
}

/// Tells the generator that the UDL is in `udl/`; by itself it looks in `src/` only.
struct UdlFolder(Utf8PathBuf);

impl BindgenPathsLayer for UdlFolder {
    fn get_crate_root(&self, _crate_name: &str) -> Option<Utf8PathBuf> {
        Some(self.0.clone())
    }

    fn get_udl_path(&self, _crate_name: &str, stem: &str) -> Option<Utf8PathBuf> {
        Some(self.0.join("udl").join(format!("{stem}.udl")))
    }
}
