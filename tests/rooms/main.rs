//! Whole rooms of the embedded SFU, and servers that go wrong on purpose: what the host of a room sees.
#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    // What tungstenite wants of a callback.
    clippy::result_large_err
)]

mod endings;
mod gate;
mod kit;
mod opening;
#[path = "../raw_participant/mod.rs"]
mod raw_participant;
mod resending;
mod resubscribing;
mod resuming;
