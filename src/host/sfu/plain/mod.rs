//! The SFU over plain TCP: one connection a participant, framed as [`crate::host::plain`] says.
//!
//! ```text
//!  connection ──events──► hub: rooms, who sits where, timers ──signals, packets──► connection
//!   (a task each)          (one task, owns every Sfu)
//! ```
//! Owns sockets, time and the map from connections to participants; decides nothing about tracks. Every queue is bounded: a slow
//! sender waits, a slow reader loses packets, and one that does not even take its signals loses its connection.

mod connection;
mod control;
mod hub;

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{net::TcpListener, select, sync::mpsc, task::JoinSet, time::sleep_until};

use self::{connection::ConnectionId, hub::Hub};
use super::{Config, Impairment};

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
        let room = super::Config::new("");
        Self {
            impairment: room.impairment,
            data_blobs: room.data_blobs,
            departure_timeout: room.departure_timeout,
            seed: None,
        }
    }
}

/// Serves participants until the future is dropped; then all connections end.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let (events, mut inbox) = mpsc::channel(EVENTS);
    let mut hub = Hub::new(options);
    let mut tasks = JoinSet::new();
    let last_id = AtomicU64::new(0);
    loop {
        let due = hub.poll_timeout().map(tokio::time::Instant::from_std);
        select! {
            accepted = listener.accept(), if tasks.len() < MAX_CONNECTIONS => {
                let (stream, _) = match accepted {
                    Ok(accepted) => accepted,
                    Err(error) if is_passing(&error) => continue,
                    Err(error) => return Err(error),
                };
                let id = ConnectionId(last_id.fetch_add(1, Ordering::Relaxed));
                let (outlet, run) = connection::open(id, stream, events.clone());
                let task = tasks.spawn(run);
                hub.handle_connection(id, outlet, task);
            }
            Some(event) = inbox.recv() => hub.handle(Instant::now(), event),
            Some(_) = tasks.join_next() => {}
            () = sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                hub.handle_timeout(Instant::now());
            }
        }
    }
}

/// The settings of a new room, and its seed.
fn room_config(options: &Options, name: &str) -> (Config, u64) {
    let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let config = Config {
        data_blobs: options.data_blobs,
        impairment: options.impairment,
        departure_timeout: options.departure_timeout,
        unix_time_ms: i64::try_from(unix_time.as_millis()).unwrap_or(i64::MAX),
        ..Config::new(name)
    };
    let seed = options.seed.unwrap_or_else(|| getrandom::u64().unwrap_or_default());
    (config, seed)
}

/// The peer was gone before it was accepted, or files are short for a moment.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
    )
}

/// Messages that wait for the hub: a sender that is faster waits.
const EVENTS: usize = 256;

/// Tasks and queues that strangers can make us hold.
const MAX_CONNECTIONS: usize = 1024;
