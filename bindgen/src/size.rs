//! What a mobile build weighs, and what must not be in it.

use anyhow::{Result, bail};

use crate::{
    library::{self, LIBRARY, Profile},
    project::Project,
    report::{Outcome, kilobytes},
    run::{self, command},
};

/// Measures the stripped library and looks through its dependencies.
pub(crate) fn measure(project: &Project) -> Result<Outcome> {
    forbid_heavy_crates(project)?;
    let library = library::build(project, Profile::Release)?;
    let stripped = project.root.join(library::TARGET).join("stripped").join(LIBRARY);
    std::fs::create_dir_all(stripped.with_file_name(""))?;
    let size = library::strip(project, &library, &stripped)?;
    say!(
        "   {:>8}  {} (promised {}, aim {})",
        kilobytes(size),
        project.short(&stripped),
        kilobytes(PROMISED),
        kilobytes(AIM)
    );
    if size > PROMISED {
        bail!("the stripped library has {size} bytes; {PROMISED} are promised");
    }
    let bytes = std::fs::read(&stripped)?;
    if bytes.windows(REGISTRY.len()).any(|window| window == REGISTRY) {
        bail!("the library names a folder of whoever made it: `library::cargo` cuts those off");
    }
    Ok(Outcome::Done)
}

fn forbid_heavy_crates(project: &Project) -> Result<()> {
    let arguments = [
        "tree",
        "-p",
        library::SHIPPED,
        "-e",
        "normal",
        "--no-default-features",
        "--prefix",
        "none",
    ];
    let tree = run::capture(&mut command(&project.root, "cargo", &arguments))?;
    let crates: std::collections::BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let heavy: Vec<_> = FORBIDDEN.iter().filter(|name| crates.contains(*name)).collect();
    if !heavy.is_empty() {
        bail!("a mobile build would contain {heavy:?}");
    }
    say!(
        "   {} crates in a mobile build; no runtime, TLS, HTTP or WebRTC among them",
        crates.len()
    );
    Ok(())
}

/// Most bytes of the stripped library, at the profile that speed is measured with.
const PROMISED: u64 = 900_000;
/// What the path of a dependency's file has in it.
const REGISTRY: &[u8] = b"/registry/src/";
/// What we would like it to be.
const AIM: u64 = 700_000;

/// Crates that belong to the reference host only: transports, TLS, HTTP, async runtimes.
const FORBIDDEN: &[&str] = &[
    "async-std",
    "aws-lc-rs",
    "boring",
    "h2",
    "http",
    "hyper",
    "native-tls",
    "openssl",
    "openssl-sys",
    "reqwest",
    "ring",
    "rtc",
    "rustls",
    "smol",
    "tokio",
    "tokio-rustls",
    "tokio-tungstenite",
    "tungstenite",
    "ureq",
    "webpki",
    "webrtc",
];
