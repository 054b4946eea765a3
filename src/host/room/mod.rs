//! Joins a LiveKit-compatible room over WebSocket and WebRTC: what a Swift or Kotlin SDK does around this crate, in Rust.
//!
//! ```text
//!  Room          transport + the two managers, used as any host uses them; comes back after interruptions
//!   ├ gateway      managers ↔ transport          ├ reconnect, backoff   how it comes back
//!   └ transport    raw signal bytes and packets, both ways; reports interruptions   (the bridge needs no more)
//!      └ join, session   one task: offers, candidates; keep_alive, diagnosis: what is wrong, and since when
//!         ├ signalling, socket   the signalling connection      ├ peers, peer   the WebRTC connections
//!         └ channel              packets in and out, and how much of them waits
//! ```
//! The transport never looks into a packet, and into a signal only as far as the connection itself goes.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::AbortHandle,
};

mod address;
mod backoff;
pub(in crate::host) mod channel;
mod diagnosis;
mod error;
mod gateway;
mod join;
mod keep_alive;
pub(in crate::host) mod peer;
mod peers;
mod reconnect;
mod runtime;
mod session;
mod signalling;
mod socket;
mod token;
pub mod transport;

pub use self::{
    address::{InvalidAddress, ServerAddress},
    error::{EndReason, Interruption, JoinError, NotOpen, NotSent},
    session::Session,
    socket::Mode,
    token::{ApiKey, Grants, TOKEN_LIFETIME, Token},
};
use self::{
    gateway::Gateway,
    reconnect::Reconnector,
    transport::{JoinOptions, Transport, join},
};
use crate::{
    KeyRing, LocalDataTrack, LocalDataTrackManager, LocalDataTrackManagerDelegate, RemoteDataTrack,
    RemoteDataTrackManager, RemoteDataTrackManagerDelegate, track::UnpublishReason,
};

/// A room that was joined: publish with [`local`](Self::local), read with [`remote`](Self::remote), then [`leave`](Self::leave).
pub struct Room {
    local: Arc<LocalDataTrackManager>,
    remote: Arc<RemoteDataTrackManager>,
    gateway: Arc<Gateway>,
    reconnector: AbortHandle,
    participant: Participant,
}

/// Whom the server takes this participant for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// From the token.
    pub identity: String,
    /// Name of the room.
    pub room: String,
    /// May publish data tracks.
    pub can_publish_data: bool,
    /// May read tracks.
    pub can_subscribe: bool,
    /// Version of the server.
    pub server_version: String,
}

/// What happens in a room.
#[derive(Debug)]
pub enum RoomEvent {
    /// A participant publishes a track.
    TrackPublished(Arc<RemoteDataTrack>),
    /// A track of another participant ended.
    TrackUnpublished(Arc<RemoteDataTrack>, UnpublishReason),
    /// A track of ours ended.
    OwnTrackUnpublished(Arc<LocalDataTrack>, UnpublishReason),
    /// The connection broke and is being mended.
    Reconnecting(Interruption),
    /// It was not mended by this attempt; others follow.
    AttemptFailed(JoinError),
    /// The connection is mended: frames can flow.
    Reconnected(Reconnection),
    /// The room is lost for good; the managers are shut down.
    Closed(EndReason),
}

/// How the connection was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnection {
    /// The server still knew the participant.
    Quick,
    /// The room was joined anew.
    Full,
}

impl fmt::Display for Reconnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quick => "quick",
            Self::Full => "full",
        })
    }
}

impl Room {
    /// Joins a room. With a key ring, tracks are published encrypted and encrypted ones can be read.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub async fn join(
        options: JoinOptions,
        key_ring: Option<Arc<KeyRing>>,
    ) -> Result<(Self, UnboundedReceiver<RoomEvent>), JoinError> {
        let (transport, session) = join(&options).await?;
        let participant = Participant::of(&session);
        let identity = Some(participant.identity.clone());
        let (event_sender, events) = unbounded_channel();
        let gateway = Gateway::new(event_sender);
        let sealing = key_ring.clone().map(|ring| ring.encryption_provider(identity.clone()));
        let opening = key_ring.map(KeyRing::decryption_provider);
        let delegate: Arc<dyn LocalDataTrackManagerDelegate> = gateway.clone();
        let local = Arc::new(LocalDataTrackManager::new(delegate, sealing, identity.clone()));
        let delegate: Arc<dyn RemoteDataTrackManagerDelegate> = gateway.clone();
        let remote = Arc::new(RemoteDataTrackManager::new(delegate, opening, identity));
        let mut reconnector = Reconnector::new(options, &gateway, &local, &remote);
        reconnector.attach(transport, session);
        let reconnector = tokio::spawn(reconnector.run()).abort_handle();
        Ok((Self { local, remote, gateway, reconnector, participant }, events))
    }

    /// Publishes tracks.
    pub fn local(&self) -> &Arc<LocalDataTrackManager> {
        &self.local
    }

    /// Knows the tracks of the others.
    pub fn remote(&self) -> &Arc<RemoteDataTrackManager> {
        &self.remote
    }

    /// As told by the server when joining.
    pub fn participant(&self) -> &Participant {
        &self.participant
    }

    /// Waits until frames can be sent, and arrive. Subscribe after it: what is sent before does not arrive.
    ///
    /// # Errors
    /// When the data channel was closed instead, or is not open within `limit`.
    pub async fn wait_until_open(&self, limit: Duration) -> Result<(), NotOpen> {
        let transport = self.transport().ok_or(NotOpen::TimedOut)?;
        transport.wait_until_open(limit).await
    }

    /// The connection of the moment; `None` while the room is joined again. What is done with it the managers do not notice.
    pub fn transport(&self) -> Option<Transport> {
        self.gateway.transport()
    }

    /// Ends all tracks and streams, says goodbye, closes everything.
    pub async fn leave(self) {
        self.shutdown();
        if let Some(transport) = self.gateway.replace(None) {
            transport.leave().await;
        }
    }

    fn shutdown(&self) {
        self.reconnector.abort();
        self.local.shutdown();
        self.remote.shutdown();
    }
}

/// A room that is dropped without being left closes its connections without a word.
impl Drop for Room {
    fn drop(&mut self) {
        self.shutdown();
        self.gateway.replace(None);
    }
}

impl Participant {
    fn of(session: &Session) -> Self {
        let joined = session.joined();
        let own = joined.participant.clone().unwrap_or_default();
        let permission = own.permission.unwrap_or_default();
        Self {
            identity: own.identity,
            room: joined.room.clone().unwrap_or_default().name,
            can_publish_data: permission.can_publish_data,
            can_subscribe: permission.can_subscribe,
            server_version: joined.server_info.clone().unwrap_or_default().version,
        }
    }
}
