//! The wheel: the generated module and the stripped library, packed by Python's own tools.

use std::fs;

use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    bindings::{self, Language},
    files,
    library::{LIBRARY, Profile},
    project::Project,
    report::Outcome,
    run::{self, command},
    setup,
};

/// Builds the wheel of what ships into `target/packages`.
pub(crate) fn package(project: &Project) -> Result<Outcome> {
    setup::install_python(project)?;
    bindings::generate(project, Language::Python, Profile::Release)?;
    let staged = project.root.join("target/wheel");
    stage(project, &staged)?;
    let packages = project.packages();
    let pip = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", packages.as_str()];
    let build = &mut command(&project.root, project.python().as_str(), &pip);
    run::run(build.arg(&staged).env("SOURCE_DATE_EPOCH", OLDEST_OF_ZIP))?;
    files::made(project, &file(project)?)?;
    Ok(Outcome::Done)
}

/// The wheel that [`package`] left.
fn file(project: &Project) -> Result<Utf8PathBuf> {
    let wheel = |path: &Utf8PathBuf| path.extension() == Some("whl");
    let mut packages = project.packages().read_dir_utf8()?.filter_map(Result::ok);
    let found = packages.find_map(|entry| Some(entry.into_path()).filter(wheel));
    found.context("no wheel in target/packages: `cargo tasks wheel`")
}

fn stage(project: &Project, folder: &Utf8Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let package = folder.join("datatracks");
    fs::create_dir_all(&package)?;
    let generated = project.bindings().join(Language::Python.name());
    fs::copy(generated.join("datatracks.py"), package.join("__init__.py"))?;
    fs::copy(generated.join(LIBRARY), package.join(LIBRARY))?;
    let own = project.root.join("python-package");
    for name in ["pyproject.toml", "README.md"] {
        fs::copy(own.join(name), folder.join(name))?;
    }
    fs::copy(project.root.join("LICENSE"), folder.join("LICENSE"))?;
    fs::write(folder.join("setup.cfg"), format!("[bdist_wheel]\n{}", tag(project)?))?;
    Ok(())
}

/// Any Python 3 loads the library, on this kind of system only.
fn tag(project: &Project) -> Result<String> {
    let ask = ["-c", "import sysconfig; print(sysconfig.get_platform())"];
    let platform = run::capture(&mut command(&project.root, project.python().as_str(), &ask))?;
    Ok(format!("python_tag = py3\nplat_name = {}", platform.replace(['-', '.'], "_")))
}

/// 1980-01-01: zip knows no earlier time, and the same library gives the same wheel.
const OLDEST_OF_ZIP: &str = "315532800";
