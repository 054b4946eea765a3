//! The embedded SFU as a LiveKit server: WebSocket signalling and WebRTC, so that any LiveKit client with two peer connections
//! (the path `/rtc`) joins it as it joins a real one.
//!
//! ```text
//!  Server        accepts connections
//!   ├ http, site   one request on each          ├ admission   who may come in
//!   ├ api, format  calls of the server API
//!   └ participant  a task: WebSocket and two peer connections
//!      ├ presence    whether it is still there   ├ queues, outlet   what the room has for it
//!      └ rooms       shared by all shells
//! ```
//! Knows no track and no subscription; looks into a signal only as far as the connection itself goes.

mod admission;
mod api;
mod format;
mod http;
mod outlet;
mod participant;
mod presence;
mod queues;
mod seat;
mod signalling;
mod site;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::Duration,
};
use tokio_tungstenite::tungstenite::http::StatusCode;

pub(super) use self::queues::Queues;
pub use self::site::{Page, Site};
use self::{
    admission::{Verdict, judge},
    api::Rights,
    http::{Incoming, Socket},
    participant::Participant,
    queues::queues,
    seat::Seat,
    signalling::{close, say},
};
use super::{Permissions, Rooms, sink::Sink};
use crate::host::{
    connections,
    room::{ApiKey, Grants},
};

/// Settings of a [`Server`].
#[derive(Clone)]
pub struct ServerOptions {
    /// Where to listen. On a loopback address, media traffic stays on it too. Port 0: any free one.
    pub address: SocketAddr,
    /// Signs the tokens of those who may join.
    pub key: ApiKey,
    /// Where those meet who join.
    pub rooms: Rooms,
    /// What strangers can make the server hold.
    pub limits: Limits,
    /// Pages beside the rooms.
    pub site: Option<Arc<dyn Site>>,
}

/// What strangers can make a [`Server`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// For a connection to say what it wants.
    pub request: Duration,
    /// For a participant to have a peer connection again once none is up.
    pub departure: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: MAX_CONNECTIONS, request: REQUEST_LIMIT, departure: DEPARTURE_LIMIT }
    }
}

/// A server that listens. Dropping it closes it too, without waiting for that.
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address is not free.
    pub async fn start(options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let ServerOptions { rooms, key, limits, site, .. } = options;
        let gate = Gate { rooms, key, limits, site, address };
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, Arc::new(gate), stopped));
        Ok(Self { address, stop, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says goodbye to everybody in the rooms and closes everything.
    pub async fn close(self) {
        self.stop.send(()).ok();
        self.serving.await.ok();
    }
}

async fn serve(listener: TcpListener, gate: Arc<Gate>, stopped: oneshot::Receiver<()>) {
    let stop = async { drop(stopped.await) };
    let admit = |stream| Arc::clone(&gate).admit(stream);
    let open = connections::serve(&listener, gate.limits.connections, stop, admit).await;
    gate.rooms.shut_down();
    open.end(FAREWELL_TIMEOUT).await;
}

/// What every connection needs.
struct Gate {
    rooms: Rooms,
    key: ApiKey,
    limits: Limits,
    site: Option<Arc<dyn Site>>,
    address: SocketAddr,
}

impl Gate {
    /// Serves one connection to its end.
    async fn admit(self: Arc<Self>, stream: TcpStream) {
        stream.set_nodelay(true).ok();
        let Ok(incoming) = Incoming::read(stream, self.limits.request).await else { return };
        if let Some(page) = self.site.as_ref().and_then(|site| site.page(incoming.path())) {
            return incoming.show(&page).await;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match judge(&incoming, &self.key, now) {
            Verdict::Answer(status, text) => incoming.answer(status, text).await,
            Verdict::Manage(rights) => {
                self.manage(&rights, incoming).await;
            }
            Verdict::Join { grants, resume } => {
                let Some(socket) = incoming.upgrade().await else { return };
                if resume {
                    self.resume(&grants, socket).await;
                } else {
                    self.join(&grants, socket).await;
                }
            }
        }
    }

    async fn manage(&self, rights: &Rights, mut incoming: Incoming) {
        match api::answer(&self.rooms, rights, &mut incoming, self.limits.request).await {
            Ok((format, response)) => {
                incoming.respond(StatusCode::OK, format.content_type(), &response).await;
            }
            Err(refusal) => {
                let text = refusal.text();
                incoming.respond(refusal.status(), format::JSON, text.as_bytes()).await;
            }
        }
    }

    async fn join(&self, grants: &Grants, socket: Socket) {
        let (sink, outputs) = queues();
        let permissions = Permissions {
            can_publish_data: grants.can_publish_data,
            can_subscribe: grants.can_subscribe,
            hidden: grants.hidden,
        };
        let member = match self.rooms.join(
            &grants.room,
            &grants.identity,
            permissions,
            Sink::WebRtc(sink),
        ) {
            Ok(member) => member,
            Err(reason) => {
                tracing::info!(reason, "a participant was refused");
                return close(socket).await;
            }
        };
        let seat = Seat(member.clone());
        let loopback = self.address.ip().is_loopback();
        let departure = self.limits.departure;
        match Participant::open(member, outputs, socket, loopback, departure).await {
            Ok(participant) => participant.run(seat).await,
            Err(error) => tracing::warn!(%error, "no peer connections for a participant"),
        }
    }

    /// Hands the connection to the task of the participant that comes back.
    async fn resume(&self, grants: &Grants, socket: Socket) {
        let mut socket = Some(socket);
        let resumed =
            self.rooms.resume(&grants.room, &grants.identity, |sink, member| match sink {
                Sink::WebRtc(queues) => {
                    socket.take().is_some_and(|socket| queues.attach(socket, member))
                }
                // It has no peer connections to go on with.
                Sink::Plain(_) => false,
            });
        if let (Err(answer), Some(mut socket)) = (resumed, socket) {
            say(&mut socket, answer).await.ok();
            close(socket).await;
        }
    }
}

/// Tasks and descriptors that strangers can make us hold.
const MAX_CONNECTIONS: usize = 1024;

/// For a client to send a request that fits one packet.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);

/// From a connection that is down to the removal: 10 s until it counts as failed, 5 s more (protocol §7). The peer
/// connection itself takes 5 s to notice.
const DEPARTURE_LIMIT: Duration = Duration::from_secs(10);

/// For all participants together to be told that the server shuts down.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
