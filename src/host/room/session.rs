//! The session itself: one task that owns WebSocket and peer connections and acts on what the server says about them.
//!
//! ```text
//!  join ──► Live ──WebSocket lost, silence, cut──► Cut ──Resume──► Live
//!            └────────────── Finish, all handles dropped ──┴──────────► closed
//! ```
//! Cut: requests wait, in order; packets flow on as long as the peer connections live. Never decides to reconnect.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use webrtc::peer_connection::RTCPeerConnectionState;

use super::{
    channel::{self, ChannelState, Pump},
    diagnosis::Diagnosis,
    error::{Interruption, JoinError},
    keep_alive::{Due, KeepAlive},
    peer::{PeerEvent, Role},
    peers::Peers,
    signalling::{Signalling, meaning, sync_state},
    socket::Socket,
    token::Token,
    transport::{Shared, TransportDelegate},
};
use crate::signal::session::{JoinResponse, Request, Response, TrickleRequest, decode_response};

/// What a handle asks of the session.
pub(super) enum Command {
    Signal(Vec<u8>),
    Cut,
    Resume(Box<Resumed>),
    Finish { farewell: bool, done: oneshot::Sender<()> },
}

/// A new WebSocket for the same participant.
pub(super) struct Resumed {
    pub(super) socket: Socket,
    pub(super) response: Vec<u8>,
    pub(super) published: Option<Vec<Vec<u8>>>,
    pub(super) done: oneshot::Sender<Result<(), JoinError>>,
}

/// A session that has been joined and is to be started.
pub struct Session {
    pub(super) signalling: Signalling,
    pub(super) peers: Peers,
    pub(super) keep_alive: KeepAlive,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) peer_events: mpsc::UnboundedReceiver<PeerEvent>,
    pub(super) channel_state: watch::Receiver<ChannelState>,
    pub(super) incoming: Arc<watch::Sender<ChannelState>>,
    pub(super) connected: watch::Sender<bool>,
    pub(super) is_cut: watch::Sender<bool>,
    pub(super) pump: Option<Pump>,
    pub(super) shared: Arc<Shared>,
    pub(super) joined: JoinResponse,
    pub(super) response: Vec<u8>,
    pub(super) diagnosis: Diagnosis,
}

impl Session {
    /// What the server said of room and participant.
    pub fn joined(&self) -> &JoinResponse {
        &self.joined
    }

    /// Hands over the join response, on this thread, then begins to hand over everything else.
    pub fn start(mut self, delegate: Arc<dyn TransportDelegate>) {
        if let (Some(pump), Some(channel)) = (self.pump.take(), self.peers.channel()) {
            pump.start(&channel, &delegate, self.connected.subscribe());
        }
        delegate.on_signal_response(std::mem::take(&mut self.response));
        tokio::spawn(self.run(delegate));
    }

