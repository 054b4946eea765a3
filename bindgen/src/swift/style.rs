//! What can be judged of the Swift package without running it: its format, and its documentation.

use std::fs;

use anyhow::Result;

use super::{PACKAGE, in_package, lay_out};
use crate::{library::Profile, project::Project, report::Outcome, run};

/// Fails on whatever `swift format` would write otherwise. Generated code is not looked at.
pub(super) fn lint(project: &Project) -> Result<Outcome> {
    let mut files = Vec::new();
    for entry in project.root.join(PACKAGE).join("Sources/DataTracks").read_dir_utf8()? {
        let path = entry?.into_path();
        files.extend((path.extension() == Some("swift")).then(|| path.to_string()));
    }
    files.sort();
    let mut words = vec!["swift", "format", "lint", "--strict", "--recursive"];
    words.extend(["Examples", "Tests", "Package.swift", "../Package.swift"]);
    words.extend(files.iter().map(String::as_str));
    run::run(&mut in_package(project, &words)?)?;
    Ok(Outcome::Done)
}

/// Builds the documentation from hand-written and generated comments; a link that leads nowhere is an error.
pub(super) fn document(project: &Project, profile: Profile) -> Result<Outcome> {
    lay_out(project, profile)?;
    let folder = project.root.join("target/swift");
    let (build, symbols, pages) =
        (folder.join("symbols-build"), folder.join("symbols"), folder.join("docs"));
    fs::create_dir_all(&symbols)?;
    let mut words = vec!["swift", "build", "--target", "DataTracks", "--scratch-path"];
    words.extend([build.as_str(), "-Xswiftc", "-emit-symbol-graph", "-Xswiftc"]);
    words.extend(["-emit-symbol-graph-dir", "-Xswiftc", symbols.as_str()]);
    run::run(&mut in_package(project, &words)?)?;
    let mut words = vec!["env", DOCC, "docc", "convert", "Sources/DataTracks/DataTracks.docc"];
    words.extend(["--additional-symbol-graph-dir", symbols.as_str(), "--warnings-as-errors"]);
    words.extend(["--fallback-display-name", "DataTracks", "--fallback-bundle-identifier"]);
    words.extend(["io.datatracks", "--output-path", pages.as_str()]);
    run::run(&mut in_package(project, &words)?)?;
    say!("   {}", project.short(&pages));
    Ok(Outcome::Done)
}

/// Debian keeps the programs of the toolchain that are not called `swift` out of the way.
const DOCC: &str = "PATH=/usr/bin:/bin:/usr/libexec/swift/bin";
