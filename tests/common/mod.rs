//! What the tests of the embedded SFU share: a conversation, rooms to hold it in, and what was said.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "../claims/mod.rs"]
mod claims;
pub mod livekit_room;
#[path = "../livekit_server/mod.rs"]
pub mod livekit_server;
pub mod script;
pub mod simulated_room;
pub mod transcript;
