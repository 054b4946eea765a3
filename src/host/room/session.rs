//! The session itself: one task that owns WebSocket and peer connections and acts on what the server says about them.
//!
//! ```text
//!  join ──► Live ──WebSocket lost, silence, cut──► Cut ──Resume──► Live
//!            └────────────── Finish, all handles dropped ──┴──────────► closed
//! ```
//! Cut: requests wait, in order; packets flow on as long as the peer connections live. Never decides to reconnect.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
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
    error::{EndReason, Interruption, JoinError},
    keep_alive::{Due, KeepAlive},
    peer::{Network, PeerEvent, Role},
    peers::Peers,
    socket::{Mode, Socket},
    token::Token,
    transport::{JoinOptions, Shared, Transport, TransportDelegate},
};
use crate::signal::session::{
    JoinResponse, LeaveRequest, Request, Response, SyncState, TrickleRequest,
    decode_publish_response, decode_response, disconnect_reason, encode_request, leave_action,
};

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
    signal: Signal,
    peers: Peers,
    keep_alive: KeepAlive,
    commands: mpsc::UnboundedReceiver<Command>,
    peer_events: mpsc::UnboundedReceiver<PeerEvent>,
    channel_state: watch::Receiver<ChannelState>,
    incoming: Arc<watch::Sender<ChannelState>>,
    connected: watch::Sender<bool>,
    pump: Option<Pump>,
    shared: Arc<Shared>,
    joined: JoinResponse,
    response: Vec<u8>,
    interrupted: Option<Interruption>,
}

#[allow(clippy::large_enum_variant)] // there is one a session
enum Signal {
    Live(Socket),
    Cut { waiting: VecDeque<Vec<u8>> },
}

/// Joins a room. Nothing is handed to anybody before the session is started.
///
/// # Errors
/// See [`JoinError`].
pub async fn join(options: &JoinOptions) -> Result<(Transport, Session), JoinError> {
    let (mut socket, mode) = connect(options).await?;
    let response = socket.first().await?;
    let Response::Join(joined) = first_answer(&response)? else {
        return Err(JoinError::Broken { detail: "no join response".into() });
    };
    let network =
        Network { loopback: options.server.is_loopback(), ice_servers: joined.ice_servers.clone() };
    let (events, peer_events) = mpsc::unbounded_channel();
    let mut peers = Peers::open(mode, &network, events).await?;
    match offer(&mut peers).await {
        Ok(offer) if socket.send(offer.clone()).await => {}
        refused => {
            peers.close().await;
            refused?;
            return Err(JoinError::Broken { detail: "closed while joining".into() });
        }
    }
    let participant = joined.participant.as_ref();
    let shared = Arc::new(Shared {
        server: options.server.clone(),
        mode,
        participant_sid: participant.map(|own| own.sid.clone()).unwrap_or_default(),
        token: options.token.clone().into(),
        waiting_signals: Default::default(),
    });
    let (outgoing, pump) = channel::outgoing();
    let (commands, command_queue) = mpsc::unbounded_channel();
    let (connected, connected_now) = watch::channel(false);
    let incoming = Arc::new(watch::Sender::new(ChannelState::Opening));
    // Servers send on the channel that they open, if they open one at all.
    let separate = mode == Mode::Dual && joined.subscriber_primary;
    let arrival = if separate { incoming.subscribe() } else { outgoing.state() };
    let session = Session {
        signal: Signal::Live(socket),
        peers,
        keep_alive: KeepAlive::new(&joined, Instant::now()),
        commands: command_queue,
        peer_events,
        channel_state: outgoing.state(),
        incoming,
        connected,
        pump: Some(pump),
        shared: Arc::clone(&shared),
        joined,
        response,
        interrupted: None,
    };
    Ok((Transport { commands, outgoing, arrival, connected: connected_now, shared }, session))
}

/// Connects in the mode asked for, or in the first that the server has.
async fn connect(options: &JoinOptions) -> Result<(Socket, Mode), JoinError> {
    let JoinOptions { server, token, mode } = options;
    let first = mode.unwrap_or(Mode::Single);
    match Socket::connect(server, token, first, None).await {
        Err(JoinError::Rejected { status: 404, .. }) if mode.is_none() => {
            Ok((Socket::connect(server, token, Mode::Dual, None).await?, Mode::Dual))
        }
        connected => Ok((connected?, first)),
    }
}

async fn offer(peers: &mut Peers) -> Result<Vec<u8>, JoinError> {
    peers.create_channel().await?;
    Ok(encode_request(Request::Offer(peers.publisher().offer().await?)))
}

