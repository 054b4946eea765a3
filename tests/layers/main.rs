//! The layer rule of `src/lib.rs`, held against the code: who may name whom, which crate lives where, and what the pure cores
//! never do. Works on source text without comments, strings and tests; inline paths count as much as `use`.
#![allow(
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod planted;
mod rules;
mod source;

use std::{fs, path::Path};

use rules::violations;

#[test]
fn the_code_keeps_the_layer_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    assert!(files.len() > 25, "only {} files found", files.len());
    let mut found = Vec::new();
    for file in files.into_iter().filter(|file| !is_test(file)) {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        found.extend(violations(&name, &fs::read_to_string(&file).unwrap()));
    }
    let list: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} violations\n{}", list.len(), list.join("\n"));
}

/// Tests may name what they test with. A file of tests is one that a file beside it declares so; models are tests in a folder.
fn is_test(file: &Path) -> bool {
    if file.parent().unwrap().ends_with("src/ffi/models") {
        return true;
    }
    let name = file.file_name().unwrap().to_str().unwrap();
    let declarations =
        ["#[cfg(test)]\nmod tests;".to_owned(), format!("#[cfg(test)]\n#[path = \"{name}\"]")];
    let declares = |text: &str| declarations.iter().any(|declaration| text.contains(declaration));
    name.ends_with("tests.rs")
        && fs::read_dir(file.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .any(|beside| beside.is_file() && declares(&fs::read_to_string(beside).unwrap()))
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
