//! The library for Android as far as it can be linked without an NDK: `cargo tasks aar`. It has never run.

#[cfg(target_os = "android")]
extern crate unwinding as _;

pub use datatracks;
