//! What the server API says about participants and rooms: the calls that the embedded SFU answers.
#![allow(missing_docs)]

use prost::Message;

use super::{ParticipantInfo, ParticipantPermission, read};
use crate::error::SignalError;

/// A call of the service `livekit.RoomService`.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceCall {
    UpdateParticipant(UpdateParticipantRequest),
    RemoveParticipant(RoomParticipantIdentity),
    DeleteRoom(DeleteRoomRequest),
}

#[derive(Clone, PartialEq, Message)]
pub struct UpdateParticipantRequest {
    #[prost(string, tag = "1")]
    pub room: String,
    #[prost(string, tag = "2")]
    pub identity: String,
    #[prost(message, optional, tag = "4")]
    pub permission: Option<ParticipantPermission>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RoomParticipantIdentity {
    #[prost(string, tag = "1")]
    pub room: String,
    #[prost(string, tag = "2")]
    pub identity: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct DeleteRoomRequest {
    #[prost(string, tag = "1")]
    pub room: String,
}

impl ServiceCall {
    /// Reads the call of a method; `None` for one that is not listed.
    ///
    /// # Errors
    /// [`SignalError::Malformed`] when the bytes are something else, or too large.
    pub fn decode(method: &str, bytes: &[u8]) -> Result<Option<Self>, SignalError> {
        Ok(Some(match method {
            "UpdateParticipant" => Self::UpdateParticipant(read(bytes)?),
            "RemoveParticipant" => Self::RemoveParticipant(read(bytes)?),
            "DeleteRoom" => Self::DeleteRoom(read(bytes)?),
            _ => return Ok(None),
        }))
    }

    /// The room that it is about.
    pub fn room(&self) -> &str {
        match self {
            Self::UpdateParticipant(UpdateParticipantRequest { room, .. })
            | Self::RemoveParticipant(RoomParticipantIdentity { room, .. })
            | Self::DeleteRoom(DeleteRoomRequest { room }) => room,
        }
    }
}

/// The bytes of a ParticipantInfo, as UpdateParticipant answers.
pub fn encode_participant(participant: &ParticipantInfo) -> Vec<u8> {
    participant.encode_to_vec()
}
