//! A bridge: the plain protocol in front of a real room. One TCP connection is one participant; nothing is understood here
//! but what the connection itself needs, and no manager stands between.
//!
//! ```text
//!            hello                 TCP, WebSocket or ICE lost, drop_session quick
//!  accepted ───────► Joined ─────────────────────────────────────────────────────► Parked
//!     │ hello, resume   │ ▲                                                          │ 30 s
//!     │                 │ └──────────────────── hello with resume ───────────────────┤
//!     └─ unknown ─► leave: RECONNECT                                                 ▼
//!                       └── leave, ended by the server, drop_session full ───────► gone
//! ```

mod downlink;
mod participant;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io,
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    sync::Notify,
    task::JoinSet,
    time::{Duration, sleep, timeout},
};

use self::{
    downlink::Downlink,
    participant::{Fate, Participant},
};
use super::{
    connections,
    plain::{
        Hello, Limits, Message,
        outlet::{Outlet, outlet},
    },
    room::{
        ApiKey, Grants, Interruption, JoinError, ServerAddress,
        transport::{JoinOptions, TransportDelegate, join},
    },
};
use crate::signal::session::{
    LeaveRequest, Response, disconnect_reason, encode_response, leave_action,
};

/// Which server is behind the bridge, and who waits to come back.
#[derive(Clone)]
pub struct Bridge {
    server: ServerAddress,
    key: ApiKey,
    roster: Arc<Mutex<Roster>>,
    parking: Arc<Notify>,
}

/// Everybody who is connected, and everybody who may come back.
#[derive(Default)]
struct Roster {
    connected: BTreeMap<Name, Participant>,
    parked: BTreeMap<Name, Participant>,
}

/// Room and identity.
type Name = (String, String);

impl Bridge {
    /// A bridge to the rooms of `server`; `key` signs the tokens of its participants.
    pub fn new(server: ServerAddress, key: ApiKey) -> Self {
        Self { server, key, roster: Arc::default(), parking: Arc::default() }
    }

