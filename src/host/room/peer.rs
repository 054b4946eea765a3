//! One WebRTC connection to the server: offers and answers with their numbers, candidates both ways.
//!
//! Owns the connection and must be told to [`close`](Peer::close): a connection that is merely dropped leaks.
//! ```text
//!             offer() / restart()            accept_answer()
//!  (new) ──────────────────────► Awaiting ──────────────────► Settled     publisher: this side offers
//!    └───────────────── answer(offer) ───────────────────────────┘        subscriber: the server offers
//! ```
//! Candidates of the server that come before its description wait for it.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use async_trait::async_trait;
use rtc::{ice::mdns::MulticastDnsMode, peer_connection::transport::RTCDtlsRole};
use tokio::sync::mpsc::UnboundedSender;
use webrtc::{
    data_channel::{DataChannel, RTCDataChannelInit},
    error::{Error, Result},
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
        RTCIceCandidateInit, RTCIceServer, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
        RTCSessionDescription, SettingEngine, SettingEngineBuilder,
    },
};

use super::runtime::RoomyTokio;
use crate::signal::session::{IceServer, SessionDescription, signal_target};

/// Which of a participant's connections: packets go out on the publisher's, and in single mode there is no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Role {
    Publisher,
    Subscriber,
}

impl Role {
    /// The role's number in trickle messages.
    pub(in crate::host) fn target(self) -> i32 {
        match self {
            Self::Publisher => signal_target::PUBLISHER,
            Self::Subscriber => signal_target::SUBSCRIBER,
        }
    }
}

/// What a connection tells its session.
pub(in crate::host) enum PeerEvent {
    Candidate(Role, RTCIceCandidateInit),
    State(Role, RTCPeerConnectionState),
    /// The server opened a channel.
    Channel(Arc<dyn DataChannel>),
}

/// Where traffic may go.
#[derive(Clone, Debug)]
pub(in crate::host) struct Network {
    pub(in crate::host) loopback: bool,
    pub(in crate::host) ice_servers: Vec<IceServer>,
}

pub(in crate::host) struct Peer {
    role: Role,
    connection: Arc<dyn PeerConnection>,
    remote: Remote,
    last_offer: u32,
}

/// What is known of the server's side.
enum Remote {
    Awaiting { candidates: Vec<RTCIceCandidateInit> },
    Settled,
}

