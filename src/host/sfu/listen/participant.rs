//! One participant over WebSocket and WebRTC: a task that owns its signalling connection and its two peer connections.
//!
//! ```text
//!              WebSocket lost, or too slow            taken up again: ICE restarts
//!  Attached ──────────────────► Detached (signals are lost) ──────────────────────► Attached
//!     └──── dismissed by the room, or gone for too long (presence) ────┘──► closed
//! ```
//! The client offers the publisher connection and sends packets on its channel; the server offers the subscriber connection
//! and sends packets on a channel of its own (protocol §4.2, §5.6): the side that merely accepts a channel would send reliably.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{
    select,
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    error::Result,
    peer_connection::{RTCIceCandidateInit, RTCPeerConnectionState},
};

use super::{
    super::rooms::Member,
    http::Socket,
    outlet::Pump,
    presence::{Presence, Up},
    queues::{Attachment, Order, Orders, Outputs},
    seat::Seat,
    signalling::{Signalling, Stuck, close},
};
use crate::{
    host::room::peer::{CHANNEL_LABEL, Network, Peer, PeerEvent, Role},
    signal::session::{
        Request, Response, SessionDescription, TrickleRequest, decode_request, encode_response,
        signal_target,
    },
};

pub(super) struct Participant {
    member: Member,
    orders: Orders,
    attachments: mpsc::UnboundedReceiver<Attachment>,
    peer_events: mpsc::UnboundedReceiver<PeerEvent>,
    publisher: Peer,
    subscriber: Peer,
    up: Up,
    presence: Presence,
    /// How long it may have no connection.
    departure: Duration,
    signalling: Signalling,
}

impl Participant {
    /// Opens the peer connections of a participant that has just joined.
    pub(super) async fn open(
        member: Member,
        outputs: Outputs,
        socket: Socket,
        loopback: bool,
        departure: Duration,
    ) -> Result<Self> {
        let Outputs { orders, attachments, packets } = outputs;
        let (events, peer_events) = mpsc::unbounded_channel();
        let network = Network { loopback, ice_servers: Vec::new() };
        let publisher = Peer::open(Role::Publisher, &network, events.clone()).await?;
        let subscriber = match open_subscriber(&network, events, packets).await {
            Ok(subscriber) => subscriber,
            Err(error) => {
                publisher.close().await;
                return Err(error);
            }
        };
        Ok(Self {
            member,
            orders,
            attachments,
            peer_events,
            publisher,
            subscriber,
            up: Up::default(),
            presence: Presence::new(Instant::now()),
            departure,
            signalling: Signalling::Attached(Box::new(socket)),
        })
    }

    /// Serves the participant to its end.
    pub(super) async fn run(mut self, seat: Seat) {
        self.serve().await;
        // The others need not wait until everything is closed.
        drop(seat);
        if let Signalling::Attached(socket) = self.signalling {
            close(*socket).await;
        }
        self.publisher.close().await;
        self.subscriber.close().await;
    }

    /// Until the room dismisses it, or it was away for too long.
    async fn serve(&mut self) {
        // The join response is the first order, and goes before the offer.
        if let Some(Order::Signal(response)) = self.orders.recv().await {
            self.send(response).await;
        }
        let offer = self.subscriber.offer().await;
        self.send_offer(offer).await;
        loop {
            let timeout = self.presence.poll_timeout();
            select! {
                order = self.orders.recv() => match order {
                    Some(Order::Signal(_)) if self.orders.overflowed() => self.detach(),
                    Some(Order::Signal(response)) => self.send(response).await,
                    Some(Order::Close) | None => return,
                },
                Some(attachment) = self.attachments.recv() => self.attach(attachment).await,
                message = self.signalling.next() => match message {
                    Some(request) => self.handle_request(request).await,
                    None => self.detach(),
                },
                Some(event) = self.peer_events.recv() => self.handle_peer(event).await,
                () = sleep_until(timeout.unwrap_or_else(Instant::now)), if timeout.is_some() => {
                    return;
                }
            }
        }
    }

