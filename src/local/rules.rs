//! What can be published at all: checked before anything is asked of the SFU (protocol §3.3, §3.13).

use crate::{
    error::{PublishError, SchemaError},
    options::DataTrackOptions,
    track::{
        DataTrackFrameEncoding as Frames, DataTrackSchemaEncoding as Schemas, DataTrackSchemaId,
        MAX_CUSTOM_ENCODING_BYTES, MAX_NAME_BYTES,
    },
};

/// Refuses options that the SFU or the subscribers would refuse.
pub(crate) fn check_options(options: &DataTrackOptions) -> Result<(), PublishError> {
    let DataTrackOptions { name, schema, frame_encoding, .. } = options;
    within(name, MAX_NAME_BYTES).map_err(|length| PublishError::InvalidName { length })?;
    let invalid = |length| PublishError::InvalidEncoding { length };
    if let Some(Frames::Custom { identifier }) = frame_encoding {
        within(identifier, MAX_CUSTOM_ENCODING_BYTES).map_err(invalid)?;
    }
    if let Some(schema) = schema {
        check_schema_id(schema).map_err(invalid)?;
    }
    match (frame_encoding, schema) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(PublishError::FrameEncodingMissing),
        (Some(frames), None) if needs_schema(frames) => Err(PublishError::SchemaMissing),
        (Some(_), None) => Ok(()),
        (Some(frames), Some(schema)) if !describes(&schema.encoding, frames) => {
            Err(PublishError::SchemaMismatch)
        }
        (Some(_), Some(_)) => Ok(()),
    }
}

/// Refuses a schema that the SFU would refuse.
pub(crate) fn check_schema(id: &DataTrackSchemaId, contents: &[u8]) -> Result<(), SchemaError> {
    check_schema_key(id)?;
    let fits = !contents.is_empty() && contents.len() + id.name.len() <= MAX_SCHEMA_BYTES;
    if fits { Ok(()) } else { Err(SchemaError::InvalidSchema) }
}

/// Refuses a key that no schema can have.
pub(crate) fn check_schema_key(id: &DataTrackSchemaId) -> Result<(), SchemaError> {
    check_schema_id(id).map_err(|_| SchemaError::InvalidSchema)
}

fn check_schema_id(id: &DataTrackSchemaId) -> Result<(), u64> {
    within(&id.name, MAX_NAME_BYTES)?;
    match &id.encoding {
        Schemas::Custom { identifier } => within(identifier, MAX_CUSTOM_ENCODING_BYTES),
        _ => Ok(()),
    }
}

/// 1 to `max` bytes, or the length.
fn within(text: &str, max: usize) -> Result<(), u64> {
    if (1..=max).contains(&text.len()) { Ok(()) } else { Err(text.len() as u64) }
}

fn needs_schema(frames: &Frames) -> bool {
    match frames {
        Frames::Ros1 | Frames::Cdr | Frames::Protobuf | Frames::Flatbuffer => true,
        Frames::Cbor | Frames::Msgpack | Frames::Json => false,
        Frames::Custom { .. } | Frames::Unknown { .. } => false,
    }
}

/// What is not well known is taken on trust.
fn describes(schema: &Schemas, frames: &Frames) -> bool {
    match frames {
        Frames::Ros1 => *schema == Schemas::Ros1Msg,
        Frames::Cdr => matches!(schema, Schemas::Ros2Msg | Schemas::Ros2Idl | Schemas::OmgIdl),
        Frames::Protobuf => *schema == Schemas::Protobuf,
        Frames::Flatbuffer => *schema == Schemas::Flatbuffer,
        Frames::Json => *schema == Schemas::JsonSchema,
        Frames::Cbor | Frames::Msgpack => false,
        Frames::Custom { .. } | Frames::Unknown { .. } => true,
    }
}

/// Keys and contents of all blobs of a participant together (protocol §3.13).
const MAX_SCHEMA_BYTES: usize = 64_000;
