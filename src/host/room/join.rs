//! From options to a session: connects, reads the join response, opens the peer connections and offers.

use std::sync::Arc;

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    super::waiting::Waiting,
    channel::{self, ChannelState},
    diagnosis::Diagnosis,
    error::{Interruption, JoinError},
    keep_alive::KeepAlive,
    peer::Network,
    peers::Peers,
    session::Session,
    signalling::{Signalling, meaning},
    socket::{Mode, Socket},
    transport::{JoinOptions, MAX_WAITING_BYTES, Shared, Transport},
};
use crate::signal::session::{Request, Response, decode_response, encode_request};

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
        waiting_signals: Waiting::up_to(MAX_WAITING_BYTES),
    });
    let (outgoing, pump) = channel::outgoing();
    let (commands, command_queue) = mpsc::unbounded_channel();
    let (connected, connected_now) = watch::channel(false);
    let (is_cut, is_cut_now) = watch::channel(false);
    let incoming = Arc::new(watch::Sender::new(ChannelState::Opening));
    // Servers send on the channel that they open, if they open one at all.
    let separate = mode == Mode::Dual && joined.subscriber_primary;
    let arrival = if separate { incoming.subscribe() } else { outgoing.state() };
    let session = Session {
        signalling: Signalling::Live(socket),
        peers,
        keep_alive: KeepAlive::new(&joined, Instant::now()),
        commands: command_queue,
        peer_events,
        channel_state: outgoing.state(),
        incoming,
        connected,
        is_cut,
        pump: Some(pump),
        shared: Arc::clone(&shared),
        joined,
        response,
        diagnosis: Diagnosis::Well,
    };
    let transport = Transport {
        commands,
        outgoing,
        arrival,
        connected: connected_now,
        is_cut: is_cut_now,
        shared,
    };
    Ok((transport, session))
}

/// Connects in the mode asked for, or in the first that the server has.
async fn connect(options: &JoinOptions) -> Result<(Socket, Mode), JoinError> {
    let JoinOptions { server, token, mode, .. } = options;
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
