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

use std::{io, time::Duration};

use tokio::{net::TcpListener, select, task::JoinSet};

pub(super) use self::outlet::Outlet;
use super::Rooms;

/// What strangers can make a server hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// For a connection to say who it is.
    pub hello: Duration,
    /// For a reader to take something.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: MAX_CONNECTIONS, hello: HELLO_LIMIT, write: WRITE_LIMIT }
    }
}

/// Serves participants until the future is dropped; then all connections end.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, rooms: Rooms, limits: Limits) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::run(stream, rooms.clone(), limits));
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

/// A connection that does not say who it is is of no use.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// A reader that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
