//! A WebSocket proxy that hears everything, and on some connections keeps to itself what peer connections need: the client is let in,
//! and no packet of UDP ever finds a way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use datatracks::signal::session::{
    LeaveRequest, Response, decode_response, encode_response, leave_action,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    accept_hdr_async, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        handshake::server::{ErrorResponse, Request, Response as Accepted},
        http::{HeaderValue, StatusCode, header::AUTHORIZATION},
    },
};

/// The proxy. Connections are numbered from 0; those that want to resume are sent away and have no number.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    joins: Arc<AtomicU32>,
}

/// What is asked for, and by whom.
#[derive(Default)]
struct Asked {
    path: String,
    bearer: Option<HeaderValue>,
}

impl Gate {
    /// In front of `server`. `is_deaf` says which connections lead nowhere.
    pub(crate) async fn start(
        server: SocketAddr,
        is_deaf: impl Fn(u32) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let joins = Arc::<AtomicU32>::default();
        let (count, is_deaf) = (Arc::clone(&joins), Arc::new(is_deaf));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (count, is_deaf) = (Arc::clone(&count), Arc::clone(&is_deaf));
                tokio::spawn(async move { serve(client, server, &count, &*is_deaf).await });
            }
        });
        Self { address, joins }
    }

    pub(crate) fn joins(&self) -> u32 {
        self.joins.load(Ordering::SeqCst)
    }
}

/// To the end of either side.
async fn serve(
    client: TcpStream,
    server: SocketAddr,
    joins: &AtomicU32,
    is_deaf: &(impl Fn(u32) -> bool + ?Sized),
) -> Option<()> {
    let mut asked = Asked::default();
    let client =
        accept_hdr_async(client, |request: &Request, answer| look_at(request, answer, &mut asked));
    let mut client = client.await.ok()?;
    if asked.path.contains("reconnect=1") {
        let join_anew = LeaveRequest { action: leave_action::RECONNECT, ..Default::default() };
        let refusal = encode_response(Response::Leave(join_anew));
        return client.send(Message::Binary(refusal.into())).await.ok();
    }
    let is_deaf = is_deaf(joins.fetch_add(1, Ordering::SeqCst));
    let mut request = format!("ws://{server}{}", asked.path).into_client_request().unwrap();
    request.headers_mut().insert(AUTHORIZATION, asked.bearer?);
    let (mut server, _) = connect_async(request).await.ok()?;
    loop {
        tokio::select! {
            Some(Ok(message)) = client.next() => server.send(message).await.ok()?,
            Some(Ok(message)) = server.next() => {
                if !(is_deaf && is_of_peers(&message)) {
                    client.send(message).await.ok()?;
                }
            }
            else => return None,
        }
    }
}

/// Clients with one peer connection are sent away, as the embedded SFU does.
fn look_at(
    request: &Request,
    answer: Accepted,
    asked: &mut Asked,
) -> Result<Accepted, ErrorResponse> {
    asked.path = request.uri().to_string();
    asked.bearer = request.headers().get(AUTHORIZATION).cloned();
    if request.uri().path() == "/rtc" {
        return Ok(answer);
    }
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = StatusCode::NOT_FOUND;
    Err(refusal)
}

fn is_of_peers(message: &Message) -> bool {
    let Message::Binary(bytes) = message else { return false };
    let response = decode_response(bytes);
    matches!(response, Ok(Some(Response::Offer(_) | Response::Answer(_) | Response::Trickle(_))))
}
