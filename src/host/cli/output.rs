//! stdout for data, stderr for people.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Writes one line of data.
pub(crate) fn data(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::other(format!("cannot write to stdout: {error}")),
    })
}

/// Writes one line for people. Where nobody can be told, nobody is.
pub(crate) fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// Tells how far long work has come, now and then.
pub(crate) struct Progress {
    told: Instant,
}

impl Progress {
    pub(crate) fn begin() -> Self {
        Self { told: Instant::now() }
    }

    pub(crate) fn tell(&mut self, how_far: impl FnOnce() -> String) {
        if self.told.elapsed() >= PACE {
            tell(&how_far());
            self.told = Instant::now();
        }
    }
}

/// Sends log records to stderr, the more the more verbose.
pub(crate) fn log(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "datatracks=debug",
        _ => "debug,rtc=info,webrtc=info",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

/// Often enough to see that it goes on.
const PACE: Duration = Duration::from_secs(5);
