//! The server API, as far as rights and rooms go: Twirp calls, as the server SDKs make them.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::{
    super::{Control, Permissions, Rooms},
    format::Format,
    http::{Incoming, NoBody},
};
use crate::signal::session::{
    ParticipantInfo, ParticipantPermission, RoomParticipantIdentity, ServiceCall,
    UpdateParticipantRequest, disconnect_reason,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoSuchMethod,
    NoSuchFormat,
    NoBody(NoBody),
    Malformed,
    NotAllowed,
    NotFound,
}

/// The method of a path of the service.
pub(super) fn method(path: &str) -> Option<&str> {
    path.strip_prefix("/twirp/livekit.RoomService/")
}

/// Makes the call that a request is. Answers how its response is written, and the response.
pub(super) async fn answer(
    rooms: &Rooms,
    rights: &Rights,
    request: &mut Incoming,
    limit: Duration,
) -> Result<(Format, Vec<u8>), Refusal> {
    if !request.is_post() {
        return Err(Refusal::NoSuchMethod);
    }
    let format = request.content_type().and_then(Format::of).ok_or(Refusal::NoSuchFormat)?;
    let body = request.body(limit).await.map_err(Refusal::NoBody)?;
    let method = method(request.path()).unwrap_or_default();
    let call = format.read(method, &body)?.ok_or(Refusal::NoSuchMethod)?;
    if !rights.allow(&call) {
        return Err(Refusal::NotAllowed);
    }
    let participant = make(rooms, call)?;
    Ok((format, participant.map_or_else(|| format.nothing(), |one| format.participant(&one))))
}

/// Makes a call. Answers the participant that it was about, if it tells of one.
fn make(rooms: &Rooms, call: ServiceCall) -> Result<Option<ParticipantInfo>, Refusal> {
    let member = |room: &str, identity: &str| rooms.member(room, identity).ok_or(Refusal::NotFound);
    match call {
        ServiceCall::UpdateParticipant(UpdateParticipantRequest { room, identity, permission }) => {
            let member = member(&room, &identity)?;
            if let Some(permission) = permission {
                member.control(Control::Permit(permissions(&permission)));
            }
            Ok(Some(member.info().unwrap_or_default()))
        }
        ServiceCall::RemoveParticipant(RoomParticipantIdentity { room, identity }) => {
            member(&room, &identity)?.control(Control::End(disconnect_reason::PARTICIPANT_REMOVED));
            Ok(None)
        }
        ServiceCall::DeleteRoom(call) => {
            rooms.delete(&call.room).then_some(None).ok_or(Refusal::NotFound)
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
            Self::NoSuchMethod | Self::NoSuchFormat | Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoBody(NoBody::LengthRequired) => StatusCode::LENGTH_REQUIRED,
            Self::NoBody(NoBody::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoBody(NoBody::Incomplete) => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::UNAUTHORIZED,
        }
    }

    /// As Twirp has it.
    pub(super) fn text(&self) -> String {
        let (code, msg) = match self {
            Self::NoSuchMethod => ("bad_route", "no such method here"),
            Self::NoSuchFormat => (
                "bad_route",
                "the Content-Type is neither application/json nor application/protobuf",
            ),
            Self::NoBody(NoBody::LengthRequired) => {
                ("malformed", "the request has no Content-Length")
            }
            Self::NoBody(NoBody::TooLarge) => ("malformed", "the request is too large"),
            Self::NoBody(NoBody::Incomplete) => ("malformed", "the request is not complete"),
            Self::Malformed => ("malformed", "the request is malformed"),
            Self::NotAllowed => ("unauthenticated", "the token does not allow it"),
            Self::NotFound => ("not_found", "no such room or participant"),
        };
        json!({ "code": code, "msg": msg }).to_string()
    }
}
