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
mod outlet;

use std::io;

use tokio::{net::TcpListener, select, task::JoinSet};

pub(super) use self::outlet::Outlet;
use super::Rooms;

/// Serves participants until the future is dropped; then all connections end.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, rooms: Rooms) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::run(stream, rooms.clone()));
                }
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The peer was gone before it was accepted.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Tasks and queues that strangers can make us hold.
const MAX_CONNECTIONS: usize = 1024;