/// The first message of a connection, unless it is a refusal.
pub(super) fn first_answer(bytes: &[u8]) -> Result<Response, JoinError> {
    match decode_response(bytes) {
        Ok(Some(Response::Leave(leave))) => Err(match meaning(&leave) {
            Interruption::Ended(reason) => JoinError::Ended(reason),
            _ => JoinError::NotResumable,
        }),
        Ok(Some(response)) => Ok(response),
        _ => Err(JoinError::Broken { detail: "the first message makes no sense".into() }),
    }
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
            select! {
                command = self.commands.recv() => match command {
                    Some(Command::Signal(request)) => self.send(request, &*delegate).await,
                    Some(Command::Cut) => self.cut(&*delegate, Interruption::Signal),
                    Some(Command::Resume(resumed)) => self.resume(*resumed, &*delegate).await,
                    Some(Command::Finish { farewell, done }) => {
                        self.finish(farewell).await;
                        done.send(()).ok();
                        return;
                    }
                    None => return self.finish(false).await,
                },
                message = self.signal.next() => match message {
                    Some(bytes) => self.handle_message(bytes, &delegate).await,
                    None => self.cut(&*delegate, Interruption::Signal),
                },
                Some(event) = self.peer_events.recv() => self.handle_peer(event, &delegate).await,
                () = sleep_until(self.keep_alive.poll_timeout()), if self.signal.is_live() => {
                    self.handle_timeout(&*delegate).await;
                }
                Ok(()) = self.channel_state.changed() => {
                    if *self.channel_state.borrow_and_update() == ChannelState::Closed {
                        self.interrupt(&*delegate, Interruption::Channel);
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
                    Ok(answer) => return self.send_own(Request::Answer(answer), &**delegate).await,
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
                self.send_own(Request::Trickle(trickle), &**delegate).await;
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
            Due::Ping(ping) => self.send_own(Request::PingReq(ping), delegate).await,
            Due::Lost => self.cut(delegate, Interruption::Signal),
            Due::Nothing => {}
        }
    }

    /// A request of the host: waits while there is no connection.
    async fn send(&mut self, request: Vec<u8>, delegate: &dyn TransportDelegate) {
        let lost = match &mut self.signal {
            Signal::Live(socket) => !socket.send(request).await,
            Signal::Cut { waiting } => return waiting.push_back(request),
        };
        self.shared.waiting_signals.fetch_sub(1, Ordering::Relaxed);
        if lost {
            self.cut(delegate, Interruption::Signal);
        }
    }

    /// A request of the session itself: means nothing to a later connection.
    async fn send_own(&mut self, request: Request, delegate: &dyn TransportDelegate) {
        if let Signal::Live(socket) = &mut self.signal
            && !socket.send(encode_request(request)).await
        {
            self.cut(delegate, Interruption::Signal);
        }
    }

    fn cut(&mut self, delegate: &dyn TransportDelegate, interruption: Interruption) {
        if self.signal.is_live() {
            self.signal = Signal::Cut { waiting: VecDeque::new() };
        }
        self.interrupt(delegate, interruption);
    }

    /// Reports once what happened, and once more where a cause shows after its first symptom.
    fn interrupt(&mut self, delegate: &dyn TransportDelegate, interruption: Interruption) {
        if self.interrupted.is_none_or(|known| known.may_become(interruption)) {
            self.interrupted = Some(interruption);
            delegate.on_interrupted(interruption);
        }
    }

    /// Takes up the session on a new connection: state first, then ICE, then what waited.
    async fn resume(&mut self, resumed: Resumed, delegate: &dyn TransportDelegate) {
        let Resumed { socket, response, published, done } = resumed;
        let waiting = match std::mem::replace(&mut self.signal, Signal::Live(socket)) {
            Signal::Live(_) => VecDeque::new(),
            Signal::Cut { waiting } => waiting,
        };
        self.interrupted = None;
        delegate.on_resumed();
        self.keep_alive.restart(Instant::now());
        delegate.on_signal_response(response);
        if let Some(published) = published {
            self.send_own(Request::SyncState(sync_state(&published)), delegate).await;
        }
        self.connected.send_replace(false);
        let restarted = self.peers.publisher().restart().await;
        if let Ok(offer) = &restarted {
            self.send_own(Request::Offer(offer.clone()), delegate).await;
        }
        for request in waiting {
            self.send(request, delegate).await;
        }
        done.send(restarted.map(drop).map_err(JoinError::from)).ok();
    }

    async fn finish(self, farewell: bool) {
        if let Signal::Live(mut socket) = self.signal
            && farewell
            && socket.send(encode_request(Request::Leave(leaving()))).await
        {
            socket.close().await;
        }
        self.peers.close().await;
    }
}

impl Signal {
    fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// The next message; `None` when the connection has just ended. Without a connection there is nothing to wait for.
    async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Live(socket) => socket.next().await,
            Self::Cut { .. } => std::future::pending().await,
        }
    }
}

/// What the server wants with its LeaveRequest (protocol §2.4); older ones set `can_reconnect` instead of an action.
fn meaning(leave: &LeaveRequest) -> Interruption {
    match leave.action {
        leave_action::RESUME => Interruption::Signal,
        leave_action::RECONNECT => Interruption::Rejoin,
        _ if leave.can_reconnect => Interruption::Rejoin,
        _ => Interruption::Ended(match leave.reason {
            disconnect_reason::CLIENT_INITIATED => EndReason::Left,
            disconnect_reason::DUPLICATE_IDENTITY => EndReason::DuplicateIdentity,
            disconnect_reason::SERVER_SHUTDOWN => EndReason::ServerShutdown,
            disconnect_reason::PARTICIPANT_REMOVED => EndReason::ParticipantRemoved,
            disconnect_reason::ROOM_DELETED => EndReason::RoomDeleted,
            other => EndReason::Other(other),
        }),
    }
}

fn sync_state(published: &[Vec<u8>]) -> SyncState {
    let publish_data_tracks =
        published.iter().filter_map(|bytes| decode_publish_response(bytes).ok()).collect();
    SyncState { publish_data_tracks, ..SyncState::default() }
}

fn leaving() -> LeaveRequest {
    LeaveRequest {
        can_reconnect: false,
        reason: disconnect_reason::CLIENT_INITIATED,
        action: leave_action::DISCONNECT,
    }
}

fn clock_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
