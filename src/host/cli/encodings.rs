//! Names of encodings, the same as those of MCAP (mcap.dev/spec/registry).

use datatracks::track::{DataTrackFrameEncoding as Frame, DataTrackSchemaEncoding as Schema};

pub(crate) fn frame_encoding_name(encoding: &Frame) -> String {
    match encoding {
        Frame::Custom { identifier } => identifier.clone(),
        Frame::Unknown { code } => code.to_string(),
        known => name_of(known, &FRAMES),
    }
}

/// No encoding for a name that a track cannot have.
pub(crate) fn frame_encoding(name: &str) -> Option<Frame> {
    named(name, FRAMES, |identifier| Frame::Custom { identifier })
}

pub(crate) fn schema_encoding_name(encoding: &Schema) -> String {
    match encoding {
        Schema::Custom { identifier } => identifier.clone(),
        Schema::Unknown { code } => code.to_string(),
        known => name_of(known, &SCHEMAS),
    }
}

/// No encoding for a name that a schema cannot have.
pub(crate) fn schema_encoding(name: &str) -> Option<Schema> {
    named(name, SCHEMAS, |identifier| Schema::Custom { identifier })
}

fn name_of<E: PartialEq>(encoding: &E, names: &[(&str, E)]) -> String {
    names.iter().find(|(_, known)| known == encoding).map_or("", |(name, _)| name).to_owned()
}

fn named<E, const N: usize>(
    name: &str,
    names: [(&str, E); N],
    own: impl FnOnce(String) -> E,
) -> Option<E> {
    let known = names.into_iter().find(|(known, _)| *known == name).map(|(_, encoding)| encoding);
    known.or_else(|| is_identifier(name).then(|| own(name.to_owned())))
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
