//! What is wrong with a session, and when its owner is told. Pure: time comes in.
//!
//! ```text
//!        channel closed           a reason, or none in time
//!  Well ────────────────► Suspect ─────────────────────────► Told
//!    └────────────────── anything else ───────────────────────┘ │ the cause of a symptom: told too
//!                                                               └──────────────────────────► Told
//! ```
//! A server that ends a session closes the channel and says why on the other connection, and either may come first. Whoever
//! takes the closed channel for a failure joins anew, and throws out those who took its place.

use std::time::Duration;

use tokio::time::Instant;

use super::error::Interruption;

#[derive(Debug)]
pub(super) enum Diagnosis {
    Well,
    /// The channel is closed, and the server may be about to say why.
    Suspect {
        until: Instant,
    },
    Told(Interruption),
}

impl Diagnosis {
    /// Something happened. Answers what to tell.
    pub(super) fn handle(&mut self, happened: Interruption, now: Instant) -> Option<Interruption> {
        use Interruption::{Channel, Ended, Peer, Rejoin, Signal, Silence, Unopened};
        let told = match (&*self, happened) {
            (Self::Well, Channel) => {
                *self = Self::Suspect { until: now + EXPLANATION_TIME };
                return None;
            }
            // Nobody is left to explain it, and resuming opens no channel.
            (Self::Suspect { .. }, Signal | Silence) => Channel,
            (Self::Well, Signal | Silence | Peer | Unopened | Rejoin | Ended(_))
            | (Self::Suspect { .. }, Rejoin | Ended(_))
            | (Self::Told(Peer), Signal | Silence | Rejoin | Ended(_))
            | (Self::Told(Channel), Rejoin | Ended(_)) => happened,
            (Self::Suspect { .. } | Self::Told(Peer), Channel | Peer | Unopened)
            | (Self::Told(Channel), Channel | Peer | Unopened | Signal | Silence)
            | (Self::Told(Signal | Silence | Unopened | Rejoin | Ended(_)), _) => return None,
        };
        *self = Self::Told(told);
        Some(told)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Suspect { until } => Some(*until),
            Self::Well | Self::Told(_) => None,
        }
    }

    /// Nobody said why. Answers what to tell.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Interruption> {
        let due = self.poll_timeout().is_some_and(|until| now >= until);
        due.then(|| {
            *self = Self::Told(Interruption::Channel);
            Interruption::Channel
        })
    }
}

/// Reasons come within milliseconds. A machine that is busy takes longer; whoever has to wait for it has lost its channel anyway.
const EXPLANATION_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::{
        super::error::EndReason,
        Interruption::{Channel, Ended, Peer, Rejoin, Signal, Silence},
        *,
    };

    const REPLACED: Interruption = Ended(EndReason::DuplicateIdentity);

    #[test]
    fn a_closed_channel_waits_for_its_reason() {
        for reason in [Rejoin, REPLACED] {
            let (mut diagnosis, now) = (Diagnosis::Well, Instant::now());
            assert_eq!(diagnosis.handle(Channel, now), None);
            assert_eq!(diagnosis.handle(Peer, now), None);
            assert_eq!(diagnosis.handle(reason, now), Some(reason));
            assert_eq!(diagnosis.poll_timeout(), None);
        }
    }

    #[test]
    fn a_closed_channel_that_nobody_explains_is_told() {
        let (mut diagnosis, now) = (Diagnosis::Well, Instant::now());
        diagnosis.handle(Channel, now);
        let until = now + EXPLANATION_TIME;
        assert_eq!(diagnosis.poll_timeout(), Some(until));
        assert_eq!(diagnosis.handle_timeout(until - Duration::from_millis(1)), None);
        assert_eq!(diagnosis.handle_timeout(until), Some(Channel));
        assert_eq!(diagnosis.handle_timeout(until), None);
        assert_eq!(diagnosis.handle(REPLACED, until), Some(REPLACED));
    }

    #[test]
    fn with_the_signalling_connection_goes_the_hope_for_a_reason() {
        let (mut diagnosis, now) = (Diagnosis::Well, Instant::now());
        diagnosis.handle(Channel, now);
        assert_eq!(diagnosis.handle(Signal, now), Some(Channel));
    }

    #[test]
    fn what_was_told_is_not_told_again_but_its_cause_is() {
        let now = Instant::now();
        for (first, second, told) in [
            (Signal, Peer, None),
            (Signal, Channel, None),
            (REPLACED, Signal, None),
            (Silence, Signal, None),
            (Peer, Silence, Some(Silence)),
            (Peer, Peer, None),
            (Peer, Signal, Some(Signal)),
            (Peer, REPLACED, Some(REPLACED)),
        ] {
            let mut diagnosis = Diagnosis::Well;
            assert_eq!(diagnosis.handle(first, now), Some(first));
            assert_eq!(diagnosis.handle(second, now), told, "{first:?}, then {second:?}");
        }
    }
}
