//! The tests that need Android's own main looper, which Robolectric brings to the JVM.

use anyhow::{Context, Result};

use crate::{kotlin::build, project::Project, report::Outcome, runners, sfu::Sfu};

/// Runs them with the jar that the tests of the package have left.
pub(crate) fn test(project: &Project) -> Result<Outcome> {
    let sfu = Sfu::start(project)?;
    let maven = &mut build::maven_on(project, POM, &["verify"]);
    runners::count(maven.env("DATATRACKS_SFU", sfu.address()), build::tally).context(ORIGIN)
}

const POM: &str = "kotlin-package/android/looper/pom.xml";
/// Where its parts are to be had.
const ORIGIN: &str = "androidx is in Google's Maven repository: Maven's settings must name it where their mirror has not got it";
