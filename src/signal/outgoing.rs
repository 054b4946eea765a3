//! [`SignalOut`] → SignalRequest bytes.

use prost::Message;

use super::{
    SignalOut, TrackDescription,
    encoding::{encode_frame_encoding, encode_schema_id},
    wire,
};
use crate::track::DataTrackSchemaId;

impl SignalOut {
    /// The SignalRequest.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Publish { handle, name, encrypted, frame_encoding, schema } => envelope(
                PUBLISH,
                &wire::PublishDataTrackRequest {
                    pub_handle: handle.get().into(),
                    name: name.clone(),
                    encryption: encryption(*encrypted),
                    frame_encoding: frame_encoding.as_ref().map(encode_frame_encoding),
                    schema: schema.as_ref().map(encode_schema_id),
                },
            ),
            Self::Unpublish { handle } => envelope(
                UNPUBLISH,
                &wire::UnpublishDataTrackRequest { pub_handle: handle.get().into() },
            ),
            Self::UpdateSubscription { track_sid, subscribe } => {
                let update =
                    wire::DataSubscription { track_sid: track_sid.clone(), subscribe: *subscribe };
                let updates = vec![update];
                envelope(UPDATE_SUBSCRIPTION, &wire::UpdateDataSubscription { updates })
            }
            Self::StoreSchema { request_id, id, contents } => {
                let blob = wire::DataBlob { key: Some(blob_key(id)), contents: contents.clone() };
                let request =
                    wire::StoreDataBlobRequest { request_id: *request_id, blob: Some(blob) };
                envelope(STORE_BLOB, &request)
            }
            Self::GetSchema { request_id, participant_identity, id } => envelope(
                GET_BLOB,
                &wire::GetDataBlobRequest {
                    request_id: *request_id,
                    participant_identity: participant_identity.clone(),
                    key: Some(blob_key(id)),
                },
            ),
        }
    }
}

/// A bare PublishDataTrackResponse, as SyncState lists them.
pub fn encode_publish_response(track: &TrackDescription) -> Vec<u8> {
    let info = wire::DataTrackInfo {
        pub_handle: track.handle.get().into(),
        sid: track.info.sid.clone(),
        name: track.info.name.clone(),
        encryption: encryption(track.info.uses_e2ee),
        frame_encoding: track.info.frame_encoding.as_ref().map(encode_frame_encoding),
        schema: track.info.schema.as_ref().map(encode_schema_id),
    };
    wire::DataTrackResponse { info: Some(info) }.encode_to_vec()
}

fn envelope(field: u32, message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(prost::encoding::message::encoded_len(field, message));
    prost::encoding::message::encode(field, message, &mut bytes);
    bytes
}

fn encryption(encrypted: bool) -> i32 {
    if encrypted { wire::encryption::GCM } else { wire::encryption::NONE }
}

fn blob_key(id: &DataTrackSchemaId) -> wire::DataBlobKey {
    wire::DataBlobKey { key: Some(wire::BlobKey::SchemaId(encode_schema_id(id))) }
}

// Field numbers of SignalRequest (protocol §2.1).
const PUBLISH: u32 = 19;
const UNPUBLISH: u32 = 20;
const UPDATE_SUBSCRIPTION: u32 = 21;
const STORE_BLOB: u32 = 22;
const GET_BLOB: u32 = 23;
