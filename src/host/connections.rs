//! Connections of strangers: each accepted one is a task, so many at a time, until it is time to stop.

use std::time::Duration;

use tokio::{
    net::{TcpListener, TcpStream},
    select,
    task::JoinSet,
    time::{sleep, timeout},
};

/// Those that are open. Dropping it cuts them.
pub(super) struct Connections(JoinSet<()>);

/// Serves each connection until `stop`, at most `most` at a time: more wait to be accepted.
pub(super) async fn serve<Serving>(
    listener: &TcpListener,
    most: usize,
    stop: impl Future<Output = ()>,
    connection: impl Fn(TcpStream) -> Serving,
) -> Connections
where
    Serving: Future<Output = ()> + Send + 'static,
{
    let mut open = JoinSet::new();
    let accepting = async {
        loop {
            select! {
                stream = accept(listener), if open.len() < most => drop(open.spawn(connection(stream))),
                Some(_) = open.join_next() => {}
            }
        }
    };
    select! {
        () = accepting => {}
        () = stop => {}
    }
    Connections(open)
}

/// The next connection, however long that takes: out of descriptors, a server waits until others close.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Connections {
    /// Waits until all have ended by themselves, and no longer than `limit`.
    pub(super) async fn end(mut self, limit: Duration) {
        let ended = async { while self.0.join_next().await.is_some() {} };
        timeout(limit, ended).await.ok();
    }
}

/// After a failure to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
