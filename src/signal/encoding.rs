//! Frame encodings, schema languages and schema ids to the wire and back (protocol §2.3).

use super::wire::{self, EncodingValue};
use crate::track::{DataTrackFrameEncoding, DataTrackSchemaEncoding, DataTrackSchemaId};

pub(super) fn encode_frame_encoding(encoding: &DataTrackFrameEncoding) -> wire::Encoding {
    use DataTrackFrameEncoding as Frame;
    let code = match encoding {
        Frame::Ros1 => 1,
        Frame::Cdr => 2,
        Frame::Protobuf => 3,
        Frame::Flatbuffer => 4,
        Frame::Cbor => 5,
        Frame::Msgpack => 6,
        Frame::Json => 7,
        Frame::Custom { identifier } => return custom(identifier),
        Frame::Unknown { code } => *code,
    };
    well_known(code)
}

/// `None` where the encoding is not told: absent, empty or UNSPECIFIED.
pub(super) fn decode_frame_encoding(
    encoding: Option<wire::Encoding>,
) -> Option<DataTrackFrameEncoding> {
    use DataTrackFrameEncoding as Frame;
    Some(match encoding?.value? {
        EncodingValue::WellKnown(0) => return None,
        EncodingValue::WellKnown(1) => Frame::Ros1,
        EncodingValue::WellKnown(2) => Frame::Cdr,
        EncodingValue::WellKnown(3) => Frame::Protobuf,
        EncodingValue::WellKnown(4) => Frame::Flatbuffer,
        EncodingValue::WellKnown(5) => Frame::Cbor,
        EncodingValue::WellKnown(6) => Frame::Msgpack,
        EncodingValue::WellKnown(7) => Frame::Json,
        EncodingValue::WellKnown(code) => Frame::Unknown { code },
        EncodingValue::Custom(identifier) => Frame::Custom { identifier },
    })
}

pub(super) fn encode_schema_id(id: &DataTrackSchemaId) -> wire::DataTrackSchemaId {
    wire::DataTrackSchemaId {
        name: id.name.clone(),
        encoding: Some(encode_schema_encoding(&id.encoding)),
    }
}

pub(super) fn decode_schema_id(id: wire::DataTrackSchemaId) -> DataTrackSchemaId {
    DataTrackSchemaId { name: id.name, encoding: decode_schema_encoding(id.encoding) }
}

fn encode_schema_encoding(encoding: &DataTrackSchemaEncoding) -> wire::Encoding {
    use DataTrackSchemaEncoding as Schema;
    let code = match encoding {
        Schema::Protobuf => 1,
        Schema::Flatbuffer => 2,
        Schema::Ros1Msg => 3,
        Schema::Ros2Msg => 4,
        Schema::Ros2Idl => 5,
        Schema::OmgIdl => 6,
        Schema::JsonSchema => 7,
        Schema::Custom { identifier } => return custom(identifier),
        Schema::Unknown { code } => *code,
    };
    well_known(code)
}

fn decode_schema_encoding(encoding: Option<wire::Encoding>) -> DataTrackSchemaEncoding {
    use DataTrackSchemaEncoding as Schema;
    match encoding.and_then(|encoding| encoding.value) {
        None => Schema::Unknown { code: 0 },
        Some(EncodingValue::WellKnown(1)) => Schema::Protobuf,
        Some(EncodingValue::WellKnown(2)) => Schema::Flatbuffer,
        Some(EncodingValue::WellKnown(3)) => Schema::Ros1Msg,
        Some(EncodingValue::WellKnown(4)) => Schema::Ros2Msg,
        Some(EncodingValue::WellKnown(5)) => Schema::Ros2Idl,
        Some(EncodingValue::WellKnown(6)) => Schema::OmgIdl,
        Some(EncodingValue::WellKnown(7)) => Schema::JsonSchema,
        Some(EncodingValue::WellKnown(code)) => Schema::Unknown { code },
        Some(EncodingValue::Custom(identifier)) => Schema::Custom { identifier },
    }
}

fn well_known(code: i32) -> wire::Encoding {
    wire::Encoding { value: Some(EncodingValue::WellKnown(code)) }
}

fn custom(identifier: &str) -> wire::Encoding {
    wire::Encoding { value: Some(EncodingValue::Custom(identifier.to_owned())) }
}
