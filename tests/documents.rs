//! What the documents say of the project is so: links lead somewhere, every promise has its tests, every error, count and test control its
//! row, and code in the README and in guides compiles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

#[test]
fn links_between_documents_lead_somewhere() {
    let mut links = 0;
    for name in documents() {
        let document = root().join(&name);
        let text = read(&name);
        for link in links_of(&text) {
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { document.clone() } else { document.with_file_name(file) };
            assert!(target.exists(), "{name}: {link}");
            let has_heading =
                || headings(&fs::read_to_string(&target).unwrap()).contains(&heading.into());
            assert!(heading.is_empty() || has_heading(), "{name}: no such heading: {link}");
            links += 1;
        }
    }
    assert!(links > 100, "only {links} links found");
}

#[test]
fn every_promise_of_the_readme_has_tests_of_its_name_where_it_says_so() {
    let readme = read("README.md");
    let promises: Vec<_> = readme.lines().filter(|line| line.starts_with("| P")).collect();
    assert_eq!(promises.len(), 13);
    for (number, line) in (1..).zip(&promises) {
        let [name, _, rust, others @ ..] = &*line.trim_matches('|').split('|').collect::<Vec<_>>()
        else {
            panic!("{line}")
        };
        let rust = links_of(rust);
        let prefix = format!("fn p{number}_");
        assert!(rust.iter().any(|file| read(file).contains(&prefix)), "no {prefix}… in: {rust:?}");
        for file in others.iter().flat_map(|column| links_of(column)) {
            assert!(tells_of(&read(&file), number), "{file} does not say that it holds P{number}");
        }
        let [swift, kotlin, _python] = others else { panic!("{line}") };
        for column in [swift, kotlin] {
            let is_held = !name.contains('◆') || !links_of(column).is_empty();
            assert!(is_held, "P{number} must be held in Swift and in Kotlin: {line}");
        }
    }
    let marked = promises.iter().filter(|line| line.contains('◆')).count();
    assert_eq!(marked, 5, "what bindings could break");
}

/// Whether a file of tests names the promise in the words that it begins with.
fn tells_of(tests: &str, number: usize) -> bool {
    let is_begun = |line: &&str| {
        ["///", "/**", "\"\"\""].iter().any(|comment| line.trim_start().starts_with(comment))
    };
    let mut words = tests
        .lines()
        .filter(is_begun)
        .flat_map(|line| line.split(|character: char| !character.is_alphanumeric()));
    let has_tests = ["@Test", "async def test_"].iter().any(|test| tests.contains(test));
    has_tests && words.any(|word| word == format!("P{number}"))
}

#[test]
fn every_error_of_the_surface_has_its_row() {
    let (surface, page) = (read("udl/datatracks.udl"), read("docs/troubleshooting.md"));
    let errors: Vec<_> = surface.split("[Error]\ninterface ").skip(1).collect();
    assert_eq!(errors.len(), 9);
    for error in errors {
        let (name, rest) = error.split_once(" {").unwrap();
        let section = page.split("\n### ").find(|section| first_line(section).contains(name));
        let cases = rest.split("\n};").next().unwrap().lines();
        let cases = cases.filter_map(|line| line.trim().split_once('('));
        for (case, _) in cases.filter(|(case, _)| !case.contains([' ', '/'])) {
            let has_row = section.is_some_and(|section| has_row(section, case));
            let is_told = page.contains(&format!("`{name}.{case}`"));
            assert!(has_row || is_told, "{name}.{case} is not in docs/troubleshooting.md");
        }
    }
}

#[test]
fn every_count_has_its_row() {
    let (counts, page) = (read("src/stats.rs"), read("docs/troubleshooting.md"));
    let fields = counts.lines().filter_map(|line| line.strip_prefix("    pub "));
    let fields: Vec<_> = fields.filter_map(|line| line.split(':').next()).collect();
    assert!(fields.len() > 40, "only {} fields found", fields.len());
    for field in fields {
        assert!(has_row(&page, field), "{field} is not in docs/troubleshooting.md");
    }
}

