//! `target/release-VERSION`: what a release consists of, with its sums and a page that tells what is there and what is not.

use std::fs;

use anyhow::{Context, Result, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;

use crate::{
    files,
    project::Project,
    report::{Outcome, kilobytes},
    xcframework::checksum,
};

/// The folder of a version.
pub(super) fn path(project: &Project, version: &Version) -> Utf8PathBuf {
    project.root.join(format!("target/release-{version}"))
}

/// Copies all packages, and writes their sums and the page.
pub(super) fn fill(folder: &Utf8Path, project: &Project, page: &Page<'_>) -> Result<Outcome> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for file in files::below(&project.packages())? {
        let name = file.file_name().context("a name")?;
        fs::copy(&file, folder.join(name))?;
    }
    fs::write(folder.join(PAGE), page.write(&sizes(folder)?))?;
    fs::write(folder.join(SUMS), sums(folder)?)?;
    for file in files::below(folder)? {
        files::made(project, &file)?;
    }
    Ok(Outcome::Done)
}

/// What the page says beside names and sizes.
pub(super) struct Page<'a> {
    pub(super) version: &'a Version,
    pub(super) commit: &'a str,
    /// What failed, or did not run.
    pub(super) open: &'a [String],
    pub(super) not_built: &'a [&'a str],
    pub(super) next: &'a str,
}

impl Page<'_> {
    fn write(&self, sizes: &[(String, u64)]) -> String {
        let Self { version, commit, open, not_built, next } = self;
        let rows =
            sizes.iter().map(|(name, size)| format!("| `{name}` | {} |\n", kilobytes(*size)));
        let list = |lines: &mut dyn Iterator<Item = &str>| -> String {
            lines.map(|line| format!("- {line}\n")).collect()
        };
        let open = match open {
            [] => "nothing\n".into(),
            some => list(&mut some.iter().map(String::as_str)),
        };
        format!(
            "# datatracks {version}\n\nMade of {commit}; sums in `{SUMS}` (`sha256sum --check {SUMS}`).\n\n\
             | file | size |\n|---|---|\n{}\n## In the way\n\n{open}\n## Not in here\n\n{}\n## Next\n\n{next}",
            rows.collect::<String>(),
            list(&mut not_built.iter().copied()),
        )
    }
}

fn sizes(folder: &Utf8Path) -> Result<Vec<(String, u64)>> {
    let sizes = files::below(folder)?
        .into_iter()
        .map(|file| Ok((file.strip_prefix(folder)?.to_string(), fs::metadata(&file)?.len())));
    sizes.collect()
}

/// A line a file, as `sha256sum` writes and checks them.
fn sums(folder: &Utf8Path) -> Result<String> {
    let mut lines = String::new();
    for file in files::below(folder)? {
        let name = file.strip_prefix(folder)?;
        if name != SUMS {
            lines += &format!("{}  {name}\n", checksum(&fs::read(&file)?));
        }
    }
    Ok(lines)
}

/// Fails unless the sums are those of exactly the files that are there.
pub(crate) fn verify(folder: &Utf8Path) -> Result<Outcome> {
    let said = fs::read_to_string(folder.join(SUMS)).context(SUMS)?;
    ensure!(said == sums(folder)?, "{SUMS} is not of the files beside it");
    say!("   {} files, each of its sum", said.lines().count());
    Ok(Outcome::Done)
}

/// Whether a folder is one of a release.
pub(crate) fn is_one(folder: &Utf8Path) -> bool {
    folder.join(SUMS).exists()
}

const SUMS: &str = "SHA256SUMS";
const PAGE: &str = "RELEASE.md";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_its_packages_their_sums_and_a_page() {
        let root = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap();
        let root = root.join(format!("datatracks-release-{}", std::process::id()));
        let project = Project { root: root.clone() };
        let folder = path(&project, &Version::new(1, 2, 3));
        fs::create_dir_all(project.packages()).unwrap();
        fs::write(project.packages().join("one.jar"), "abc").unwrap();
        let open = ["changelog: no section".to_owned()];
        let page = Page {
            version: &Version::new(1, 2, 3),
            commit: "0123abc",
            open: &open,
            not_built: &["for devices"],
            next: "1. sign\n",
        };
        fill(&folder, &project, &page).unwrap();

        let sums = fs::read_to_string(folder.join(SUMS)).unwrap();
        assert!(sums.contains(&format!("{ABC}  one.jar\n")), "{sums}");
        let page = fs::read_to_string(folder.join(PAGE)).unwrap();
        for told in
            ["1.2.3", "0123abc", "| `one.jar` | 1 KB |", "no section", "for devices", "1. sign"]
        {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(is_one(&folder) && verify(&folder).is_ok());

        fs::write(folder.join("one.jar"), "abd").unwrap();
        assert!(verify(&folder).is_err(), "another content");
        fs::write(folder.join("one.jar"), "abc").unwrap();
        fs::write(folder.join("stray.jar"), "").unwrap();
        assert!(verify(&folder).is_err(), "a file without a sum");
        fs::remove_dir_all(root).unwrap();
    }

    /// As FIPS 180-2 has it.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
}
