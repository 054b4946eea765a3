//! What several tests share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod livekit_server;
pub mod script;
pub mod simulated_room;
pub mod transcript;
