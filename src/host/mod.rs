//! The reference host: real rooms, the embedded SFU, the command line. Uses what this crate exports, as any host would.

pub mod bridge;
mod connections;
pub mod plain;
pub mod room;
pub mod sfu;
mod waiting;