impl Peer {
    pub(in crate::host) async fn open(
        role: Role,
        network: &Network,
        events: UnboundedSender<PeerEvent>,
    ) -> Result<Self> {
        let address = if network.loopback { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
        let connection = PeerConnectionBuilder::new()
            .with_runtime(Arc::new(RoomyTokio))
            .with_configuration(
                RTCConfigurationBuilder::new().with_ice_servers(network.ice_servers()).build(),
            )
            .with_setting_engine(settings())
            .with_handler(Arc::new(Handler { role, events }))
            .with_udp_addrs(vec![(address, 0)])
            .with_data_channel_send_buffer_limit(SEND_BUFFER_LIMIT)
            .build()
            .await?;
        let remote = Remote::Awaiting { candidates: Vec::new() };
        Ok(Self { role, connection: Arc::new(connection), remote, last_offer: 0 })
    }

    pub(in crate::host) fn role(&self) -> Role {
        self.role
    }

    /// The channel for packets: unordered, never retransmitted (protocol §4.1).
    pub(in crate::host) async fn create_channel(&self) -> Result<Arc<dyn DataChannel>> {
        let init = RTCDataChannelInit {
            ordered: false,
            max_retransmits: Some(0),
            ..RTCDataChannelInit::default()
        };
        self.connection.create_data_channel(CHANNEL_LABEL, Some(init)).await
    }

    /// The first offer.
    pub(in crate::host) async fn offer(&mut self) -> Result<SessionDescription> {
        let offer = self.connection.create_offer(None).await?;
        self.connection.set_local_description(offer.clone()).await?;
        self.last_offer += 1;
        Ok(SessionDescription { r#type: "offer".into(), sdp: offer.sdp, id: self.last_offer })
    }

    /// An offer that restarts ICE.
    pub(in crate::host) async fn restart(&mut self) -> Result<SessionDescription> {
        self.connection.restart_ice().await?;
        self.remote = Remote::Awaiting { candidates: Vec::new() };
        self.offer().await
    }

    /// Takes the answer to the last offer; an older one is ignored. Servers that do not number answers send 0.
    pub(in crate::host) async fn accept_answer(
        &mut self,
        answer: SessionDescription,
    ) -> Result<()> {
        if answer.id != 0 && answer.id != self.last_offer {
            return Ok(());
        }
        self.set_remote(RTCSessionDescription::answer(answer.sdp)?).await
    }

    /// Answers an offer of the server.
    pub(in crate::host) async fn answer(
        &mut self,
        offer: SessionDescription,
    ) -> Result<SessionDescription> {
        self.set_remote(RTCSessionDescription::offer(offer.sdp)?).await?;
        let answer = self.connection.create_answer(None).await?;
        self.connection.set_local_description(answer.clone()).await?;
        Ok(SessionDescription { r#type: "answer".into(), sdp: answer.sdp, id: offer.id })
    }

    /// Takes a candidate of the server, as JSON. TCP ones are left out: each would open a connection that is not needed.
    pub(in crate::host) async fn add_candidate(&mut self, json: &str) -> Result<()> {
        let candidate: RTCIceCandidateInit =
            serde_json::from_str(json).map_err(|error| Error::Other(error.to_string()))?;
        if candidate.candidate.is_empty() || candidate.candidate.contains(" tcp ") {
            return Ok(());
        }
        match &mut self.remote {
            Remote::Awaiting { candidates } => {
                candidates.truncate(MAX_WAITING_CANDIDATES - 1);
                candidates.push(candidate);
                Ok(())
            }
            Remote::Settled => self.connection.add_ice_candidate(candidate).await,
        }
    }

    pub(in crate::host) async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, role = ?self.role, "closing a peer connection");
        }
    }

    async fn set_remote(&mut self, description: RTCSessionDescription) -> Result<()> {
        self.connection.set_remote_description(description).await?;
        if let Remote::Awaiting { candidates } =
            std::mem::replace(&mut self.remote, Remote::Settled)
        {
            for candidate in candidates {
                self.connection.add_ice_candidate(candidate).await?;
            }
        }
        Ok(())
    }
}

impl Network {
    /// Servers hand out public STUN servers by default; a loopback session must not ask them.
    fn ice_servers(&self) -> Vec<RTCIceServer> {
        let servers = if self.loopback { &[] } else { self.ice_servers.as_slice() };
        let convert = |server: &IceServer| RTCIceServer {
            urls: server.urls.clone(),
            username: server.username.clone(),
            credential: server.credential.clone(),
        };
        servers.iter().map(convert).collect()
    }
}

/// Runs on the connection's own task: hands over, never waits.
struct Handler {
    role: Role,
    events: UnboundedSender<PeerEvent>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json() {
            self.events.send(PeerEvent::Candidate(self.role, candidate)).ok();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.events.send(PeerEvent::State(self.role, state)).ok();
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.events.send(PeerEvent::Channel(channel)).ok();
    }
}

fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(ICE_CHECK_INTERVAL), Some(ICE_CHECKS))
        .with_prflx_acceptance_min_wait(Some(PEER_REFLEXIVE_WAIT))
        .with_answering_dtls_role(RTCDtlsRole::Server)
        .build()
}

/// Label of the channel for packets (protocol §4.1).
pub(in crate::host) const CHANNEL_LABEL: &str = "_data_track";

/// Bytes that the channel may hold. From 128 KiB on, bursts overrun the kernel's UDP buffer and are lost.
const SEND_BUFFER_LIMIT: usize = 64 << 10;

/// DTLS and SCTP leave when a timer fires; frequent connectivity checks make that soon. Default: 200 ms, seen as stalls.
const ICE_CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Keeps up checking for 3 s at [`ICE_CHECK_INTERVAL`].
const ICE_CHECKS: u16 = 150;

/// A pair that is found before its candidate was told is as good as any. Default: it has to wait 1 s for a better one; one
/// session in five began a second late.
const PEER_REFLEXIVE_WAIT: Duration = Duration::ZERO;

/// Candidates that wait for the server's description; servers send two or three.
const MAX_WAITING_CANDIDATES: usize = 64;
