//! The signalling side of a session: a socket, or the requests that wait for the next one; and what farewells mean.

use std::collections::VecDeque;

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
    Cut { waiting: VecDeque<Vec<u8>> },
}

/// The connection broke while something was sent.
#[derive(Debug)]
pub(super) struct Broken;

impl Signalling {
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// The next message; `None` when the connection has just ended. Without a connection there is nothing to wait for.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Live(socket) => socket.next().await,
            Self::Cut { .. } => std::future::pending().await,
        }
    }

    /// A request of the session itself: means nothing to a later connection.
    pub(super) async fn send(&mut self, request: Request) -> Result<(), Broken> {
        let Self::Live(socket) = self else { return Ok(()) };
        if socket.send(encode_request(request)).await { Ok(()) } else { Err(Broken) }
    }

    pub(super) fn cut(&mut self) {
        if self.is_live() {
            *self = Self::Cut { waiting: VecDeque::new() };
        }
    }

    /// Goes on with `socket`. Answers what has waited for it.
    pub(super) fn resume(&mut self, socket: Socket) -> VecDeque<Vec<u8>> {
        match std::mem::replace(self, Self::Live(socket)) {
            Self::Live(_) => VecDeque::new(),
            Self::Cut { waiting } => waiting,
        }
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
