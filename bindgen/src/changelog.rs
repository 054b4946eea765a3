//! CHANGELOG.md: which releases it tells of.

use std::fs;

use anyhow::{Context, Result, ensure};
use semver::Version;

use crate::{project::Project, report::Outcome};

/// Fails unless users can read what this version brings.
pub(crate) fn check(project: &Project, version: &Version) -> Result<Outcome> {
    let text = read(project)?;
    let section = section(&text, version).with_context(|| {
        format!(
            "{FILE} has no section `## {version}`: give the one of what is unreleased that name"
        )
    })?;
    let lines = section.lines().filter(|line| !line.trim().is_empty()).count();
    ensure!(lines > 0, "{FILE}: the section `## {version}` is empty");
    let newest = released(&text).into_iter().max();
    ensure!(newest.as_ref() == Some(version), "{FILE} tells of {newest:?}, which is newer");
    say!("   {lines} lines on {version}");
    Ok(Outcome::Done)
}

pub(crate) fn read(project: &Project) -> Result<String> {
    fs::read_to_string(project.root.join(FILE)).context(FILE)
}

/// The versions that have a section.
pub(crate) fn released(text: &str) -> Vec<Version> {
    text.lines().filter_map(version_of).collect()
}

/// What stands below the heading of a version.
fn section<'a>(text: &'a str, version: &Version) -> Option<&'a str> {
    let heading = text.lines().find(|line| version_of(line).as_ref() == Some(version))?;
    let (_, rest) = text.split_once(heading)?;
    Some(rest.split_once("\n## ").map_or(rest, |(section, _)| section))
}

/// The version that a heading begins with; what follows, a date for one, is as it likes.
fn version_of(line: &str) -> Option<Version> {
    let word = line.strip_prefix("## ")?.split_whitespace().next()?;
    Version::parse(word.trim_matches(['[', ']'])).ok()
}

const FILE: &str = "CHANGELOG.md";

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Changelog\n\n## Unreleased (0.3.0)\n\n- later\n\n## 0.2.0 (2026-12-24)\n\n- more\n\n## 0.1.0\n";

    #[test]
    fn a_section_is_that_of_its_version() {
        assert_eq!(section(TEXT, &Version::new(0, 2, 0)), Some("\n\n- more\n"));
        assert_eq!(section(TEXT, &Version::new(0, 1, 0)), Some("\n"));
    }

    #[test]
    fn what_is_unreleased_is_no_release() {
        assert_eq!(section(TEXT, &Version::new(0, 3, 0)), None);
        assert_eq!(released(TEXT), [Version::new(0, 2, 0), Version::new(0, 1, 0)]);
    }
}
