//! What this crate encodes LiveKit's own protocol types decode, and the other way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_signals;

use datatracks::{
    DataTrackInfo, DataTrackSchemaEncoding, DataTrackSchemaId, Handle,
    signal::{self, RefusedRequest, SignalIn, SignalOut, TrackDescription},
};
use livekit::{signal_request::Message as Request, signal_response::Message as Response};
use livekit_protocol as livekit;
use livekit_signals::*;
use proptest::prelude::*;
use prost::Message;

proptest! {
    #[test]
    fn livekit_reads_our_publish(
        handle: Handle,
        name in "\\PC{1,64}",
        encrypted: bool,
        frame_encoding in proptest::option::of(frame_encoding()),
        schema in proptest::option::of(schema_id()),
    ) {
        let request = SignalOut::Publish {
            handle,
            name: name.clone(),
            encrypted,
            frame_encoding: frame_encoding.clone(),
            schema: schema.clone(),
        };
        let Request::PublishDataTrackRequest(read) = read_request(&request) else {
            panic!("another message")
        };
        prop_assert_eq!(read.pub_handle, u32::from(handle.get()));
        prop_assert_eq!(read.name, name);
        prop_assert_eq!(read.encryption, i32::from(encrypted));
        prop_assert_eq!(read.frame_encoding, frame_encoding.as_ref().map(livekit_frame_encoding));
        prop_assert_eq!(read.schema, schema.as_ref().map(livekit_schema_id));
    }

    #[test]
    fn we_read_livekits_tracks(track in track()) {
        let info = livekit_track(&track);
        let published = livekit::PublishDataTrackResponse { info: Some(info.clone()) };
        let unpublished = livekit::UnpublishDataTrackResponse { info: Some(info) };
        prop_assert_eq!(
            decode(Response::PublishDataTrackResponse(published.clone())).message,
            Some(SignalIn::PublishResponse(track.clone()))
        );
        prop_assert_eq!(
            decode(Response::UnpublishDataTrackResponse(unpublished)).message,
            Some(SignalIn::UnpublishResponse(track.clone()))
        );
        let ours = signal::encode_publish_response(&track);
        prop_assert_eq!(livekit::PublishDataTrackResponse::decode(&ours[..]).unwrap(), published);
    }

    #[test]
    fn we_read_livekits_participants(people in proptest::collection::vec(participant(), 0..4)) {
        let theirs: Vec<_> = people.iter().map(livekit_participant).collect();
        let update = livekit::ParticipantUpdate { participants: theirs.clone() };
        prop_assert_eq!(
            decode(Response::Update(update)).message,
            Some(SignalIn::Update(people.clone()))
        );
        let local = people.first().cloned();
        let join = livekit::JoinResponse {
            participant: theirs.first().cloned(),
            other_participants: theirs.clone(),
            ..Default::default()
        };
        prop_assert_eq!(
            decode(Response::Join(join)).message,
            Some(SignalIn::Join { local: local.clone(), others: people.clone() })
        );
        let moved = livekit::RoomMovedResponse {
            participant: theirs.first().cloned(),
            other_participants: theirs,
            ..Default::default()
        };
        prop_assert_eq!(
            decode(Response::RoomMoved(moved)).message,
            Some(SignalIn::RoomMoved { local, others: people })
        );
    }
}

#[test]
fn livekit_reads_our_other_requests() {
    let handle = Handle::new(9).unwrap();
    let id = DataTrackSchemaId { name: "pose".into(), encoding: DataTrackSchemaEncoding::OmgIdl };
    let key = Some(livekit::DataBlobKey {
        key: Some(livekit::data_blob_key::Key::SchemaId(livekit_schema_id(&id))),
    });

    let unpublish = livekit::UnpublishDataTrackRequest { pub_handle: 9 };
    assert_eq!(
        read_request(&SignalOut::Unpublish { handle }),
        Request::UnpublishDataTrackRequest(unpublish)
    );

    let update = livekit::update_data_subscription::Update {
        track_sid: "DTR_x".into(),
        subscribe: true,
        options: None,
    };
    assert_eq!(
        read_request(&SignalOut::UpdateSubscription { track_sid: "DTR_x".into(), subscribe: true }),
        Request::UpdateDataSubscription(livekit::UpdateDataSubscription { updates: vec![update] })
    );

    let blob = livekit::DataBlob { key: key.clone(), contents: b"text".to_vec() };
    assert_eq!(
        read_request(&SignalOut::StoreSchema {
            request_id: 3,
            id: id.clone(),
            contents: b"text".to_vec()
        }),
        Request::StoreDataBlobRequest(livekit::StoreDataBlobRequest {
            request_id: 3,
            blob: Some(blob)
        })
    );
    assert_eq!(
        read_request(&SignalOut::GetSchema {
            request_id: 4,
            participant_identity: "bob".into(),
            id
        }),
        Request::GetDataBlobRequest(livekit::GetDataBlobRequest {
            request_id: 4,
            participant_identity: "bob".into(),
            key
        })
    );
}

