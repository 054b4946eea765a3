//! What compiles, and what works on object files: Apple's tools on a Mac, those of LLVM elsewhere.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};

use super::slices::{Architecture, Slice};
use crate::{
    cross, library,
    project::Project,
    report::Outcome,
    run::{self, command},
    verify::mach,
};

/// Makes sure that the tools are there.
pub(super) fn prepare(project: &Project) -> Result<Outcome> {
    if !ON_A_MAC {
        return cross::prepare(project);
    }
    say!("   {}", run::capture(&mut command(&project.root, "xcrun", &["--find", "lipo"]))?.trim());
    Ok(Outcome::Done)
}

/// Compiles the static library for one architecture.
pub(super) fn compile(
    project: &Project,
    slice: &Slice,
    Architecture { target, minimum: (major, minor), .. }: &Architecture,
) -> Result<Utf8PathBuf> {
    let environment = [format!("{}={major}.{minor}", slice.variable())];
    let library = ["--package", library::SHIPPED, "--lib", "--crate-type", "staticlib"];
    let folder = if ON_A_MAC {
        let folder = project.root.join("target/apple/build");
        let mut cargo = command(&project.root, "env", &[]);
        cargo.args(&environment).arg(format!("CARGO_TARGET_DIR={folder}"));
        cargo.args(["cargo", "rustc", "--locked", "--release", "--target", target]);
        run::run(cargo.args(library))?;
        folder.join(target).join("release")
    } else {
        cross::rustc(project, target, &environment, &library)?
    };
    Ok(folder.join(format!("{}.a", library::MADE)))
}

/// Writes a copy of a library of one architecture in which only `functions` can be linked to, without tables of lines.
///
/// All code is optimized as one, that of the standard library and of dependencies included, and so is in one object. What else is in
/// the library nothing needs.
pub(super) fn localize(
    project: &Project,
    library: &Utf8Path,
    functions: &BTreeSet<String>,
) -> Result<Utf8PathBuf> {
    let folder = library.with_extension("localized");
    fs::create_dir_all(&folder)?;
    let whole = fs::read(library)?;
    fs::write(folder.join(WHOLE), mach::member_that_exports(&whole, functions)?)?;
    let names: Vec<&str> = functions.iter().map(String::as_str).collect();
    fs::write(folder.join(FUNCTIONS), names.join("\n") + "\n")?;
    let localized = folder.join("libdatatracks.a");
    if localized.exists() {
        fs::remove_file(&localized)?;
    }
    if ON_A_MAC {
        localize_on_a_mac(&folder, &localized)?;
    } else {
        localize_by_llvm(project, &folder, &localized)?;
    }
    let (before, after) = (imported(&whole)?, imported(&fs::read(&localized)?)?);
    let lost: Vec<_> = after.difference(&before).collect();
    ensure!(lost.is_empty(), "{library}: {lost:?} are in another object than our functions");
    Ok(localized)
}

fn localize_on_a_mac(folder: &Utf8Path, archive: &Utf8Path) -> Result<()> {
    let merge = ["ld", "-r", "-S", "-exported_symbols_list", FUNCTIONS, "-o", OBJECT, WHOLE];
    run::run(&mut command(folder, "xcrun", &merge))?;
    let pack = ["libtool", "-static", "-D", "-o", archive.as_str(), OBJECT];
    run::run(&mut command(folder, "xcrun", &pack))
}

fn localize_by_llvm(project: &Project, folder: &Utf8Path, archive: &Utf8Path) -> Result<()> {
    let (whole, object) = (folder.join(WHOLE), folder.join(OBJECT));
    let keep = format!("--keep-global-symbols={}", folder.join(FUNCTIONS));
    let copy = ["llvm-objcopy", "--strip-debug", &keep, whole.as_str(), object.as_str()];
    llvm(project, &copy)?;
    let pack = ["llvm-ar", "--format=darwin", "rcsD", archive.as_str(), object.as_str()];
    llvm(project, &pack)
}

fn imported(archive: &[u8]) -> Result<BTreeSet<String>> {
    let library = mach::read(archive)?.into_iter().next();
    Ok(library.context("an archive without objects")?.imported)
}

/// Links a library as an application would, without what only Apple's SDK could tell, and answers the size: what it adds at most. On a
/// Mac Xcode does that.
pub(super) fn link(
    project: &Project,
    slice: &Slice,
    Architecture { name, minimum: (major, minor), .. }: &Architecture,
    archive: &Utf8Path,
) -> Result<Option<u64>> {
    if ON_A_MAC {
        return Ok(None);
    }
    let linked = archive.with_extension("dylib");
    let functions = archive.with_file_name(FUNCTIONS);
    let platform =
        slice.variant.map_or(slice.platform.into(), |it| format!("{}-{it}", slice.platform));
    let version = format!("{major}.{minor}");
    let mut words = vec!["ld64.lld", "-dylib", "-arch", name, "-platform_version", &platform];
    words.extend([version.as_str(), &version, "-undefined", "dynamic_lookup", "-dead_strip", "-x"]);
    words.extend(["-exported_symbols_list", functions.as_str(), "-o", linked.as_str()]);
    words.extend(["-force_load", archive.as_str()]);
    cross::tool(project, &words)?;
    Ok(Some(fs::metadata(&linked)?.len()))
}

/// Writes one library of several, each of another architecture.
pub(super) fn unite(project: &Project, thin: &[Utf8PathBuf], library: &Utf8Path) -> Result<()> {
    let program = if ON_A_MAC { "lipo" } else { "llvm-lipo" };
    let mut words = vec![program, "-create", "-output", library.as_str()];
    words.extend(thin.iter().map(|path| path.as_str()));
    match thin {
        [only] => drop(fs::copy(only, library)?),
        _ if ON_A_MAC => run::run(&mut command(&project.root, "xcrun", &words))?,
        _ => llvm(project, &words)?,
    }
    Ok(())
}

fn llvm(project: &Project, words: &[&str]) -> Result<()> {
    let mut all = vec![LLVM];
    all.extend(words);
    cross::tool(project, &all).map(drop)
}

const ON_A_MAC: bool = cfg!(target_os = "macos");
/// Our code as the compiler leaves it, the list of what may be linked to, and the object that is packed.
const WHOLE: &str = "whole.o";
const FUNCTIONS: &str = "functions";
const OBJECT: &str = "datatracks.o";
/// The version that reads the objects of the compiler; the distribution's default is older.
const LLVM: &str = "PATH=/usr/lib/llvm-22/bin:/usr/bin:/bin";
