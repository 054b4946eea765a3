//! The SFU over plain TCP: one connection a participant, framed as [`crate::host::plain`] says.
//!
//! ```text
//!  connection (a task each)
//!   ├ reads ── hello, signals, packets, controls ──► rooms (shared by all shells)
//!   └ outlet ◄── signals, packets ──────────────────┘
//! ```
//! Owns sockets only; decides nothing about tracks. Every queue is bounded: a slow reader loses packets, and one that does not even
//! take its signals loses its connection.

mod connection;
mod control;

use std::time::Duration;

use tokio::net::TcpListener;

use super::Rooms;
use crate::host::connections;
pub use crate::host::plain::Limits;

/// Serves participants until `stop`; then says goodbye to everybody in the rooms, and all connections end.
pub async fn serve(
    listener: TcpListener,
    rooms: Rooms,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let run = |stream| connection::run(stream, rooms.clone(), limits);
    let open = connections::serve(&listener, limits.connections, stop, run).await;
    rooms.shut_down();
    open.end(FAREWELL_TIMEOUT).await;
}

/// For all participants together to be told that the server shuts down.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
