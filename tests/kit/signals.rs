//! What an SFU says to make one track, which its publisher and its one subscriber know by handle 1.

use std::collections::HashMap;

use livekit_protocol::{
    self as livekit, signal_request::Message as Request, signal_response::Message as Response,
};
use prost::Message;

/// The track that is asked for.
pub(crate) fn published(request: &[u8]) -> livekit::DataTrackInfo {
    let request = livekit::SignalRequest::decode(request).expect("a request");
    let Some(Request::PublishDataTrackRequest(request)) = request.message else {
        panic!("not a publish request");
    };
    livekit::DataTrackInfo {
        pub_handle: request.pub_handle,
        sid: SID.into(),
        name: request.name,
        encryption: request.encryption,
        ..Default::default()
    }
}

/// To the publisher.
pub(crate) fn answer(info: livekit::DataTrackInfo) -> Vec<u8> {
    let answer = livekit::PublishDataTrackResponse { info: Some(info) };
    encode(Response::PublishDataTrackResponse(answer))
}

/// To everybody else.
pub(crate) fn update(info: livekit::DataTrackInfo) -> Vec<u8> {
    let publisher = livekit::ParticipantInfo {
        sid: PUBLISHER_SID.into(),
        identity: PUBLISHER.into(),
        state: 2,
        data_tracks: vec![info],
        ..Default::default()
    };
    encode(Response::Update(livekit::ParticipantUpdate { participants: vec![publisher] }))
}

/// To the subscriber.
pub(crate) fn handles() -> Vec<u8> {
    let track = livekit::data_track_subscriber_handles::PublishedDataTrack {
        publisher_identity: PUBLISHER.into(),
        publisher_sid: PUBLISHER_SID.into(),
        track_sid: SID.into(),
    };
    let handles = livekit::DataTrackSubscriberHandles { sub_handles: HashMap::from([(1, track)]) };
    encode(Response::DataTrackSubscriberHandles(handles))
}

fn encode(message: Response) -> Vec<u8> {
    livekit::SignalResponse { message: Some(message) }.encode_to_vec()
}

const PUBLISHER: &str = "publisher";
const PUBLISHER_SID: &str = "PA_publisher";
const SID: &str = "DTR_measured";
