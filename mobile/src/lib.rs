//! The library that ships: `cargo tasks` links it as a shared library and as a static archive.
//!
//! `datatracks` is compiled for size. The cipher is not, and its loops are made wide only where all parts are optimized
//! together, by the `opt-level` of the package that is linked last: this one.

#[cfg(all(target_os = "android", feature = "unwinder"))]
extern crate unwinding as _;

pub use datatracks::*;