#[test]
fn we_read_livekits_answers() {
    let stored = livekit::StoreDataBlobResponse { request_id: 5, key: None };
    assert_eq!(
        decode(Response::StoreDataBlobResponse(stored)).message,
        Some(SignalIn::DataBlobStored { request_id: 5 })
    );
    let blob = livekit::DataBlob { key: None, contents: b"text".to_vec() };
    let found = livekit::GetDataBlobResponse { request_id: 6, blob: Some(blob) };
    assert_eq!(
        decode(Response::GetDataBlobResponse(found)).message,
        Some(SignalIn::DataBlob { request_id: 6, contents: b"text".to_vec() })
    );
    let permission = livekit::SubscriptionPermissionUpdate {
        participant_sid: "PA_1".into(),
        track_sid: "DTR_x".into(),
        allowed: true,
    };
    assert_eq!(
        decode(Response::SubscriptionPermissionUpdate(permission)).message,
        Some(SignalIn::SubscriptionPermission { track_sid: "DTR_x".into(), allowed: true })
    );
}

#[test]
fn every_reason_keeps_its_number() {
    for code in 0..=12 {
        let request = livekit::request_response::Request::UnpublishDataTrack(
            livekit::UnpublishDataTrackRequest { pub_handle: 70_000 },
        );
        let response = livekit::RequestResponse {
            request_id: 8,
            reason: code,
            message: "no".into(),
            request: Some(request),
        };
        let Some(SignalIn::Refused(refusal)) = decode(Response::RequestResponse(response)).message
        else {
            panic!("another message")
        };
        assert_eq!(refusal.reason.code(), code);
        assert_eq!(refusal.detail, "no");
        assert_eq!(refusal.request_id, 8);
        assert_eq!(refusal.request, RefusedRequest::Unpublish(70_000));
    }
}

#[test]
fn every_well_known_reason_has_livekits_meaning() {
    use livekit::request_response::Reason;
    use signal::RefusalReason as Ours;
    let pairs = [
        (Reason::NotFound, Ours::NotFound),
        (Reason::NotAllowed, Ours::NotAllowed),
        (Reason::LimitExceeded, Ours::LimitExceeded),
        (Reason::InvalidHandle, Ours::InvalidHandle),
        (Reason::InvalidName, Ours::InvalidName),
        (Reason::DuplicateHandle, Ours::DuplicateHandle),
        (Reason::DuplicateName, Ours::DuplicateName),
        (Reason::InvalidRequest, Ours::InvalidRequest),
        (Reason::UnclassifiedError, Ours::Unclassified),
        (Reason::UnsupportedType, Ours::UnsupportedType),
        (Reason::Queued, Ours::Queued),
    ];
    for (theirs, ours) in pairs {
        assert_eq!(Ours::from_code(theirs as i32), ours);
    }
    assert_eq!(Ours::from_code(-1), Ours::Unknown(-1));
}

#[test]
fn a_name_of_256_bytes_is_good() {
    let track = TrackDescription {
        handle: Handle::MAX,
        info: DataTrackInfo { sid: "DTR_".into(), name: "ä".repeat(128), ..Default::default() },
    };
    let response = livekit::PublishDataTrackResponse { info: Some(livekit_track(&track)) };
    assert_eq!(
        decode(Response::PublishDataTrackResponse(response)).message,
        Some(SignalIn::PublishResponse(track))
    );
}

fn read_request(request: &SignalOut) -> Request {
    livekit::SignalRequest::decode(&request.encode()[..]).unwrap().message.unwrap()
}
