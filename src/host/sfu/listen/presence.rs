//! Whether a participant is still there, judged by its peer connections alone: a lost WebSocket ends nobody (protocol §7).
//!
//! ```text
//!            a connection is up                 none is up any more
//!  Joining ─────────────────────► Connected ◄───────────────────────► Away
//!     └── JOIN_TIMEOUT ──► gone                        departure ──┘──► gone
//! ```

use std::time::Duration;

use tokio::time::Instant;

/// The participant's two connections, by whether they are up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Up {
    pub(super) publisher: bool,
    pub(super) subscriber: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// No connection was ever up.
    Joining {
        until: Instant,
    },
    Connected,
    /// No connection is up any more.
    Away {
        until: Instant,
    },
}

impl Presence {
    pub(super) fn new(now: Instant) -> Self {
        Self::Joining { until: now + JOIN_TIMEOUT }
    }

    /// A connection came up or went down.
    pub(super) fn handle_connections(&mut self, up: Up, now: Instant, departure: Duration) {
        let any = up.publisher || up.subscriber;
        *self = match (*self, any) {
            (Self::Joining { .. } | Self::Connected | Self::Away { .. }, true) => Self::Connected,
            (Self::Connected, false) => Self::Away { until: now + departure },
            (same @ (Self::Joining { .. } | Self::Away { .. }), false) => same,
        };
    }

    /// When the participant is gone unless a connection comes up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Joining { until } | Self::Away { until } => Some(*until),
            Self::Connected => None,
        }
    }
}

/// A participant that has no connection by then is removed (protocol §5.6).
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const DEPARTURE: Duration = Duration::from_secs(10);
    const NONE: Up = Up { publisher: false, subscriber: false };
    const ONE: Up = Up { publisher: true, subscriber: false };

    #[test]
    fn whoever_never_connects_is_gone_after_a_minute() {
        let now = Instant::now();
        let mut presence = Presence::new(now);
        presence.handle_connections(NONE, now + Duration::from_secs(30), DEPARTURE);
        assert_eq!(presence.poll_timeout(), Some(now + JOIN_TIMEOUT));
    }

    #[test]
    fn one_connection_is_enough_to_stay() {
        let mut presence = Presence::new(Instant::now());
        presence.handle_connections(ONE, Instant::now(), DEPARTURE);
        assert_eq!(presence.poll_timeout(), None);
    }

    #[test]
    fn being_away_counts_from_the_last_connection_on() {
        let now = Instant::now();
        let mut presence = Presence::Connected;
        presence.handle_connections(NONE, now, DEPARTURE);
        presence.handle_connections(NONE, now + Duration::from_secs(5), DEPARTURE);
        assert_eq!(presence.poll_timeout(), Some(now + DEPARTURE));
        presence.handle_connections(ONE, now, DEPARTURE);
        assert_eq!(presence, Presence::Connected);
    }
}
