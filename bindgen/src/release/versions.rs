//! Where the version stands, in files that each have to say it.

use std::fs;

use anyhow::{Context, Result, ensure};
use semver::Version;

use crate::{
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Fails where a committed file names another version of ours.
pub(super) fn check(project: &Project, version: &Version) -> Result<Outcome> {
    let files = run::capture(&mut command(&project.root, "git", &["ls-files"]))?;
    let mut wrong = Vec::new();
    let mut places = 0;
    for name in files.lines().filter(|name| !rules(name).is_empty()) {
        let text = fs::read_to_string(project.root.join(name)).context(name.to_owned())?;
        let found = versions(name, &text);
        places += found.len();
        let others = found.into_iter().filter(|found| *found != version.to_string());
        wrong.extend(others.map(|found| format!("{name} says {found}")));
    }
    ensure!(wrong.is_empty(), "the version is {version}, but {}", wrong.join(", "));
    ensure!(places >= FEWEST, "the version was found in {places} places only");
    say!("   {version} in {places} places");
    Ok(Outcome::Done)
}

/// Every version of ours that a file names.
fn versions<'a>(name: &str, text: &'a str) -> Vec<&'a str> {
    let rests = rules(name).iter().flat_map(|(before, then)| {
        text.split(before).skip(1).filter_map(move |rest| Some(rest.split_once(then)?.1))
    });
    let words = rests.filter_map(|rest| rest.split(ENDS).next());
    let versions = words.map(|word| word.strip_suffix(".jar").unwrap_or(word));
    versions.filter(|word| word.starts_with(|first: char| first.is_ascii_digit())).collect()
}

/// What stands before the version in a file of this name: something, and the next of something.
fn rules(name: &str) -> &'static [(&'static str, &'static str)] {
    let known = RULES.iter().find(|(file, _)| name.rsplit('/').next() == Some(file));
    known.map_or(&[], |(_, rules)| rules)
}

const ENDS: [char; 5] = ['"', '<', ':', ',', ' '];
/// By the name of a file.
const RULES: &[(&str, &[(&str, &str)])] = &[
    ("Cargo.toml", &[("\nversion = \"", "")]),
    ("pyproject.toml", &[("\nversion = \"", "")]),
    ("pom.xml", &[("<artifactId>datatracks", "<version>"), ("/datatracks", "-")]),
    ("README.md", &[("datatracks.git", "from: \""), ("/datatracks", "-")]),
];
/// Places that there are at least: fewer means that a rule finds nothing any more.
const FEWEST: usize = 15;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn our_versions_are_found_and_those_of_others_are_not() {
        let pom = "<artifactId>datatracks-room</artifactId>\n  <version>0.2.0</version>
            <artifactId>jna</artifactId><version>5.0</version>
            <systemPath>kotlin/datatracks-0.1.0.jar</systemPath>";
        assert_eq!(versions("kotlin-package/room/pom.xml", pom), ["0.2.0", "0.1.0"]);
        let manifest = "[package]\nversion = \"0.2.0\"\n[dependencies]\nbytes = \"1.0\"\n";
        assert_eq!(versions("fuzz/Cargo.toml", manifest), ["0.2.0"]);
        let inherits = "[package]\nversion.workspace = true\n[dependencies]\nbytes = \"1.0\"\n";
        assert!(versions("aes/Cargo.toml", inherits).is_empty());
        let readme = "`.package(url: \"https://…/datatracks.git\", from: \"0.1.0\")`, packages/datatracks-*.whl";
        assert_eq!(versions("swift-package/README.md", readme), ["0.1.0"]);
        assert!(versions("CHANGELOG.md", "## 0.0.1").is_empty());
    }

    #[test]
    fn a_version_that_disagrees_is_named_with_its_file() {
        let project = Project::find();
        assert!(check(&project, &crate::check::version().unwrap()).is_ok());
        let next = Version::new(99, 0, 0);
        let error = check(&project, &next).err().map(|error| error.to_string()).unwrap_or_default();
        for name in ["Cargo.toml", "kotlin-package/room/pom.xml", "python-package/pyproject.toml"] {
            assert!(error.contains(&format!("{name} says ")), "{name}: {error}");
        }
    }
}
