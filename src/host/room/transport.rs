//! A session with a server as a host sees it: raw signal bytes and packets, both ways. Knows nothing of tracks.
//!
//! [`join`] gives a [`Transport`] to send with and a [`Session`](super::Session) that hands everything received to a [`TransportDelegate`] once
//! started. An interruption is reported, not mended: whoever owns the transport calls [`Transport::resume`] (same participant,
//! WebSocket and ICE anew) or joins again.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::{Duration, timeout},
};

use super::{
    super::waiting::Waiting,
    address::ServerAddress,
    channel::{ChannelState, Outgoing},
    error::{Interruption, JoinError, NotOpen, NotSent},
    join::first_answer,
    session::{Command, Resumed},
    socket::{Mode, Resumption, Socket},
    token::Token,
};
use crate::{frame::PacketBatch, signal::session::Response};

pub use super::join::join;

/// Takes what arrives. Called on the session's tasks; must not block.
pub trait TransportDelegate: Send + Sync {
    /// A signal message, as received; the join response first. All of them, also those that the transport itself acts on.
    fn on_signal_response(&self, response: Vec<u8>);
    /// A message of a `_data_track` channel.
    fn on_packet_received(&self, packet: &[u8]);
    /// So many bytes wait to leave now. The first report comes when the channel is open.
    fn on_buffered_amount(&self, bytes: u64);
    /// The session does not work any more, or not fully. Reported once until it is resumed, or twice when the first was a symptom.
    fn on_interrupted(&self, interruption: Interruption);
    /// What was reported before is mended; the reconnect response follows.
    fn on_resumed(&self) {}
}

/// Where to join, and as whom.
#[derive(Clone, Debug)]
pub struct JoinOptions {
    /// The server.
    pub server: ServerAddress,
    /// Says who joins which room.
    pub token: Token,
    /// How many peer connections; `None`: one, or two if the server knows only that.
    pub mode: Option<Mode>,
    /// How long the data channel may take to open; then a [`Room`](super::Room) joins anew.
    pub opening_limit: Duration,
}

impl JoinOptions {
    /// In the way that suits most.
    pub fn new(server: ServerAddress, token: Token) -> Self {
        Self { server, token, mode: None, opening_limit: OPENING_TIME }
    }
}

/// Sends into a session. Clones share it; when the last is gone, the session ends without a word.
#[derive(Clone)]
pub struct Transport {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) outgoing: Outgoing,
    pub(super) arrival: watch::Receiver<ChannelState>,
    pub(super) connected: watch::Receiver<bool>,
    pub(super) is_cut: watch::Receiver<bool>,
    pub(super) shared: Arc<Shared>,
}

/// What the handle and the session both know.
pub(super) struct Shared {
    pub(super) server: ServerAddress,
    pub(super) mode: Mode,
    pub(super) participant_sid: String,
    pub(super) token: Mutex<Token>,
    pub(super) waiting_signals: Waiting,
}

impl Transport {
    /// Sends a SignalRequest, after those sent before. While the session is interrupted it waits for the resumption.
    ///
    /// # Errors
    /// When the session has ended, or too many wait.
    pub fn send_signal(&self, request: Vec<u8>) -> Result<(), NotSent> {
        if !self.shared.waiting_signals.take(request.len()) {
            return Err(NotSent::Full);
        }
        self.commands.send(Command::Signal(request)).map_err(|_| NotSent::NotConnected)
    }

    /// Sends packets, each as one message of the channel `_data_track`, after those sent before. All or none is accepted.
    ///
    /// # Errors
    /// When the channel is not open, or too much waits.
    pub fn send_packets(&self, packets: PacketBatch) -> Result<(), NotSent> {
        self.outgoing.send(packets)
    }

