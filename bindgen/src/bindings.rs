//! The library that ships, and the bindings generated from it.

use std::{env, fs, process::Command};

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;
use uniffi_bindgen::{
    BindgenPaths, BindgenPathsLayer,
    bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths},
};

use crate::{
    kotlin,
    project::Project,
    python,
    report::{Outcome, kilobytes},
    run::{self, command},
    surface, swift, texts,
};

/// A language of the bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Python,
    Swift,
    Kotlin,
    All,
}

/// How the library is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Builds the library and generates the bindings of `language`.
pub(crate) fn generate(project: &Project, language: Language, profile: Profile) -> Result<Outcome> {
    let library = build_library(project, profile)?;
    for language in language.each() {
        let folder = project.bindings().join(language.name());
        generate_into(project, &library, *language, &folder)?;
        texts::show(project, *language, &folder.join(language.source()))?;
        if *language == Language::Python {
            // A Python module finds its library beside itself.
            strip(project, &library, &folder.join(LIBRARY))?;
        }
        list(project, &folder)?;
    }
    Ok(Outcome::Done)
}

/// Builds the shared library without features, in a target directory that no other build overwrites. It keeps its symbols:
/// the generator reads them.
pub(crate) fn build_library(project: &Project, profile: Profile) -> Result<Utf8PathBuf> {
    surface::scaffolding::check(project)?;
    let mut arguments = vec!["rustc", "--package", SHIPPED, "--lib", "--crate-type", "cdylib"];
    if profile == Profile::Release {
        arguments.push("--release");
        arguments.extend(FOLDED);
    }
    run::run(&mut cargo(project, &arguments)?)?;
    let library = library(project, profile);
    fs::copy(library.with_file_name(LIBRARY.replace(NAME, MADE)), &library)?;
    made(project, &library)?;
    Ok(library)
}

/// Cargo, for what ships and what stands on the same dependencies.
///
/// Panics name their files, and those of dependencies are in a folder of whoever builds: that is cut off, so that a library is the same
/// wherever it was made.
pub(crate) fn cargo(project: &Project, arguments: &[&str]) -> Result<Command> {
    let home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|home| home + "/.cargo"))?;
    let registries = Utf8PathBuf::from(home).join("registry/src");
    let mut flags = Vec::new();
    for registry in registries.read_dir_utf8().with_context(|| registries.to_string())? {
        flags.push(format!("'--remap-path-prefix={}='", registry?.path()));
    }
    flags.sort();
    let mut cargo = command(&project.root, "cargo", &["--config"]);
    cargo.arg(format!("build.rustflags=[{}]", flags.join(", "))).args(arguments);
    cargo.env("CARGO_TARGET_DIR", project.root.join(TARGET));
    Ok(cargo)
}

/// Where [`build_library`] leaves the library.
pub(crate) fn library(project: &Project, profile: Profile) -> Utf8PathBuf {
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    project.root.join(TARGET).join(folder).join(LIBRARY)
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
        Language::Kotlin => kotlin::generated::refine(folder),
        Language::Swift => swift::generated::refine(folder),
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

/// Writes a copy of `library` without symbols: what an application ships.
pub(crate) fn strip(project: &Project, library: &Utf8Path, stripped: &Utf8Path) -> Result<u64> {
    let arguments = ["--strip-all", "-o", stripped.as_str(), library.as_str()];
    run::capture(&mut command(&project.root, "strip", &arguments))?;
    Ok(fs::metadata(stripped)?.len())
}

/// All files below `folder`.
pub(crate) fn files(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().with_context(|| folder.to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(entry.path())?);
        } else {
            found.push(entry.into_path());
        }
    }
    found.sort();
    Ok(found)
}

fn list(project: &Project, folder: &Utf8Path) -> Result<()> {
    files(folder)?.iter().try_for_each(|file| made(project, file))
}

/// Says what was made and what it weighs.
pub(crate) fn made(project: &Project, file: &Utf8Path) -> Result<()> {
    let size = fs::metadata(file).with_context(|| file.to_string())?.len();
    println!("   {:>8}  {}", kilobytes(size), project.short(file));
    Ok(())
}

impl Language {
    /// The languages that this stands for.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::All => &[Self::Python, Self::Swift, Self::Kotlin],
            one => std::slice::from_ref(one),
        }
    }

    /// As in folder names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Swift => "swift",
            Self::Kotlin => "kotlin",
            Self::All => "all",
        }
    }

    /// The generated source that an application calls.
    fn source(self) -> &'static str {
        match self {
            Self::Python => "datatracks.py",
            Self::Swift => "DataTracks.swift",
            Self::Kotlin | Self::All => "io/datatracks/datatracks.kt",
        }
    }

    fn targets(self) -> Vec<TargetLanguage> {
        let target = |language: &Self| match language {
            Self::Python => TargetLanguage::Python,
            Self::Swift => TargetLanguage::Swift,
            Self::Kotlin | Self::All => TargetLanguage::Kotlin,
        };
        self.each().iter().map(target).collect()
    }
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

/// Functions that are compiled to the same code become one, where the compiler brings a linker that can. Rust makes no promise
/// about the addresses of functions, and nothing here compares them.
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
const FOLDED: &[&str] = &["--", "-Clink-arg=-Wl,--icf=all"];
/// Functions that are compiled to the same code stay apart: linkers differ.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
const FOLDED: &[&str] = &[];

/// The package that applications get a library of.
pub(crate) const SHIPPED: &str = "datatracks-mobile";
/// What cargo calls its library, without the ending.
pub(crate) const MADE: &str = "libdatatracks_mobile";
/// Builds of what ships; no other build overwrites them.
pub(crate) const TARGET: &str = "target/mobile";
/// What applications call it, without the ending.
const NAME: &str = "libdatatracks";
/// The shared library's file name.
#[cfg(target_os = "macos")]
pub(crate) const LIBRARY: &str = "libdatatracks.dylib";
/// The shared library's file name.
#[cfg(not(target_os = "macos"))]
pub(crate) const LIBRARY: &str = "libdatatracks.so";
