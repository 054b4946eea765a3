//! The signalling side of a session: a socket, or the requests that wait for the next one; and what farewells mean.
//!
//! ```text
//!  Live ──nothing can be sent any more──► Dying ──read to its end, or for long enough──► Cut
//!    └──────────────────────────────── its end ──────────────────────────────────────────┘
//! ```
//! A server that ends a connection says why first: who stops reading when writing fails does not hear it.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    error::{EndReason, Interruption},
    socket::Socket,
};
use crate::signal::session::{
    LeaveRequest, Request, SyncState, decode_publish_response, disconnect_reason, encode_request,
    leave_action,
};

#[allow(clippy::large_enum_variant)] // there is one a session
pub(super) enum Signalling {
    Live(Socket),
    Dying { socket: Socket, until: Instant, waiting: VecDeque<Vec<u8>> },
    Cut { waiting: VecDeque<Vec<u8>> },
}

impl Signalling {
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// The next message; `None` when the connection has just ended. Without a connection there is nothing to wait for.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Live(socket) => socket.next().await,
            Self::Dying { socket, until, .. } => {
                timeout_at(*until, socket.next()).await.ok().flatten()
            }
            Self::Cut { .. } => std::future::pending().await,
        }
    }

    /// A request of the session itself: means nothing to a later connection.
    pub(super) async fn send(&mut self, request: Request) {
        if let Self::Live(socket) = self
            && !socket.send(encode_request(request)).await
        {
            self.die(VecDeque::new());
        }
    }

    /// A request of the host: waits while there is no connection. Answers whether it does not.
    pub(super) async fn forward(&mut self, request: Vec<u8>) -> bool {
        match self {
            Self::Live(socket) => {
                let is_sent = socket.send(request.clone()).await;
                if !is_sent {
                    // Whoever asked would wait for an answer that nobody gives.
                    self.die([request].into());
                }
                is_sent
            }
            Self::Dying { waiting, .. } | Self::Cut { waiting } => {
                waiting.push_back(request);
                false
            }
        }
    }

    fn die(&mut self, waiting: VecDeque<Vec<u8>>) {
        *self = match std::mem::replace(self, Self::Cut { waiting: VecDeque::new() }) {
            Self::Live(socket) => {
                Self::Dying { socket, until: Instant::now() + LAST_WORDS_TIME, waiting }
            }
            other => other,
        };
    }

    pub(super) fn cut(&mut self) {
        let waiting = self.take_waiting();
        *self = Self::Cut { waiting };
    }

    fn take_waiting(&mut self) -> VecDeque<Vec<u8>> {
        match self {
            Self::Live(_) => VecDeque::new(),
            Self::Dying { waiting, .. } | Self::Cut { waiting } => std::mem::take(waiting),
        }
    }

    /// Goes on with `socket`. Answers what has waited for it.
    pub(super) fn resume(&mut self, socket: Socket) -> VecDeque<Vec<u8>> {
        let waiting = self.take_waiting();
        *self = Self::Live(socket);
        waiting
    }

    /// Says goodbye, if there is a way to.
    pub(super) async fn leave(self) {
        if let Self::Live(mut socket) = self
            && socket.send(encode_request(Request::Leave(leaving()))).await
        {
            socket.close().await;
        }
    }
}

/// What the server wants with its LeaveRequest (protocol §2.4); older ones set `can_reconnect` instead of an action.
pub(super) fn meaning(leave: &LeaveRequest) -> Interruption {
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

pub(super) fn sync_state(published: &[Vec<u8>]) -> SyncState {
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

/// What was said before the end has arrived by then.
const LAST_WORDS_TIME: Duration = Duration::from_millis(500);
