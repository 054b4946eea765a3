//! Ctrl-C and requests to terminate, heard whenever they come: who asks only later is told as well.

use std::{future::pending, sync::LazyLock};

use tokio::{select, signal::ctrl_c, sync::watch};

/// How somebody asks for the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Request {
    #[default]
    Interrupt,
    /// As those who look after services do.
    Terminate,
}

impl Request {
    /// The first that was heard.
    pub(crate) fn heard() -> Option<Self> {
        *HEARD.borrow()
    }

    /// As shells have it for what a signal has ended: 128 and its number, SIGINT or SIGTERM.
    pub(crate) fn status(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    async fn next() -> Self {
        select! {
            Ok(()) = ctrl_c() => Self::Interrupt,
            () = termination() => Self::Terminate,
        }
    }
}

static HEARD: LazyLock<watch::Sender<Option<Request>>> = LazyLock::new(watch::Sender::default);

/// Begins to listen. Who asks twice does not want to wait until everything is left.
pub(crate) fn listen() {
    tokio::spawn(async {
        HEARD.send_replace(Some(Request::next().await));
        std::process::exit(Request::next().await.status().into());
    });
}

/// Ends when the end is asked for, or was.
pub(crate) async fn interrupted() {
    HEARD.subscribe().wait_for(Option::is_some).await.ok();
}

#[cfg(unix)]
async fn termination() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut requests) => drop(requests.recv().await),
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn termination() {
    pending().await
}
