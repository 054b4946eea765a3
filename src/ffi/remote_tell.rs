//! What the delegate of a remote manager is told: one call at a time, in order, without a lock.

use std::sync::Arc;

use super::{RemoteDataTrack, RemoteDataTrackManagerDelegate, remote_core::Remote};
use crate::{
    remote::{Request, TrackId},
    signal::SignalOut,
    track::{SubscriptionState, UnpublishReason},
};

/// One call of the delegate.
pub(super) struct Call {
    pub(super) delegate: Arc<dyn RemoteDataTrackManagerDelegate>,
    pub(super) tell: Tell,
}

/// What the delegate is to be told.
pub(super) enum Tell {
    Request {
        request: SignalOut,
        track: TrackId,
        kind: Request,
    },
    Published(Arc<RemoteDataTrack>),
    Unpublished(Arc<RemoteDataTrack>, UnpublishReason),
    SubscriptionChanged(Arc<RemoteDataTrack>, SubscriptionState),
    /// The delegate is let go.
    Nothing,
}

impl Tell {
    /// The log hears what the delegate is told.
    pub(super) fn tell_log(&self) {
        match self {
            Self::Request { kind, .. } => tracing::debug!(?kind, "a request leaves"),
            Self::Published(track) => {
                let (info, publisher) = (track.info(), track.publisher_identity());
                tracing::info!(name = info.name, sid = info.sid, publisher, "a track is published");
            }
            Self::Unpublished(track, reason) => {
                let (info, publisher) = (track.info(), track.publisher_identity());
                tracing::info!(
                    name = info.name,
                    sid = info.sid,
                    publisher,
                    ?reason,
                    "a track has ended"
                );
            }
            Self::SubscriptionChanged(track, state) => {
                tracing::info!(name = track.info().name, ?state, "a subscription has changed");
            }
            Self::Nothing => {}
        }
    }
}

impl Remote {
    pub(super) fn tell(&self, call: Call) {
        let Call { delegate, tell } = call;
        tell.tell_log();
        // Faults are counted by `call_out`; nothing else depends on the answer.
        let _ = match tell {
            Tell::Request { request, track, kind } => {
                let send = || delegate.on_signal_request(request.encode());
                let sent = self.faults.call_out("on_signal_request", send);
                self.note_request(track, kind, sent.is_ok());
                return;
            }
            Tell::Published(track) => {
                self.faults.call_out("on_track_published", || delegate.on_track_published(track))
            }
            Tell::Unpublished(track, reason) => self
                .faults
                .call_out("on_track_unpublished", || delegate.on_track_unpublished(track, reason)),
            Tell::SubscriptionChanged(track, state) => {
                self.faults.call_out("on_subscription_changed", || {
                    delegate.on_subscription_changed(track, state)
                })
            }
            Tell::Nothing => return,
        };
    }
}
