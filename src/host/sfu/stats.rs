//! What an SFU counted.

use super::{LinkStats, Sfu};

/// Counts of one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SfuStats {
    /// Requests that could not be read.
    pub malformed_signals: u64,
    /// Packets that the server would not forward.
    pub malformed_packets: u64,
    /// Packets under a handle that is not published.
    pub unknown_packets: u64,
    /// Unsubscribes of something that was not active: they freeze the participant on servers up to 1.13.5 (protocol §3.8).
    pub dangerous_unsubscribes: u64,
    /// Packets of subscriptions that have ended.
    pub ended: LinkStats,
}

/// The packets of one active subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStats {
    /// Who reads.
    pub subscriber: String,
    /// Whose track.
    pub publisher: String,
    /// The track's name.
    pub track: String,
    /// The track's SID.
    pub track_sid: String,
    /// What became of its packets.
    pub link: LinkStats,
}

impl Sfu {
    /// What was counted so far.
    pub fn stats(&self) -> SfuStats {
        self.stats
    }

    /// One entry an active subscription.
    pub fn subscription_stats(&self) -> Vec<SubscriptionStats> {
        let publications = self.participants.values().flat_map(|publisher| {
            publisher.publications.values().map(move |track| (publisher, track))
        });
        let of = |publisher: &super::participant::Participant,
                  track: &super::participant::Publication| {
            let readers = track.subscribers.iter();
            readers
                .filter_map(|(id, handle)| {
                    Some(SubscriptionStats {
                        subscriber: self.participants.get(id)?.identity.clone(),
                        publisher: publisher.identity.clone(),
                        track: track.info.name.clone(),
                        track_sid: track.info.sid.clone(),
                        link: self.links.get(&(*id, *handle))?.stats(),
                    })
                })
                .collect::<Vec<_>>()
        };
        publications.flat_map(|(publisher, track)| of(publisher, track)).collect()
    }
}