    /// Waits until packets can be sent, and arrive. What others send before is lost.
    ///
    /// # Errors
    /// When the channel was closed instead, or is not open within `limit`.
    pub async fn wait_until_open(&self, limit: Duration) -> Result<(), NotOpen> {
        let opened =
            async { opened(self.outgoing.state()).await && opened(self.arrival.clone()).await };
        match timeout(limit, opened).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotOpen::Closed),
            Err(_) => Err(NotOpen::TimedOut),
        }
    }

    /// Comes back as the same participant: a new WebSocket, and ICE anew. `published` goes into the SyncState (one serialized
    /// PublishDataTrackResponse a track); `None` sends none, for those who send one themselves.
    ///
    /// # Errors
    /// [`JoinError::NotResumable`] when the server wants a new join instead; else as [`join`].
    pub async fn resume(&self, published: Option<Vec<Vec<u8>>>) -> Result<(), JoinError> {
        let resumption = Resumption {
            participant_sid: self.shared.participant_sid.clone(),
            reason: SIGNAL_DISCONNECTED,
        };
        let token = self.shared.token();
        let Shared { server, mode, .. } = &*self.shared;
        let mut socket = Socket::connect(server, &token, *mode, Some(&resumption)).await?;
        let response = socket.first().await?;
        match first_answer(&response)? {
            Response::Reconnect(_) => {}
            _ => return Err(JoinError::Broken { detail: "no reconnect response".into() }),
        }
        let (done, resumed) = oneshot::channel();
        let command = Resumed { socket, response, published, done };
        let ended = |_| JoinError::Broken { detail: "the session has ended".into() };
        self.commands.send(Command::Resume(Box::new(command))).map_err(|_| ended(()))?;
        resumed.await.map_err(|_| ended(()))??;
        self.wait_until_connected().await
    }

    /// The token to join again with: the newest that the server sent.
    pub fn token(&self) -> Token {
        self.shared.token()
    }

    /// Cuts the WebSocket as a network failure would. The participant stays in the room for a while.
    pub fn cut(&self) {
        self.commands.send(Command::Cut).ok();
    }

    /// Lets what waits leave, then leaves the room and closes everything.
    pub async fn leave(&self) {
        self.outgoing.drained(DRAIN_TIME).await;
        self.finish(true).await;
    }

    /// Closes everything without a word to the server.
    pub async fn abandon(&self) {
        self.finish(false).await;
    }

    /// Not for long where it is hopeless: without signalling the peers cannot find each other.
    async fn wait_until_connected(&self) -> Result<(), JoinError> {
        let (mut connected, mut is_cut) = (self.connected.clone(), self.is_cut.clone());
        let connected = async {
            select! {
                biased;
                connected = connected.wait_for(|connected| *connected) => connected.is_ok(),
                _ = is_cut.wait_for(|is_cut| *is_cut) => false,
            }
        };
        match timeout(PEER_TIMEOUT, connected).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(JoinError::Broken { detail: Interruption::Signal.to_string() }),
            Err(_) => Err(JoinError::WebRtc { detail: "ICE does not come up again".into() }),
        }
    }

    async fn finish(&self, farewell: bool) {
        let (done, finished) = oneshot::channel();
        self.commands.send(Command::Finish { farewell, done }).ok();
        finished.await.ok();
    }
}

async fn opened(mut state: watch::Receiver<ChannelState>) -> bool {
    let settled = state.wait_for(|state| *state != ChannelState::Opening).await;
    settled.is_ok_and(|state| *state == ChannelState::Open)
}

impl Shared {
    pub(super) fn token(&self) -> Token {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn renew(&self, token: Token) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// ICE, DTLS and SCTP together; usually far below one second. DTLS sends again what was lost after 1, 2 and 4 seconds.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// Requests that may wait for a resumption: far more than a host has outstanding, and several of the largest (2 MiB).
pub(super) const MAX_WAITING_BYTES: usize = 16 << 20;

/// For ICE and DTLS after a resumption (protocol §7: 15 s for a connection).
const PEER_TIMEOUT: Duration = Duration::from_secs(15);

/// For the packets that wait when the room is left.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// ReconnectReason RR_SIGNAL_DISCONNECTED.
const SIGNAL_DISCONNECTED: i32 = 1;