/// Whether a table has a row that is about `name`.
fn has_row(text: &str, name: &str) -> bool {
    let subjects = text.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    subjects.into_iter().any(|subject| subject.contains(&format!("`{name}`")))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[test]
fn every_control_of_the_plain_protocol_has_its_row() {
    let (protocol, page) = (read("src/host/plain/mod.rs"), read("docs/plain-protocol.md"));
    let controls = protocol.split_once("pub enum Control {").unwrap().1.split("\n}\n").next();
    let is_variant =
        |line: &&str| line.starts_with("    ") && line.trim().starts_with(char::is_uppercase);
    let names = controls.unwrap().lines().filter(is_variant);
    let names: Vec<_> =
        names.map(|line| snake_case(line.trim().trim_end_matches([',', '{', ' ']))).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names {
        assert!(
            page.contains(&format!(r#"`{{"op": "{name}""#)),
            "{name} is not in docs/plain-protocol.md"
        );
    }
}

fn snake_case(name: &str) -> String {
    let spell = |one: char| {
        if one.is_uppercase() { format!("_{}", one.to_lowercase()) } else { one.into() }
    };
    name.chars().map(spell).collect::<String>().trim_start_matches('_').to_owned()
}

#[test]
fn code_in_guides_is_out_of_files_that_are_compiled() {
    for (guide, least) in GUIDES {
        let pieces = pieces_of_compiled_files(guide);
        assert!(pieces >= least, "{guide}: only {pieces} pieces of code found");
    }
}

/// How many pieces of code a page has. Each is a part of the file that is named above it.
fn pieces_of_compiled_files(page: &str) -> usize {
    let text = read(page);
    let blocks: Vec<_> = text.split("```").collect();
    let mut pieces = 0;
    for [before, code] in blocks.as_chunks::<2>().0 {
        let (language, code) = code.split_once('\n').unwrap();
        if NO_PROGRAM.contains(&language) {
            continue;
        }
        let said =
            before.trim_end().strip_suffix(" -->").and_then(|text| text.rsplit("<!-- ").next());
        let name = said.unwrap_or_else(|| panic!("{page}: no file is named above: {code}"));
        let is_compiled =
            |(known, folder): &&(&str, &str)| *known == language && name.starts_with(folder);
        assert!(COMPILED.iter().any(|folder| is_compiled(&folder)), "{name} is not compiled");
        assert!(unindented(&read(name)).contains(&unindented(code)), "not in {name}:\n{code}");
        pieces += 1;
    }
    pieces
}

/// Pages that show code, and how many pieces of it at least.
const GUIDES: [(&str, usize); 3] = [
    ("README.md", 4),
    ("docs/guide.md", 8),
    ("swift-package/Sources/DataTracks/DataTracks.docc/WholeHost.md", 8),
];

/// Drawings, and what is typed.
const NO_PROGRAM: [&str; 3] = ["", "mermaid", "sh"];

/// Sources of examples that `cargo tasks swift`, `kotlin` and `interop` compile, and run.
const COMPILED: &[(&str, &str)] = &[
    ("swift", "swift-package/Examples/"),
    ("kotlin", "kotlin-package/examples/"),
    ("kotlin", "kotlin-package/room/src/"),
];

/// Every line without what it begins with in its file.
fn unindented(code: &str) -> String {
    code.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

/// Every page for people: at the root, in `docs`, and of each package.
fn documents() -> Vec<String> {
    let mut documents = Vec::new();
    for folder in ["", "docs/", "kotlin-package/", "python-package/", "swift-package/"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            documents.extend(name.ends_with(".md").then(|| format!("{folder}{name}")));
        }
    }
    documents
}

/// Relative targets of Markdown links.
fn links_of(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let relative = targets.filter(|(target, _)| !target.contains("://"));
    relative.map(|(target, _)| target.to_owned()).collect()
}

/// What leads to the headings of a page.
fn headings(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|one| one.is_alphanumeric() || "-_".contains(*one)).collect()
    };
    headings.map(slug).collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
