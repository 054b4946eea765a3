//! The SFU over plain TCP, spoken to with twenty lines of socket code as a Swift, Kotlin or Python test would.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod client;
mod limits;
mod sessions;
