//! LiveKit-compatible data tracks: named, encrypted, real-time streams of application frames over WebRTC data channels.
//!
//! The host owns the WebSocket and the data channel; [`LocalDataTrackManager`] and [`RemoteDataTrackManager`] take raw
//! signal bytes and packets in, and emit signal requests and packets through delegates.
//!
//! # Layers
//!
//! ```text
//! ffi → {local, remote} → {packet, e2ee, signal} → {frame, track, options, error, stats, random, sorted, arrows}
//! host (feature) → what this crate exports
//! ```
//! Never the other way; `local` and `remote` do not know each other. Below `ffi` nothing awaits, spawns, locks or reads a
//! clock: time and chance are arguments. `tests/layers` holds the rule against the code.

mod arrows;
pub mod e2ee;
pub mod error;
pub mod ffi;
pub mod frame;
mod local;
pub mod options;
pub mod packet;
pub mod random;
mod remote;
mod share;
pub mod signal;
mod sorted;
pub mod stats;
pub mod track;

#[cfg(feature = "host")]
pub mod host;

#[cfg(feature = "host")]
pub use arrows::Taken;

pub use self::{error::*, ffi::*, frame::*, options::*, stats::*, track::*};

/// What UniFFI makes of `udl/datatracks.udl`.
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
mod scaffolding {
    use super::*;
    include!("../udl/scaffolding.rs");
}
pub(crate) use scaffolding::UniFfiTag;
