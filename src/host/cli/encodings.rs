//! Names of encodings, the same as those of MCAP (mcap.dev/spec/registry).

use datatracks::track::{DataTrackFrameEncoding as Frame, DataTrackSchemaEncoding as Schema};

pub(crate) fn frame_encoding_name(encoding: &Frame) -> String {
    if let Frame::Unknown { code } = encoding {
        return code.to_string();
    }
    if let Frame::Custom { identifier } = encoding {
        return identifier.clone();
    }
    known(&FRAMES, |known| known == encoding)
}

/// No encoding for a name that a track cannot have.
pub(crate) fn frame_encoding(name: &str) -> Option<Frame> {
    let known = FRAMES.into_iter().find(|(known, _)| *known == name).map(|(_, encoding)| encoding);
    let own = || is_identifier(name).then(|| Frame::Custom { identifier: name.into() });
    known.or_else(own)
}

pub(crate) fn schema_encoding_name(encoding: &Schema) -> String {
    if let Schema::Unknown { code } = encoding {
        return code.to_string();
    }
    if let Schema::Custom { identifier } = encoding {
        return identifier.clone();
    }
    known(&SCHEMAS, |known| known == encoding)
}

/// No encoding for a name that a schema cannot have.
pub(crate) fn schema_encoding(name: &str) -> Option<Schema> {
    let known = SCHEMAS.into_iter().find(|(known, _)| *known == name).map(|(_, encoding)| encoding);
    let own = || is_identifier(name).then(|| Schema::Custom { identifier: name.into() });
    known.or_else(own)
}

fn known<E>(names: &[(&str, E)], is_it: impl Fn(&E) -> bool) -> String {
    names
        .iter()
        .find(|(_, encoding)| is_it(encoding))
        .map_or_else(String::new, |(name, _)| (*name).into())
}

fn is_identifier(name: &str) -> bool {
    (1..=LONGEST_IDENTIFIER).contains(&name.len())
}

const FRAMES: [(&str, Frame); 7] = [
    ("ros1", Frame::Ros1),
    ("cdr", Frame::Cdr),
    ("protobuf", Frame::Protobuf),
    ("flatbuffer", Frame::Flatbuffer),
    ("cbor", Frame::Cbor),
    ("msgpack", Frame::Msgpack),
    ("json", Frame::Json),
];

const SCHEMAS: [(&str, Schema); 7] = [
    ("protobuf", Schema::Protobuf),
    ("flatbuffer", Schema::Flatbuffer),
    ("ros1msg", Schema::Ros1Msg),
    ("ros2msg", Schema::Ros2Msg),
    ("ros2idl", Schema::Ros2Idl),
    ("omgidl", Schema::OmgIdl),
    ("jsonschema", Schema::JsonSchema),
];

/// Bytes (protocol §3.13).
const LONGEST_IDENTIFIER: usize = 32;
