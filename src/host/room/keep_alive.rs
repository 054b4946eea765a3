//! Pings the server, and notices when it has gone quiet (protocol §5.8). Pure: time comes in.

use std::time::Duration;

use tokio::time::Instant;

use crate::signal::session::{JoinResponse, Ping, Pong};

#[derive(Debug)]
pub(super) struct KeepAlive {
    interval: Duration,
    timeout: Duration,
    heard: Instant,
    next_ping: Instant,
    last_rtt: i64,
}

/// What is due.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    Ping(Ping),
    /// Nothing was heard for too long.
    Lost,
    Nothing,
}

impl KeepAlive {
    pub(super) fn new(join: &JoinResponse, now: Instant) -> Self {
        let interval = seconds(join.ping_interval, DEFAULT_INTERVAL);
        Self {
            interval,
            timeout: seconds(join.ping_timeout, DEFAULT_TIMEOUT),
            heard: now,
            next_ping: now + interval,
            last_rtt: 0,
        }
    }

    /// After the connection was made anew.
    pub(super) fn restart(&mut self, now: Instant) {
        self.heard = now;
        self.next_ping = now + self.interval;
    }

    /// A message came, of whatever kind.
    pub(super) fn handle_message(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The answer to a ping came.
    pub(super) fn handle_pong(&mut self, pong: &Pong, clock_ms: i64) {
        self.last_rtt = clock_ms.saturating_sub(pong.last_ping_timestamp).max(0);
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.next_ping.min(self.heard + self.timeout)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, clock_ms: i64) -> Due {
        if now >= self.heard + self.timeout {
            return Due::Lost;
        }
        if now < self.next_ping {
            return Due::Nothing;
        }
        self.next_ping = now + self.interval;
        Due::Ping(Ping { timestamp: clock_ms, rtt: self.last_rtt })
    }
}

fn seconds(told: i32, default: Duration) -> Duration {
    u64::try_from(told).ok().filter(|told| *told > 0).map_or(default, Duration::from_secs)
}

/// What servers tell unless configured otherwise (protocol §5.8).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> (KeepAlive, Instant) {
        let start = Instant::now();
        let join = JoinResponse { ping_interval: 2, ping_timeout: 5, ..JoinResponse::default() };
        (KeepAlive::new(&join, start), start)
    }

    #[test]
    fn pings_at_each_interval_and_not_before() {
        let (mut keep_alive, start) = started();
        let due = start + Duration::from_secs(2);
        assert_eq!(keep_alive.poll_timeout(), due);
        assert_eq!(keep_alive.handle_timeout(due - TICK, 10), Due::Nothing);
        assert_eq!(keep_alive.handle_timeout(due, 10), Due::Ping(Ping { timestamp: 10, rtt: 0 }));
        assert_eq!(keep_alive.handle_timeout(due, 10), Due::Nothing);
        assert_eq!(keep_alive.poll_timeout(), due + Duration::from_secs(2));
    }

    #[test]
    fn tells_the_last_round_trip() {
        let (mut keep_alive, start) = started();
        keep_alive.handle_pong(&Pong { last_ping_timestamp: 100, timestamp: 0 }, 107);
        let due = keep_alive.handle_timeout(start + Duration::from_secs(2), 200);
        assert_eq!(due, Due::Ping(Ping { timestamp: 200, rtt: 7 }));
    }

    #[test]
    fn silence_is_loss_and_any_message_ends_it() {
        let (mut keep_alive, start) = started();
        let lost = start + Duration::from_secs(5);
        assert_ne!(keep_alive.handle_timeout(lost - TICK, 0), Due::Lost);
        assert_eq!(keep_alive.handle_timeout(lost, 0), Due::Lost);
        keep_alive.handle_message(lost);
        assert_ne!(keep_alive.handle_timeout(lost, 0), Due::Lost);
    }

    #[test]
    fn servers_that_tell_nothing_get_the_defaults() {
        let start = Instant::now();
        let keep_alive = KeepAlive::new(&JoinResponse::default(), start);
        assert_eq!(keep_alive.poll_timeout(), start + DEFAULT_INTERVAL);
    }

    const TICK: Duration = Duration::from_millis(1);
}