    /// Serves participants until `stop`; then all of them leave their rooms, and all connections end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        limits: Limits,
        stop: impl Future<Output = ()>,
    ) {
        let serve = |stream| {
            let bridge = self.clone();
            async move {
                if let Err(error) = bridge.serve_connection(stream, limits).await {
                    tracing::debug!(%error, "a plain connection broke");
                }
            }
        };
        let _open = connections::serve(&listener, limits.connections, stop, serve).await;
        self.leave().await;
    }

    async fn serve_connection(&self, stream: TcpStream, limits: Limits) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut reader, to) = stream.into_split();
        let (outlet, writer) = outlet();
        tokio::spawn(async move {
            let ended = writer.run(to, limits.write).await;
            tracing::debug!(?ended, "a plain connection is over");
        });
        let first = timeout(limits.hello, Message::read(&mut reader)).await??;
        let Some(first) = first else { return Ok(()) };
        let hello = match Hello::read(&first) {
            Ok(hello) => hello,
            Err(error) => {
                outlet.write(Message::reply(Err(&error)));
                return Ok(());
            }
        };
        let name = (hello.room.clone(), hello.identity.clone());
        let admitted = match self.unpark(&name, hello.resume).await {
            parked if hello.resume => self.come_back(&name, parked, &outlet).await,
            _ => self.join(&name, &hello, &outlet).await.map(Some),
        };
        match admitted {
            Ok(Some(participant)) => {
                self.serve_participant(name, participant, reader, &outlet).await
            }
            Ok(None) => {}
            Err(error) => outlet.write(Message::reply(Err(&error.to_string()))),
        }
        Ok(())
    }

    async fn serve_participant(
        &self,
        name: Name,
        participant: Participant,
        mut reader: OwnedReadHalf,
        outlet: &Outlet,
    ) {
        let fate = participant.serve(&mut reader, outlet).await;
        participant.downlink.detach();
        self.roster().disconnected(&name, &participant);
        match fate {
            Fate::Parked => self.park(name, participant),
            Fate::Left => participant.transport.leave().await,
            Fate::Ended => participant.transport.abandon().await,
        }
        self.parking.notify_waiters();
    }

    async fn join(
        &self,
        name: &Name,
        hello: &Hello,
        outlet: &Outlet,
    ) -> Result<Participant, JoinError> {
        let mut grants = Grants::new(&hello.identity, &hello.room);
        grants.can_publish_data = hello.permissions.can_publish_data;
        grants.can_subscribe = hello.permissions.can_subscribe;
        grants.hidden = hello.permissions.hidden;
        let token = self.key.sign(&grants);
        let options = JoinOptions::new(self.server.clone(), token);
        let (transport, session) = join(&options).await?;
        let downlink = Downlink::new(outlet.clone());
        let participant = Participant { transport, downlink };
        self.roster().connected.insert(name.clone(), participant.clone());
        session.start(Arc::clone(&participant.downlink) as _);
        // Packets that come early wait in the TCP connection.
        participant.transport.wait_until_open(OPENING_TIME).await.ok();
        Ok(participant)
    }

    /// Takes up the session of a participant, or tells it to join anew.
    async fn come_back(
        &self,
        name: &Name,
        parked: Option<Participant>,
        outlet: &Outlet,
    ) -> Result<Option<Participant>, JoinError> {
        if let Some(participant) = parked {
            // Now, for the client may be gone again, and be back, before that is done.
            self.roster().connected.insert(name.clone(), participant.clone());
            participant.downlink.attach(outlet.clone());
            let Err(error) = participant.transport.resume(None).await else {
                return Ok(Some(participant));
            };
            participant.downlink.detach();
            self.roster().disconnected(name, &participant);
            match error {
                JoinError::NotResumable | JoinError::WebRtc { .. } => {
                    participant.transport.abandon().await;
                }
                error => {
                    self.park(name.clone(), participant);
                    self.parking.notify_waiters();
                    return Err(error);
                }
            }
        }
        outlet.write(Message::signal(encode_response(Response::Leave(join_anew()))));
        Ok(None)
    }

    fn park(&self, name: Name, participant: Participant) {
        participant.transport.cut();
        let downlink = Arc::downgrade(&participant.downlink);
        let older = self.roster().parked.insert(name.clone(), participant);
        drop(older);
        let bridge = self.clone();
        tokio::spawn(async move {
            sleep(PARKING_TIME).await;
            let mut roster = bridge.roster();
            let kept = roster.parked.get(&name).map(|kept| Arc::as_ptr(&kept.downlink));
            if kept == Some(downlink.as_ptr()) {
                roster.parked.remove(&name);
            }
        });
    }

    /// The participant that waits to come back. Whoever comes back before the loss of its connection was noticed is let go
    /// of by that connection first.
    async fn unpark(&self, name: &Name, wanted: bool) -> Option<Participant> {
        // Others may wait for it as well, and take it first.
        let unparked = async {
            loop {
                let parked = self.parking.notified();
                let connected = {
                    let mut roster = self.roster();
                    if let Some(participant) = roster.parked.remove(name) {
                        return Some(participant);
                    }
                    roster.connected.get(name).filter(|_| wanted).cloned()?
                };
                connected.downlink.on_interrupted(Interruption::Signal);
                parked.await;
            }
        };
        timeout(LETTING_GO_TIME, unparked).await.ok().flatten()
    }

    /// Nobody is kept by the server who cannot come back through this bridge.
    async fn leave(&self) {
        let Roster { connected, parked } = std::mem::take(&mut *self.roster());
        let mut leaving = JoinSet::new();
        for participant in connected.into_values() {
            leaving.spawn(async move { participant.transport.leave().await });
        }
        for participant in parked.into_values() {
            leaving.spawn(async move {
                // Without a connection nothing can be said.
                participant.transport.resume(None).await.ok();
                participant.transport.leave().await;
            });
        }
        let left = async { while leaving.join_next().await.is_some() {} };
        timeout(LEAVING_TIME, left).await.ok();
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Roster {
    /// Forgets a connection, unless the participant has a newer one.
    fn disconnected(&mut self, name: &Name, participant: &Participant) {
        let connected = self.connected.get(name);
        if connected.is_some_and(|newest| Arc::ptr_eq(&newest.downlink, &participant.downlink)) {
            self.connected.remove(name);
        }
    }
}

fn join_anew() -> LeaveRequest {
    LeaveRequest {
        can_reconnect: true,
        reason: disconnect_reason::STATE_MISMATCH,
        action: leave_action::RECONNECT,
    }
}

/// How long a participant without a connection is kept; servers keep it no longer (protocol §7).
const PARKING_TIME: Duration = Duration::from_secs(30);

/// For an older connection of the same participant to notice.
const LETTING_GO_TIME: Duration = Duration::from_secs(2);

/// ICE, DTLS and SCTP together; usually far below one second.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// For all participants together to leave: 2 s for packets that wait, and the closing handshakes.
const LEAVING_TIME: Duration = Duration::from_secs(4);
