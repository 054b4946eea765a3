//! The framework that Swift packages take on Apple's systems: static libraries, headers, and what Xcode reads beside them.
//!
//! ```text
//! for each architecture: cargo rustc ─► archive ─► only our functions global ─┐
//!                                             for each slice: one library of all architectures ─► folder ─► zip, checksum
//! ```
//! On a Mac Apple's tools do it; elsewhere those of LLVM, and a compiler that makes its own standard library (`cross`): a static
//! library is not linked, so nothing of Apple's is needed.

pub(crate) mod info;
pub(crate) mod slices;
mod tools;

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use self::{
    info::{HEADERS, Info, LIBRARY},
    slices::{SLICES, Slice},
};
use crate::{
    archive::{self, Entries},
    bindings::{self, Language},
    files,
    library::Profile,
    project::Project,
    report::{Outcome, Report, kilobytes},
    verify,
};

/// Toolchain, a library for each slice, the framework, and what `verify` finds in it.
pub(crate) fn all(project: &Project, report: &mut Report) {
    let is_ready = report
        .gate("bindings", || bindings::generate(project, Language::Swift, Profile::Release))
        && report.gate("cross toolchain", || tools::prepare(project))
        && SLICES.iter().all(|slice| {
            report.gate(&format!("library for {}", slice.identifier), || build(project, slice))
        })
        && report.gate("framework", || assemble(project));
    if is_ready {
        verify::file(project, report, &zip(project));
    }
}

/// The library of one slice.
fn build(project: &Project, slice: &Slice) -> Result<Outcome> {
    let functions = project.bindings().join("swift").join(format!("{MODULE}.h"));
    let functions = verify::xcframework::functions(&fs::read_to_string(&functions)?);
    let mut thin = Vec::new();
    for architecture in slice.architectures {
        let library = tools::compile(project, slice, architecture)?;
        let library = tools::localize(project, &library, &functions)?;
        if let Some(size) = tools::link(project, slice, architecture, &library)? {
            let target = architecture.target;
            say!("   {:>8}  in an application, at most: {target}", kilobytes(size));
        }
        thin.push(library);
    }
    let library = folder(project, slice).join(LIBRARY);
    fs::create_dir_all(folder(project, slice))?;
    tools::unite(project, &thin, &library)?;
    files::made(project, &library)?;
    Ok(Outcome::Done)
}

/// The framework's folder, where Package.swift looks for it, and the archive for a release.
fn assemble(project: &Project) -> Result<Outcome> {
    let mut files = Entries::from([("Info.plist".into(), Info::of(SLICES).to_bytes()?)]);
    let bindings = project.bindings().join("swift");
    let read = |path: Utf8PathBuf| fs::read(&path).with_context(|| path.to_string());
    for slice in SLICES {
        let mut add =
            |name: &str, content| files.insert(format!("{}/{name}", slice.identifier), content);
        add(LIBRARY, read(folder(project, slice).join(LIBRARY))?);
        add(&header(), read(bindings.join(format!("{MODULE}.h")))?);
        add(&module_map(), read(bindings.join(format!("{MODULE}.modulemap")))?);
        add(PRIVACY, read(project.root.join(SOURCE_OF_PRIVACY))?);
    }
    write_folder(&project.root.join("swift-package").join(NAME), &files)?;
    let inside = files.into_iter().map(|(name, content)| (format!("{NAME}/{name}"), content));
    archive::write(&zip(project), &inside.collect())?;
    files::made(project, &zip(project))?;
    say!("   checksum for Package.swift: {}", checksum(&fs::read(zip(project))?));
    Ok(Outcome::Done)
}

fn write_folder(folder: &Utf8Path, files: &Entries) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, content)?;
    }
    Ok(())
}

/// The SHA-256 of a file, in the form of `swift package compute-checksum` and `sha256sum`.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What each slice's folder has.
pub(crate) fn files_of_slice() -> [String; 4] {
    [LIBRARY.into(), header(), module_map(), PRIVACY.into()]
}

/// In a folder named after the module, where the compiler looks as well: Xcode copies the headers of all frameworks into one folder,
/// and two of the same name would be one too many.
pub(crate) fn header() -> String {
    format!("{HEADERS}/{MODULE}/{MODULE}.h")
}

/// Beside the header.
pub(crate) fn module_map() -> String {
    format!("{HEADERS}/{MODULE}/module.modulemap")
}

fn folder(project: &Project, slice: &Slice) -> Utf8PathBuf {
    project.root.join("target/apple").join(slice.identifier)
}

/// The archive for a release.
pub(crate) fn zip(project: &Project) -> Utf8PathBuf {
    project.packages().join(format!("{NAME}.zip"))
}

/// The module of the C functions.
pub(crate) const MODULE: &str = "DataTracksFFI";
/// What the library does that the store wants to know of.
pub(crate) const PRIVACY: &str = "PrivacyInfo.xcprivacy";
const SOURCE_OF_PRIVACY: &str = "swift-package/Sources/DataTracks/PrivacyInfo.xcprivacy";
/// Its folder; the archive has it with `.zip`.
pub(crate) const NAME: &str = "DataTracksFFI.xcframework";
