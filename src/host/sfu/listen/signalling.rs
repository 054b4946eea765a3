//! The signalling side of a participant: its WebSocket, if it has one now.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::http::Socket;

/// The signalling connection.
pub(super) enum Signalling {
    Attached(Box<Socket>),
    /// The client is gone, and what it said before that is still to be read.
    Abandoned(Box<Socket>),
    Detached,
}

/// A client does not take what is said, and does not go.
pub(super) struct Stuck;

impl Signalling {
    /// The next request; `None` at the end of the connection.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let (Self::Attached(socket) | Self::Abandoned(socket)) = self else {
            return std::future::pending().await;
        };
        loop {
            match socket.next().await? {
                Ok(Message::Binary(bytes)) => return Some(bytes.into()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends a signal. Without a client it is lost: one that comes back is told everything.
    pub(super) async fn send(&mut self, response: Bytes) -> Result<(), Stuck> {
        let Self::Attached(socket) = self else { return Ok(()) };
        if !say(socket, response).await? {
            self.abandon();
        }
        Ok(())
    }

    fn abandon(&mut self) {
        *self = match std::mem::replace(self, Self::Detached) {
            Self::Attached(socket) | Self::Abandoned(socket) => Self::Abandoned(socket),
            Self::Detached => Self::Detached,
        };
    }
}

/// Sends a signal; false when nobody is there any more.
pub(super) async fn say(socket: &mut Socket, response: Bytes) -> Result<bool, Stuck> {
    let sending = socket.send(Message::Binary(response));
    timeout(SEND_TIMEOUT, sending).await.map(|sent| sent.is_ok()).map_err(|_| Stuck)
}

/// Ends a connection as it should be.
pub(super) async fn close(mut socket: Socket) {
    let farewell = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let closing = async {
        socket.close(Some(farewell)).await.ok();
        while let Some(Ok(_)) = socket.next().await {}
    };
    timeout(FAREWELL_TIMEOUT, closing).await.ok();
}

/// For a client to take a signal message.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// For the client's side of the closing handshake.
const FAREWELL_TIMEOUT: Duration = Duration::from_millis(500);
