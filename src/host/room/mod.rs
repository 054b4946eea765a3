//! Joins a LiveKit-compatible room over WebSocket and WebRTC: what a Swift or Kotlin SDK does around this crate, in Rust.
//!
//! ```text
//!  transport   raw signal bytes and packets, both ways; reports interruptions       (the bridge needs no more)
//!   └ session    one task: WebSocket, offers, candidates, keep-alive
//!      ├ socket    the signalling connection        ├ peers/peer   the WebRTC connections
//!      └ channel   packets in and out, and how much of them waits
//! ```
//! Never looks into a packet, and into a signal only as far as the connection itself goes.

mod address;
mod backoff;
pub(in crate::host) mod channel;
mod error;
mod keep_alive;
pub(in crate::host) mod peer;
mod peers;
mod session;
mod socket;
mod token;
pub mod transport;

pub use self::{
    address::{InvalidAddress, ServerAddress},
    error::{EndReason, Interruption, JoinError, NotSent},
    session::Session,
    socket::Mode,
    token::{ApiKey, Grants, TOKEN_LIFETIME, Token},
};
