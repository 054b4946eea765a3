//! The server API, as far as rights and rooms go: Twirp calls with protobuf bodies, as the server SDKs make them.

use serde_json::json;
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::super::{Control, Permissions, Rooms};
use crate::signal::session::{
    ParticipantPermission, RoomParticipantIdentity, ServiceCall, UpdateParticipantRequest,
    disconnect_reason,
};

/// What the token of a caller allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// To manage this room.
    pub(super) admin_of: Option<String>,
    /// To make and delete rooms.
    pub(super) room_create: bool,
}

/// Why a call was not made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchMethod,
    Malformed,
    NotAllowed,
    NotFound,
}

/// The method of a path of the service.
pub(super) fn method(path: &str) -> Option<&str> {
    path.strip_prefix("/twirp/livekit.RoomService/")
}

/// Makes a call. Answers its response.
pub(super) fn call(
    rooms: &Rooms,
    rights: &Rights,
    method: &str,
    body: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let call = ServiceCall::decode(method, body).map_err(|_| Refusal::Malformed)?;
    let call = call.ok_or(Refusal::NoSuchMethod)?;
    if !rights.allow(&call) {
        return Err(Refusal::NotAllowed);
    }
    let member = |room: &str, identity: &str| rooms.member(room, identity).ok_or(Refusal::NotFound);
    match call {
        ServiceCall::UpdateParticipant(UpdateParticipantRequest { room, identity, permission }) => {
            let member = member(&room, &identity)?;
            if let Some(permission) = permission {
                member.control(Control::Permit(permissions(&permission)));
            }
            Ok(member.info().unwrap_or_default())
        }
        ServiceCall::RemoveParticipant(RoomParticipantIdentity { room, identity }) => {
            member(&room, &identity)?.control(Control::End(disconnect_reason::PARTICIPANT_REMOVED));
            Ok(Vec::new())
        }
        ServiceCall::DeleteRoom(call) => {
            rooms.delete(&call.room).then(Vec::new).ok_or(Refusal::NotFound)
        }
    }
}

fn permissions(asked: &ParticipantPermission) -> Permissions {
    Permissions {
        can_publish_data: asked.can_publish_data,
        can_subscribe: asked.can_subscribe,
        hidden: asked.hidden,
    }
}

impl Rights {
    fn allow(&self, call: &ServiceCall) -> bool {
        match call {
            ServiceCall::DeleteRoom(_) => self.room_create,
            ServiceCall::UpdateParticipant(_) | ServiceCall::RemoveParticipant(_) => {
                self.admin_of.as_deref() == Some(call.room())
            }
        }
    }
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchMethod | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::UNAUTHORIZED,
        }
    }

    /// As Twirp has it.
    pub(super) fn text(&self) -> String {
        let (code, msg) = match self {
            Self::NoSuchMethod => ("bad_route", "no such method here"),
            Self::Malformed => ("malformed", "the request is malformed"),
            Self::NotAllowed => ("unauthenticated", "the token does not allow it"),
            Self::NotFound => ("not_found", "no such room or participant"),
        };
        json!({ "code": code, "msg": msg }).to_string()
    }
}
