//! Build script of `datatracks`: the Rust half of what `udl/datatracks.udl` declares.
#![allow(clippy::print_stdout)] // how a build script speaks to cargo

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=udl/datatracks.udl");
    uniffi::generate_scaffolding("udl/datatracks.udl")?;
    Ok(())
}
