//! How calls of the server API and their answers are written: protobuf, or JSON as livekit-server-sdk for JavaScript has it.
//!
//! proto3's JSON takes each name of a field in two spellings; answers have that of the protocol, as those of livekit-server.

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Refusal;
use crate::signal::session::{
    DataTrackInfo, DeleteRoomRequest, ParticipantInfo, ParticipantPermission,
    RoomParticipantIdentity, ServiceCall, UpdateParticipantRequest, encode_participant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Protobuf,
    Json,
}

impl Format {
    /// By a value of Content-Type.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
        [Self::Protobuf, Self::Json]
            .into_iter()
            .find(|format| kind.trim().eq_ignore_ascii_case(format.content_type()))
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/protobuf",
            Self::Json => JSON,
        }
    }

    /// Reads the call of a method; `None` for one that there is not.
    pub(super) fn read(self, method: &str, body: &[u8]) -> Result<Option<ServiceCall>, Refusal> {
        match self {
            Self::Protobuf => ServiceCall::decode(method, body).map_err(|_| Refusal::Malformed),
            Self::Json => {
                let request = serde_json::from_slice(body).map_err(|_| Refusal::Malformed)?;
                Ok(call(method, request))
            }
        }
    }

    /// An answer that tells nothing.
    pub(super) fn nothing(self) -> Vec<u8> {
        match self {
            Self::Protobuf => Vec::new(),
            Self::Json => b"{}".to_vec(),
        }
    }

    pub(super) fn participant(self, participant: &ParticipantInfo) -> Vec<u8> {
        match self {
            Self::Protobuf => encode_participant(participant),
            Self::Json => participant_json(participant).to_string().into_bytes(),
        }
    }
}

/// Whatever the calls say. What else there is in them is of no concern here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CallJson {
    room: String,
    identity: String,
    permission: Option<PermissionJson>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PermissionJson {
    #[serde(alias = "canSubscribe")]
    can_subscribe: bool,
    #[serde(alias = "canPublish")]
    can_publish: bool,
    #[serde(alias = "canPublishData")]
    can_publish_data: bool,
    hidden: bool,
}

fn call(method: &str, request: CallJson) -> Option<ServiceCall> {
    let CallJson { room, identity, permission } = request;
    let permission = permission.map(|asked| ParticipantPermission {
        can_subscribe: asked.can_subscribe,
        can_publish: asked.can_publish,
        can_publish_data: asked.can_publish_data,
        hidden: asked.hidden,
    });
    Some(match method {
        "UpdateParticipant" => {
            let request = UpdateParticipantRequest { room, identity, permission };
            ServiceCall::UpdateParticipant(request)
        }
        "RemoveParticipant" => {
            ServiceCall::RemoveParticipant(RoomParticipantIdentity { room, identity })
        }
        "DeleteRoom" => ServiceCall::DeleteRoom(DeleteRoomRequest { room }),
        _ => return None,
    })
}

/// Without the schemas and encodings of its tracks.
fn participant_json(participant: &ParticipantInfo) -> Value {
    let permission = participant.permission.unwrap_or_default();
    let track = |track: &DataTrackInfo| {
        json!({
            "pub_handle": track.pub_handle,
            "sid": track.sid,
            "name": track.name,
            "encryption": track.encryption,
        })
    };
    json!({
        "sid": participant.sid,
        "identity": participant.identity,
        "state": participant.state,
        "name": participant.name,
        "version": participant.version,
        "permission": {
            "can_subscribe": permission.can_subscribe,
            "can_publish": permission.can_publish,
            "can_publish_data": permission.can_publish_data,
            "hidden": permission.hidden,
        },
        "is_publisher": participant.is_publisher,
        "data_tracks": participant.data_tracks.iter().map(track).collect::<Vec<_>>(),
    })
}

/// Refusals are JSON, however a call is written.
pub(super) const JSON: &str = "application/json";
