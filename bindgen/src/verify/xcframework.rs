//! A framework for Apple's systems: a folder, or the archive that SwiftPM takes.
//!
//! Xcode checks little of this before an application is linked, run or sent to the store; here it is all checked.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use camino::Utf8Path;
use serde::Deserialize;

use super::{
    FUNCTIONS,
    mach::{self, Library, System},
};
use crate::{
    archive::{self, Entries},
    report::{Outcome, Report, kilobytes},
    xcframework::{
        self, MODULE,
        info::{self, Info},
        slices::{Architecture, SLICES, Slice},
    },
};

/// Everything that is known to go wrong with a framework, each a step.
pub(crate) fn all(report: &mut Report, file: &Utf8Path) {
    let mut files = Entries::new();
    let opened = report.gate("framework: contents", || {
        files = open(file)?;
        contents(&files)
    });
    for (name, check) in CHECKS.iter().filter(|_| opened) {
        report.step(&format!("framework: {name}"), || each_slice(&files, *check));
    }
}

/// The framework's files, by their path in it.
fn open(file: &Utf8Path) -> Result<Entries> {
    if file.extension() != Some("zip") {
        let mut files = Entries::new();
        archive::add_folder(&mut files, file)?;
        return Ok(files);
    }
    let prefix = format!("{}/", file.file_stem().context("it has no name")?);
    let inside = |(name, content): (String, _)| match name.strip_prefix(&prefix) {
        Some(name) => Ok((name.to_owned(), content)),
        None => bail!("{name} is not in the folder {prefix}"),
    };
    archive::read(file)?.into_iter().map(inside).collect()
}

/// `Info.plist` says what is there, and all of it is.
fn contents(files: &Entries) -> Result<Outcome> {
    let info: Info = plist::from_bytes(get(files, "Info.plist")?).context("Info.plist")?;
    ensure!(info.package_type == info::PACKAGE_TYPE, "it is of the type {}", info.package_type);
    ensure!(info.format_version == info::FORMAT_VERSION, "of the version {}", info.format_version);
    for slice in SLICES {
        let found = info.libraries.iter().find(|one| one.library_identifier == slice.identifier);
        let found = found.with_context(|| format!("Info.plist has no {}", slice.identifier))?;
        ensure!(*found == info::Library::of(slice), "Info.plist tells something else of {found:?}");
        for name in xcframework::files_of_slice() {
            get(files, &format!("{}/{name}", slice.identifier))?;
        }
        let map = text(files, &format!("{}/{}", slice.identifier, xcframework::module_map()))?;
        ensure!(map.contains(&format!("module {MODULE} {{")), "the module map has no {MODULE}");
    }
    let (listed, known) = (info.libraries.len(), SLICES.len());
    ensure!(listed == known, "Info.plist has {listed} libraries instead of {known}");
    Ok(Outcome::Done)
}

/// Each library is for the architectures that `Info.plist` names.
fn architectures(_: &Entries, slice: &Slice, libraries: &[Library]) -> Result<()> {
    let found: Vec<_> = libraries.iter().map(|library| library.architecture).collect();
    let wanted: Vec<_> = slice.architectures.iter().map(|one| one.name).collect();
    ensure!(found == wanted, "its library is for {found:?}, not {wanted:?}");
    say!("   {}: {}", slice.identifier, found.join(", "));
    Ok(())
}

/// Every object was built for the platform, and for the oldest version that is promised.
fn platforms(_: &Entries, slice: &Slice, libraries: &[Library]) -> Result<()> {
    for (library, Architecture { name, minimum, .. }) in libraries.iter().zip(slice.architectures) {
        let wanted = System { platform: slice.number.0, minimum: *minimum };
        for system in &library.built_for {
            ensure!(*system == wanted, "{name} was built for {system}, not for {wanted}");
        }
        say!("   {} {name}: {wanted}", slice.identifier);
    }
    Ok(())
}

/// Exactly the functions of the header can be linked to, and nothing is missing that Rust should have brought.
fn symbols(files: &Entries, slice: &Slice, libraries: &[Library]) -> Result<()> {
    let header = text(files, &format!("{}/{}", slice.identifier, xcframework::header()))?;
    let functions = functions(header);
    ensure!(!functions.is_empty(), "the header has no functions");
    for Library { architecture, exported, imported, .. } in libraries {
        let missing: Vec<_> = functions.difference(exported).collect();
        ensure!(missing.is_empty(), "{architecture} lacks {missing:?}");
        let foreign: Vec<_> = exported.difference(&functions).take(MANY).collect();
        ensure!(foreign.is_empty(), "{architecture} exports {foreign:?}, which are not ours");
        let rust: Vec<_> = imported.iter().filter(|name| is_of_rust(name)).take(MANY).collect();
        ensure!(rust.is_empty(), "{architecture} lacks {rust:?} of Rust");
        say!(
            "   {} {architecture}: {} functions, nothing else; {} of the system are used",
            slice.identifier,
            functions.len(),
            imported.len()
        );
    }
    Ok(())
}

