//! What the documents say of the project is so: links lead somewhere, and every promise has its tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

const DOCUMENTS: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "ROADMAP.md",
    "SECURITY.md",
    "docs/benchmarks.md",
    "docs/interop.md",
    "docs/threat-model.md",
    "docs/troubleshooting.md",
    "kotlin-package/README.md",
    "python-package/README.md",
    "swift-package/README.md",
];

#[test]
fn links_between_documents_lead_somewhere() {
    let mut links = 0;
    for name in DOCUMENTS {
        let document = root().join(name);
        for link in links_of(&fs::read_to_string(&document).expect(name)) {
            assert!(document.with_file_name(&link).exists(), "{name}: {link}");
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links found");
}

#[test]
fn every_promise_of_the_readme_has_a_test_of_its_name_where_it_says_so() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let promises: Vec<_> = readme.lines().filter(|line| line.starts_with("| P")).collect();
    assert_eq!(promises.len(), 13);
    for (number, line) in promises.iter().enumerate() {
        let prefix = format!("fn p{}_", number + 1);
        let rust = links_of(line).into_iter().filter(|link| link.ends_with(".rs"));
        let holds =
            |file: &String| fs::read_to_string(root().join(file)).unwrap().contains(&prefix);
        assert!(rust.clone().any(|file| holds(&file)), "no {prefix}… in the files of: {line}");
    }
}

#[test]
fn every_error_of_the_surface_can_be_looked_up() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (surface, page) = (read("udl/datatracks.udl"), read("docs/troubleshooting.md"));
    let errors: Vec<_> = surface.split("[Error]\ninterface ").skip(1).collect();
    assert_eq!(errors.len(), 9);
    for error in errors {
        let (name, rest) = error.split_once(" {").unwrap();
        assert!(page.contains(name), "{name} is not in docs/troubleshooting.md");
        let cases = rest
            .split("\n};")
            .next()
            .unwrap()
            .lines()
            .filter_map(|line| line.trim().split_once('('));
        for (case, _) in cases.filter(|(case, _)| !case.contains([' ', '/'])) {
            assert!(page.contains(&format!("`{case}`")), "{name}.{case} is not there");
        }
    }
}

/// Relative targets of Markdown links.
fn links_of(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let relative =
        targets.filter(|(target, _)| !target.contains("://") && !target.starts_with('#'));
    relative.map(|(target, _)| target.to_owned()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
