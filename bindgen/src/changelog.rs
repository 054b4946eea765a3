//! CHANGELOG.md: which releases it tells of.

use std::fs;

use anyhow::{Context, Result};
use semver::Version;

use crate::project::Project;

pub(crate) fn read(project: &Project) -> Result<String> {
    fs::read_to_string(project.root.join(FILE)).context(FILE)
}

/// The versions that have a section.
pub(crate) fn released(text: &str) -> Vec<Version> {
    text.lines().filter_map(version_of).collect()
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
    fn what_is_unreleased_is_no_release() {
        assert_eq!(released(TEXT), [Version::new(0, 2, 0), Version::new(0, 1, 0)]);
    }
}