/// What the store wants a reason for is declared.
fn privacy(files: &Entries, slice: &Slice, libraries: &[Library]) -> Result<()> {
    let manifest = get(files, &format!("{}/{}", slice.identifier, xcframework::PRIVACY))?;
    let manifest: Privacy = plist::from_bytes(manifest).context(xcframework::PRIVACY)?;
    let declared: BTreeSet<_> = manifest.uses.iter().map(|one| one.category.as_str()).collect();
    for library in libraries {
        for (symbol, category) in WITH_REASON {
            let is_used = library.imported.contains(*symbol);
            ensure!(
                !is_used || declared.contains(category),
                "{symbol} is used, {category} not declared"
            );
        }
    }
    Ok(())
}

fn sizes(_: &Entries, slice: &Slice, libraries: &[Library]) -> Result<()> {
    for Library { architecture, size, .. } in libraries {
        say!("   {:>8}  {} {architecture}", kilobytes(*size as u64), slice.identifier);
    }
    Ok(())
}

fn each_slice(files: &Entries, check: Check) -> Result<Outcome> {
    for slice in SLICES {
        let library = format!("{}/{}", slice.identifier, info::LIBRARY);
        let libraries = mach::read(get(files, &library)?).with_context(|| library.clone())?;
        check(files, slice, &libraries).with_context(|| slice.identifier)?;
    }
    Ok(Outcome::Done)
}

/// The functions that a header of UniFFI declares, as the linker spells them.
pub(crate) fn functions(header: &str) -> BTreeSet<String> {
    let declared = |line: &str| {
        let before = line.split_once('(')?.0;
        let name = before.rsplit([' ', '*']).next()?;
        let is_function = FUNCTIONS.iter().any(|prefix| name.starts_with(prefix));
        (is_function && !line.starts_with("typedef")).then(|| format!("_{name}"))
    };
    header.lines().filter_map(declared).collect()
}

/// Names as Rust's compiler makes them, of both kinds.
fn is_of_rust(symbol: &str) -> bool {
    ["__R", "__ZN", "_rust_", "___rust_"].iter().any(|prefix| symbol.starts_with(prefix))
}

fn get<'a>(files: &'a Entries, name: &str) -> Result<&'a [u8]> {
    Ok(files.get(name).with_context(|| format!("{name} is missing"))?)
}

fn text<'a>(files: &'a Entries, name: &str) -> Result<&'a str> {
    std::str::from_utf8(get(files, name)?).with_context(|| name.to_owned())
}

/// What is looked for in the privacy manifest.
#[derive(Deserialize)]
struct Privacy {
    #[serde(rename = "NSPrivacyAccessedAPITypes")]
    uses: Vec<Use>,
}

#[derive(Deserialize)]
struct Use {
    #[serde(rename = "NSPrivacyAccessedAPIType")]
    category: String,
}

/// Judges one slice and the libraries in its file.
type Check = fn(&Entries, &Slice, &[Library]) -> Result<()>;

const CHECKS: &[(&str, Check)] = &[
    ("architectures", architectures),
    ("platforms", platforms),
    ("symbols", symbols),
    ("privacy", privacy),
    ("sizes", sizes),
];
/// As many names as one reads in an error.
const MANY: usize = 5;
/// Functions that an application may only use for reasons that it declares, with the category of each (Apple, "required reason API").
const WITH_REASON: &[(&str, &str)] = &[
    ("_fstat", FILE_TIMESTAMP),
    ("_fstatat", FILE_TIMESTAMP),
    ("_getattrlist", FILE_TIMESTAMP),
    ("_getattrlistat", FILE_TIMESTAMP),
    ("_getattrlistbulk", FILE_TIMESTAMP),
    ("_fgetattrlist", FILE_TIMESTAMP),
    ("_lstat", FILE_TIMESTAMP),
    ("_stat", FILE_TIMESTAMP),
    ("_fstat$INODE64", FILE_TIMESTAMP),
    ("_lstat$INODE64", FILE_TIMESTAMP),
    ("_stat$INODE64", FILE_TIMESTAMP),
    ("_mach_absolute_time", "NSPrivacyAccessedAPICategorySystemBootTime"),
    ("_fstatfs", DISK_SPACE),
    ("_fstatvfs", DISK_SPACE),
    ("_statfs", DISK_SPACE),
    ("_statvfs", DISK_SPACE),
];
const FILE_TIMESTAMP: &str = "NSPrivacyAccessedAPICategoryFileTimestamp";
const DISK_SPACE: &str = "NSPrivacyAccessedAPICategoryDiskSpace";

#[cfg(test)]
#[path = "xcframework_tests.rs"]
mod tests;
