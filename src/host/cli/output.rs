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

/// Writes one line for people, whatever names of others are in it. Where nobody can be told, nobody is.
pub(crate) fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{}", plain(line)).ok();
}

/// Words of others as they can stand in a line or a column: what would end it, or mean something to a terminal, is written out.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_layout(character) {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Separators of lines and paragraphs, and what changes the direction of what follows.
fn is_layout(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
