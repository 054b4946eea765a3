//! Ctrl-C and requests to terminate, heard whenever they come: who asks only later is told as well.

#[cfg(unix)]
use std::future::pending;
use std::sync::LazyLock;

use tokio::sync::watch;
#[cfg(unix)]
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

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
}

static HEARD: LazyLock<watch::Sender<Option<Request>>> = LazyLock::new(watch::Sender::default);

/// Listens from now on. Who asks twice does not want to wait until everything is left.
pub(crate) fn listen() {
    let mut requests = Requests::new();
    tokio::spawn(async move {
        HEARD.send_replace(Some(requests.next().await));
        std::process::exit(requests.next().await.status().into());
    });
}

/// Ends when the end is asked for, or was.
pub(crate) async fn interrupted() {
    HEARD.subscribe().wait_for(Option::is_some).await.ok();
}

/// Heard from the moment that this is made, and not only when somebody waits: a process may be asked to end as soon as it has said that
/// it is there.
#[cfg(unix)]
struct Requests {
    interrupts: Option<Signal>,
    terminations: Option<Signal>,
}

#[cfg(unix)]
impl Requests {
    fn new() -> Self {
        Self {
            interrupts: signal(SignalKind::interrupt()).ok(),
            terminations: signal(SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) -> Request {
        select! {
            () = came(&mut self.interrupts) => Request::Interrupt,
            () = came(&mut self.terminations) => Request::Terminate,
        }
    }
}

#[cfg(unix)]
async fn came(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

#[cfg(not(unix))]
struct Requests;

#[cfg(not(unix))]
impl Requests {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> Request {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Request::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_comes_before_anybody_waits_is_heard() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let heard = runtime.block_on(async {
            let mut requests = Requests::new();
            let kill = format!("kill -TERM {}", std::process::id());
            assert!(
                std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success()
            );
            requests.next().await
        });
        assert_eq!(heard, Request::Terminate);
    }
}
