//! The exported objects: translate, lock, make one call of a pure core, drain its outputs, translate back.
//!
//! The only layer that locks, reads the clock, or calls foreign code; it decides nothing about tracks.

pub mod delegate;
pub mod environment;
mod forks;
pub(crate) mod guard;
pub(crate) mod lock;
mod payload;
mod random;
pub(crate) mod timers;
mod wait;

#[cfg(models)]
mod models;
#[cfg(test)]
mod tests;

pub mod key_ring;
mod local_control;
mod local_end;
pub mod local_manager;
mod local_push;
mod local_sending;
mod local_state;
pub mod local_track;
mod local_waits;
pub mod logging;
mod remote_core;
mod remote_effects;
pub mod remote_manager;
mod remote_reception;
mod remote_seats;
mod remote_tell;
pub mod remote_track;
mod spare;
mod stream;

pub use delegate::*;
pub use environment::Environment;
pub use key_ring::*;
pub use local_manager::LocalDataTrackManager;
pub use local_track::LocalDataTrack;
pub use logging::set_log_sink;
pub use remote_manager::RemoteDataTrackManager;
pub use remote_track::RemoteDataTrack;
pub use stream::DataTrackStream;
pub use wait::CancelToken;