    async fn run(mut self, delegate: Arc<dyn TransportDelegate>) {
        loop {
            let suspicion = self.diagnosis.poll_timeout();
            select! {
                // What the server says comes before what its silence means.
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Signal(request)) => self.send(request).await,
                    Some(Command::Cut) => self.cut(&*delegate, Interruption::Signal),
                    Some(Command::Resume(resumed)) => self.resume(*resumed, &*delegate).await,
                    Some(Command::Finish { farewell, done }) => {
                        self.finish(farewell).await;
                        done.send(()).ok();
                        return;
                    }
                    None => return self.finish(false).await,
                },
                message = self.signalling.next() => match message {
                    Some(bytes) => self.handle_message(bytes, &delegate).await,
                    None => self.cut(&*delegate, Interruption::Signal),
                },
                Some(event) = self.peer_events.recv() => self.handle_peer(event, &delegate).await,
                Ok(()) = self.channel_state.changed() => self.look_at_channel(&*delegate),
                () = sleep_until(self.keep_alive.poll_timeout()), if self.signalling.is_live() => {
                    self.handle_timeout(&*delegate).await;
                }
                () = sleep_until(suspicion.unwrap_or_else(Instant::now)), if suspicion.is_some() => {
                    if let Some(interruption) = self.diagnosis.handle_timeout(Instant::now()) {
                        delegate.on_interrupted(interruption);
                    }
                }
            }
        }
    }

    async fn handle_message(&mut self, bytes: Vec<u8>, delegate: &Arc<dyn TransportDelegate>) {
        self.keep_alive.handle_message(Instant::now());
        let response = decode_response(&bytes);
        delegate.on_signal_response(bytes);
        let outcome = match response {
            Ok(Some(Response::Answer(answer))) => {
                self.peers.publisher().accept_answer(answer).await
            }
            Ok(Some(Response::Offer(offer))) => match self.peers.subscriber() {
                Some(peer) => match peer.answer(offer).await {
                    Ok(answer) => return self.signalling.send(Request::Answer(answer)).await,
                    Err(error) => Err(error),
                },
                None => Ok(()),
            },
            Ok(Some(Response::Trickle(TrickleRequest { candidate_init, target, .. }))) => {
                match self.peers.by_target(target) {
                    Some(peer) => peer.add_candidate(&candidate_init).await,
                    None => Ok(()),
                }
            }
            Ok(Some(response)) => return self.handle_response(response, &**delegate),
            Ok(None) => Ok(()),
            Err(error) => return tracing::warn!(%error, "a signal message makes no sense"),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the server's description or candidate was not taken");
        }
    }

    fn handle_response(&mut self, response: Response, delegate: &dyn TransportDelegate) {
        match response {
            Response::PongResp(pong) => self.keep_alive.handle_pong(&pong, clock_ms()),
            Response::RefreshToken(token) => self.shared.renew(Token::new(token)),
            Response::RoomMoved(moved) if !moved.token.is_empty() => {
                self.shared.renew(Token::new(moved.token));
            }
            Response::Leave(leave) => self.cut(delegate, meaning(&leave)),
            _ => {}
        }
    }

    async fn handle_peer(&mut self, event: PeerEvent, delegate: &Arc<dyn TransportDelegate>) {
        match event {
            PeerEvent::Candidate(role, candidate) => {
                let Ok(candidate_init) = serde_json::to_string(&candidate) else { return };
                let trickle =
                    TrickleRequest { candidate_init, target: role.target(), r#final: false };
                self.signalling.send(Request::Trickle(trickle)).await;
            }
            PeerEvent::State(role, state) => self.handle_peer_state(role, state, &**delegate),
            PeerEvent::Channel(channel) => {
                channel::read(channel, Arc::clone(delegate), Arc::clone(&self.incoming));
            }
        }
    }

    fn handle_peer_state(
        &mut self,
        role: Role,
        state: RTCPeerConnectionState,
        delegate: &dyn TransportDelegate,
    ) {
        tracing::debug!(?role, %state, "peer connection");
        if role == Role::Publisher {
            self.connected.send_replace(state == RTCPeerConnectionState::Connected);
        }
        if matches!(state, RTCPeerConnectionState::Disconnected | RTCPeerConnectionState::Failed) {
            self.interrupt(delegate, Interruption::Peer);
        }
    }

    async fn handle_timeout(&mut self, delegate: &dyn TransportDelegate) {
        match self.keep_alive.handle_timeout(Instant::now(), clock_ms()) {
            Due::Ping(ping) => self.signalling.send(Request::PingReq(ping)).await,
            Due::Lost => self.cut(delegate, Interruption::Silence),
            Due::Nothing => {}
        }
    }

    /// A request of the host.
    async fn send(&mut self, request: Vec<u8>) {
        let length = request.len();
        if self.signalling.forward(request).await {
            self.shared.waiting_signals.release(length);
        }
    }

    fn look_at_channel(&mut self, delegate: &dyn TransportDelegate) {
        if *self.channel_state.borrow_and_update() == ChannelState::Closed {
            self.interrupt(delegate, Interruption::Channel);
        }
    }

    fn cut(&mut self, delegate: &dyn TransportDelegate, interruption: Interruption) {
        self.signalling.cut();
        // Before whoever waits for the peers asks why.
        self.interrupt(delegate, interruption);
        self.is_cut.send_replace(true);
    }

    fn interrupt(&mut self, delegate: &dyn TransportDelegate, happened: Interruption) {
        if let Some(interruption) = self.diagnosis.handle(happened, Instant::now()) {
            delegate.on_interrupted(interruption);
        }
    }

    /// Takes up the session on a new connection: state first, then ICE, then what waited.
    async fn resume(&mut self, resumed: Resumed, delegate: &dyn TransportDelegate) {
        let Resumed { socket, response, published, done } = resumed;
        let waiting = self.signalling.resume(socket);
        self.is_cut.send_replace(false);
        self.diagnosis = Diagnosis::Well;
        delegate.on_resumed();
        self.keep_alive.restart(Instant::now());
        delegate.on_signal_response(response);
        if let Some(published) = published {
            self.signalling.send(Request::SyncState(sync_state(&published))).await;
        }
        self.connected.send_replace(false);
        let restarted = self.peers.publisher().restart().await;
        if let Ok(offer) = &restarted {
            self.signalling.send(Request::Offer(offer.clone())).await;
        }
        for request in waiting {
            self.send(request).await;
        }
        done.send(restarted.map(drop).map_err(JoinError::from)).ok();
        // It may have been closed in the meantime.
        self.look_at_channel(delegate);
    }

    async fn finish(self, farewell: bool) {
        if farewell {
            self.signalling.leave().await;
        }
        self.peers.close().await;
    }
}

fn clock_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
