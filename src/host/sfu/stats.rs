//! What an SFU counted.

use super::{LinkStats, ParticipantId, Sfu};
use crate::track::Handle;

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
    /// Its handle at the subscriber.
    pub handle: Handle,
    /// What became of its packets.
    pub link: LinkStats,
}

/// A packet that did not reach its subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who should have got it.
    pub subscriber: String,
    /// Name of its track.
    pub track: String,
    /// Number of its frame.
    pub frame_number: u16,
}

impl Sfu {
    /// A packet that left was not delivered: the subscriber's connection has no room for it.
    pub fn handle_undelivered(&mut self, to: ParticipantId, packet: &[u8]) {
        let handle =
            packet.get(2..4).map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
        let link =
            handle.and_then(Handle::new).and_then(|handle| self.links.get_mut(&(to, handle)));
        if let Some(link) = link {
            link.handle_undelivered(packet);
        }
    }

    /// Packets of active subscriptions that were not delivered since this was last asked, as many as are remembered.
    pub fn take_losses(&mut self) -> Vec<Loss> {
        let mut losses = Vec::new();
        for publication in self.participants.values().flat_map(|p| p.publications.values()) {
            for key @ (subscriber, _) in &publication.subscribers {
                let (Some(link), Some(subscriber)) =
                    (self.links.get_mut(key), self.participants.get(subscriber))
                else {
                    continue;
                };
                losses.extend(link.take_losses().into_iter().map(|frame_number| Loss {
                    subscriber: subscriber.identity.clone(),
                    track: publication.info.name.clone(),
                    frame_number,
                }));
            }
        }
        losses
    }

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
                        handle: *handle,
                        link: self.links.get(&(*id, *handle))?.stats(),
                    })
                })
                .collect::<Vec<_>>()
        };
        publications.flat_map(|(publisher, track)| of(publisher, track)).collect()
    }
}
