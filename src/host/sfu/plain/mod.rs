//! The embedded SFU over plain TCP: one connection a participant, framed as [`crate::host::plain`] says.
//!
//! Owns the sockets and their queues; decides nothing about tracks. Every queue is bounded: a slow reader loses packets, and one
//! that does not even take its signals loses its connection.

mod connection;
mod control;
mod outlet;

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, select, task::JoinSet};

use self::outlet::Outlet;
use super::{Config, Impairment, hub};

type Hub = hub::Hub<Outlet>;
type Member = hub::Member<Outlet>;

/// Settings of [`serve`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Faults of every downlink, until a control sets others.
    pub impairment: Impairment,
    /// False refuses schemas, as livekit-server does by default.
    pub data_blobs: bool,
    /// How long a participant whose connection broke is kept.
    pub departure_timeout: Duration,
    /// Makes SIDs and faults the same again; `None`: chance.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        let Config { impairment, data_blobs, departure_timeout, .. } = Config::new("");
        Self { impairment, data_blobs, departure_timeout, seed: None }
    }
}

/// Serves participants until the future is dropped; then all connections end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let Options { impairment, data_blobs, departure_timeout, seed } = options;
    let rooms = Config { impairment, data_blobs, departure_timeout, ..Config::new("") };
    let hub = Hub::new(rooms, seed);
    let mut connections = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection::run(stream, Arc::clone(&hub)))),
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
