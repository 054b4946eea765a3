//! The peer's library: built with the flags that its users build with, so not part of this binary.

use std::{env, path::PathBuf};

use datatracks_bench_side::{PEER, Side};
use libloading::Library;

/// Loads it, for good.
pub(crate) fn load() -> &'static dyn Side {
    let path = env::var_os("DATATRACKS_BENCH_PEER").map(PathBuf::from);
    let path = path.expect(
        "DATATRACKS_BENCH_PEER is not set: `cargo tasks bench` builds the library and sets it",
    );
    #[allow(unsafe_code)]
    // SAFETY: `cargo tasks bench` builds both from the same sources with the same compiler, so they agree on types, and the
    // library's constructors are those of Rust's standard library.
    unsafe {
        let library: &'static Library = Box::leak(Box::new(Library::new(path).unwrap()));
        let peer: fn() -> &'static dyn Side = *library.get(PEER).unwrap();
        peer()
    }
}
