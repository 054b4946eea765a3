//! Where things are.

use std::env;

use camino::{Utf8Path, Utf8PathBuf};

/// The checkout that this tool works on.
pub(crate) struct Project {
    pub(crate) root: Utf8PathBuf,
}

impl Project {
    /// The checkout that `cargo tasks` was called in; without cargo, the one that this tool was built from.
    pub(crate) fn find() -> Self {
        let manifest = env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let root = Utf8Path::new(&manifest).parent().unwrap_or(Utf8Path::new("."));
        Self { root: root.to_owned() }
    }

    /// Tools that tests need; not committed.
    pub(crate) fn tools(&self) -> Utf8PathBuf {
        self.root.join(".tools")
    }

    /// A program in [`tools`](Self::tools).
    pub(crate) fn tool(&self, name: &str) -> Utf8PathBuf {
        self.tools().join("bin").join(name)
    }

    /// The Python of the tests, with what `tests/requirements.txt` lists.
    pub(crate) fn python(&self) -> Utf8PathBuf {
        self.tools().join("python/bin/python")
    }

    /// The `datatracks` command of the test builds.
    pub(crate) fn reference_host(&self) -> Utf8PathBuf {
        self.root.join("target/debug/datatracks")
    }

    /// Generated bindings, one folder a language.
    pub(crate) fn bindings(&self) -> Utf8PathBuf {
        self.root.join("target/bindings")
    }

    /// What users take: jars, archives.
    pub(crate) fn packages(&self) -> Utf8PathBuf {
        self.root.join("target/packages")
    }

    /// A path as people want to read it.
    pub(crate) fn short<'a>(&self, path: &'a Utf8Path) -> &'a Utf8Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// The crate that all this is for, and the program of its own tests.
pub(crate) const CRATE: &str = "datatracks";
