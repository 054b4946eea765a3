//! Two parsers of one format, ours and livekit-datatrack's: both read the same, or refuse under the same name.
#![no_main]

use bytes::Bytes;
use datatracks::packet::{DecodeError, Marker, decode};
use libfuzzer_sys::fuzz_target;
use livekit_datatrack::__fuzz::{FrameMarker, Packet};

fuzz_target!(|bytes: &[u8]| {
    let ours = decode(bytes);
    let theirs = Packet::deserialize(Bytes::copy_from_slice(bytes));
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(ours), Err(theirs)) => return assert_eq!(name(ours), format!("{theirs:?}")),
        (ours, theirs) => panic!("ours: {ours:?}, theirs: {theirs:?}"),
    };
    let header = theirs.header;
    assert_eq!(marker(ours.header.marker), header.marker);
    assert_eq!(u32::from(ours.header.handle.get()), u32::from(header.track_handle));
    assert_eq!(ours.header.sequence, header.sequence);
    assert_eq!(ours.header.frame_number, header.frame_number);
    assert_eq!(ours.header.timestamp, header.timestamp.as_ticks());
    let user_timestamp = header.extensions.user_timestamp.map(|timestamp| timestamp.0);
    assert_eq!(ours.header.extensions.user_timestamp, user_timestamp);
    let encryption = ours.header.extensions.encryption.map(|ours| (ours.key_index, ours.iv));
    assert_eq!(encryption, header.extensions.e2ee.map(|theirs| (theirs.key_index, theirs.iv)));
    assert_eq!(ours.payload, &theirs.payload);
});

fn marker(ours: Marker) -> FrameMarker {
    match ours {
        Marker::Single => FrameMarker::Single,
        Marker::Start => FrameMarker::Start,
        Marker::Inter => FrameMarker::Inter,
        Marker::Final => FrameMarker::Final,
    }
}

fn name(error: DecodeError) -> String {
    match error {
        DecodeError::InvalidHandle => "InvalidHandle(Reserved(0))".into(),
        error => format!("{error:?}"),
    }
}