    /// Takes up the session on a new WebSocket. What the room answers follows as orders.
    async fn attach(&mut self, attachment: Attachment) {
        let Attachment { socket, member, orders, .. } = attachment;
        self.signalling = Signalling::Attached(socket);
        (self.member, self.orders) = (member, orders);
        if let Some(Order::Signal(response)) = self.orders.recv().await {
            self.send(response).await;
        }
        let offer = self.subscriber.restart().await;
        self.send_offer(offer).await;
    }

    fn detach(&mut self) {
        self.signalling = Signalling::Detached;
        self.member.handle_disconnect();
    }

    async fn handle_request(&mut self, bytes: Vec<u8>) {
        let outcome = match decode_request(&bytes) {
            Ok(Some(Request::Offer(offer))) => match self.publisher.answer(offer).await {
                Ok(answer) => return self.send_own(Response::Answer(answer)).await,
                Err(error) => Err(error),
            },
            Ok(Some(Request::Answer(answer))) => self.subscriber.accept_answer(answer).await,
            Ok(Some(Request::Trickle(trickle))) => {
                self.peer(trickle.target).add_candidate(&trickle.candidate_init).await
            }
            Ok(_) => return self.member.handle_signal(&bytes),
            Err(error) => return tracing::debug!(%error, "a request makes no sense"),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the client's description or candidate was not taken");
        }
    }

    async fn handle_peer(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Candidate(role, candidate) => self.send_candidate(role, &candidate).await,
            PeerEvent::State(role, state) => {
                let up = match role {
                    Role::Publisher => &mut self.up.publisher,
                    Role::Subscriber => &mut self.up.subscriber,
                };
                *up = state == RTCPeerConnectionState::Connected;
                self.presence.handle_connections(self.up, Instant::now(), self.departure);
            }
            PeerEvent::Channel(channel) => {
                tokio::spawn(read(channel, self.member.clone()));
            }
        }
    }

    fn peer(&mut self, target: i32) -> &mut Peer {
        if target == signal_target::SUBSCRIBER { &mut self.subscriber } else { &mut self.publisher }
    }

    async fn send_offer(&mut self, offer: Result<SessionDescription>) {
        match offer {
            Ok(offer) => self.send_own(Response::Offer(offer)).await,
            Err(error) => tracing::warn!(%error, "no offer for the subscriber connection"),
        }
    }

    async fn send_candidate(&mut self, role: Role, candidate: &RTCIceCandidateInit) {
        let Ok(candidate_init) = serde_json::to_string(candidate) else { return };
        let trickle = TrickleRequest { candidate_init, target: role.target(), r#final: false };
        self.send_own(Response::Trickle(trickle)).await;
    }

    async fn send_own(&mut self, response: Response) {
        self.send(encode_response(response).into()).await;
    }

    async fn send(&mut self, response: Bytes) {
        if let Err(Stuck) = self.signalling.send(response).await {
            self.detach();
        }
    }
}

async fn open_subscriber(
    network: &Network,
    events: mpsc::UnboundedSender<PeerEvent>,
    pump: Pump,
) -> Result<Peer> {
    let subscriber = Peer::open(Role::Subscriber, network, events).await?;
    match subscriber.create_channel().await {
        Ok(channel) => {
            pump.start(channel);
            Ok(subscriber)
        }
        Err(error) => {
            subscriber.close().await;
            Err(error)
        }
    }
}

/// Reads a channel of the client for as long as it lives.
async fn read(channel: Arc<dyn DataChannel>, member: Member) {
    let has_packets = channel.label().await.is_ok_and(|label| label == CHANNEL_LABEL);
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnMessage(message) if has_packets => {
                member.handle_packet(&message.data);
            }
            DataChannelEvent::OnClose => return,
            _ => {}
        }
    }
}
