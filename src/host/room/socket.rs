//! The signalling connection: one WebSocket, binary messages, found by the mode that the server has.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE};
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        error::UrlError,
        http::{HeaderValue, Response, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};

use super::{address::ServerAddress, error::JoinError, token::Token};
use crate::signal::session::{ClientInfo, ConnectionSettings, JoinRequest, encode_join_request};

/// How many peer connections a session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One for both directions (`/rtc/v1`).
    Single,
    /// One a direction (`/rtc`).
    Dual,
}

/// The participant to come back as, and why.
#[derive(Clone, Debug)]
pub(super) struct Resumption {
    pub(super) participant_sid: String,
    pub(super) reason: i32,
}

pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(super) async fn connect(
        server: &ServerAddress,
        token: &Token,
        mode: Mode,
        resumption: Option<&Resumption>,
    ) -> Result<Self, JoinError> {
        let url = match mode {
            Mode::Single => server.endpoint("/rtc/v1", &single_query(resumption)),
            Mode::Dual => server.endpoint("/rtc", &dual_query(resumption)),
        };
        let mut request = url.into_client_request().map_err(broken)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.as_str()))
            .map_err(|_| JoinError::Unauthorized { detail: "the token is no token".into() })?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let limits = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES));
        let connecting = connect_async_with_config(request, Some(limits), true);
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok((stream, _))) => Ok(Self(stream)),
            Ok(Err(error)) => Err(refused(server, token, error)),
            Err(_) => Err(timed_out()),
        }
    }

    /// The next binary message; `None` at the end of the connection, however it ended.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.0.next().await? {
                Ok(Message::Binary(bytes)) => return Some(bytes.into()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The first message, which the server owes.
    pub(super) async fn first(&mut self) -> Result<Vec<u8>, JoinError> {
        match timeout(CONNECT_TIMEOUT, self.next()).await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(JoinError::Broken { detail: "closed before the first message".into() }),
            Err(_) => Err(timed_out()),
        }
    }

    /// Sends one message; false when the connection is of no use any more.
    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> bool {
        let sending = self.0.send(Message::Binary(bytes.into()));
        matches!(timeout(CONNECT_TIMEOUT, sending).await, Ok(Ok(())))
    }

    /// Says goodbye, and gives the server a moment to do so too.
    pub(super) async fn close(mut self) {
        let farewell = async {
            self.0.close(None).await.ok();
            while self.next().await.is_some() {}
        };
        timeout(FAREWELL_TIMEOUT, farewell).await.ok();
    }
}

fn single_query(resumption: Option<&Resumption>) -> String {
    let mut request = JoinRequest {
        client_info: Some(ClientInfo {
            sdk: SDK_RUST,
            version: env!("CARGO_PKG_VERSION").into(),
            protocol: PROTOCOL,
            ..ClientInfo::default()
        }),
        connection_settings: Some(ConnectionSettings::default()),
        ..JoinRequest::default()
    };
    if let Some(resumption) = resumption {
        request.reconnect = true;
        request.reconnect_reason = resumption.reason;
        request.participant_sid.clone_from(&resumption.participant_sid);
    }
    format!("join_request={}", URL_SAFE.encode(encode_join_request(&request)))
}

fn dual_query(resumption: Option<&Resumption>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut query = format!(
        "protocol={PROTOCOL}&sdk=rust&version={version}&auto_subscribe=0&auto_subscribe_data_track=0&adaptive_stream=0"
    );
    if let Some(Resumption { participant_sid, reason }) = resumption {
        query += &format!("&reconnect=1&sid={participant_sid}&reconnect_reason={reason}");
    }
    query
}

fn refused(server: &ServerAddress, token: &Token, error: Error) -> JoinError {
    let unreachable = |detail: String| JoinError::Unreachable {
        authority: server.authority().to_owned(),
        detail,
    };
    match error {
        Error::Http(response) => rejected(&response, token),
        Error::Io(error) => unreachable(error.to_string()),
        Error::Tls(error) => unreachable(error.to_string()),
        Error::Url(error @ UrlError::UnableToConnect(_)) => unreachable(error.to_string()),
        error => broken(error),
    }
}

/// Servers repeat tokens that they refuse; what goes on from here must not.
fn rejected(response: &Response<Option<Vec<u8>>>, token: &Token) -> JoinError {
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default());
    let detail = match token.as_str() {
        "" => body.into_owned(),
        token => body.replace(token, "(the token)"),
    };
    let detail: String = detail.trim().chars().take(MAX_DETAIL_CHARS).collect();
    match response.status().as_u16() {
        401 | 403 => JoinError::Unauthorized { detail },
        status => JoinError::Rejected { status, detail },
    }
}

fn broken(error: Error) -> JoinError {
    JoinError::Broken { detail: error.to_string() }
}

fn timed_out() -> JoinError {
    JoinError::TimedOut { seconds: CONNECT_TIMEOUT.as_secs() }
}

/// The protocol number of the SDKs that know data tracks (protocol §5.5).
const PROTOCOL: i32 = 16;

/// ClientInfo.SDK.
const SDK_RUST: i32 = 8;

/// To connect, to get the first answer, to get a message out (protocol §7).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// For the server's side of the closing handshake.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(500);

/// Of one signal message; a join response names every participant of the room.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Of what a server says in a refusal.
const MAX_DETAIL_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_refusal_does_not_repeat_the_token() {
        let token = Token::new("ey.secret.token");
        let body = Some(b"invalid token: ey.secret.token, error: expired".to_vec());
        let response = Response::builder().status(401).body(body).unwrap();
        let detail = "invalid token: (the token), error: expired".into();
        assert_eq!(rejected(&response, &token), JoinError::Unauthorized { detail });
    }

    #[test]
    fn long_refusals_are_cut() {
        let response = Response::builder().status(503).body(Some(vec![b'x'; 9999])).unwrap();
        let JoinError::Rejected { status: 503, detail } = rejected(&response, &Token::new("t"))
        else {
            unreachable!("another error");
        };
        assert_eq!(detail.len(), MAX_DETAIL_CHARS);
    }
}
