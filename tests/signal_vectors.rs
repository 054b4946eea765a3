//! The signal encodings of protocol §2.5, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice
)]

mod hex;

use datatracks::{
    DataTrackFrameEncoding, DataTrackInfo, DataTrackSchemaEncoding, DataTrackSchemaId, Handle,
    signal::{
        self, Participant, Refusal, RefusalReason, RefusedRequest, SignalIn, SignalOut,
        SubscribedTrack, TrackDescription,
    },
};

#[test]
fn p1_publish() {
    assert_request("9a010708011203616263", publish(1, "abc"));
}

#[test]
fn p2_publish_encrypted() {
    let SignalOut::Publish { handle, name, frame_encoding, schema, .. } = publish(258, "abc")
    else {
        unreachable!()
    };
    let request = SignalOut::Publish { handle, name, encrypted: true, frame_encoding, schema };
    assert_request("9a010a08820212036162631801", request);
}

#[test]
fn p3_publish_with_frame_encoding() {
    let request = publish_encoded(2, "j", DataTrackFrameEncoding::Json, None);
    assert_request("9a0109080212016a22020807", request);
}

#[test]
fn p4_publish_with_schema() {
    let schema =
        DataTrackSchemaId { name: "S".into(), encoding: DataTrackSchemaEncoding::Protobuf };
    let request = publish_encoded(3, "p", DataTrackFrameEncoding::Protobuf, Some(schema));
    assert_request("9a01120803120170220208032a070a015312020801", request);
}

#[test]
fn p5_publish_with_custom_encoding() {
    let custom = DataTrackFrameEncoding::Custom { identifier: "x".into() };
    assert_request("9a010a08041201632203120178", publish_encoded(4, "c", custom, None));
}

#[test]
fn p6_unpublish() {
    assert_request("a20103088202", SignalOut::Unpublish { handle: handle(258) });
}

#[test]
fn p7_subscribe() {
    let request = SignalOut::UpdateSubscription { track_sid: "DTR_abc".into(), subscribe: true };
    assert_request("aa010d0a0b0a074454525f6162631001", request);
}

#[test]
fn p8_unsubscribe() {
    let request = SignalOut::UpdateSubscription { track_sid: "DTR_abc".into(), subscribe: false };
    assert_request("aa010b0a090a074454525f616263", request);
}

#[test]
fn p10_publish_response_of_sync_state() {
    // The entry of P10, without the SyncState around it.
    assert_eq!(
        hex::text(&signal::encode_publish_response(&track())),
        "0a10080112074454525f6162631a03616263"
    );
}

#[test]
fn r1_published() {
    assert_response(
        "da01120a10080112074454525f6162631a03616263",
        SignalIn::PublishResponse(track()),
    );
}

#[test]
fn r2_refused_publish() {
    let refusal = Refusal {
        request_id: 0,
        reason: RefusalReason::DuplicateName,
        detail: String::new(),
        request: RefusedRequest::Publish(1),
    };
    assert_response("b2010b100a520708011203616263", SignalIn::Refused(refusal));
}

#[test]
fn r3_handles() {
    let subscribed = SubscribedTrack {
        handle: handle(7),
        track_sid: "DTR_abc".into(),
        publisher_identity: "bob".into(),
        publisher_sid: "PA_1".into(),
    };
    assert_response(
        "ea011a0a18080712140a03626f62120450415f311a074454525f616263",
        SignalIn::SubscriberHandles(vec![subscribed]),
    );
}

#[test]
fn r4_no_handles() {
    assert_response("ea0100", SignalIn::SubscriberHandles(vec![]));
}

#[test]
fn r5_update() {
    assert_response(
        "2a220a200a0450415f311203626f6218029a0110080112074454525f6162631a03616263",
        SignalIn::Update(vec![bob(true, vec![track()])]),
    );
}

#[test]
fn r6_participant_left() {
    assert_response(
        "2a0f0a0d0a0450415f311203626f621803",
        SignalIn::Update(vec![bob(false, vec![])]),
    );
}

#[test]
fn r7_unpublished() {
    assert_response(
        "e201120a10080112074454525f6162631a03616263",
        SignalIn::UnpublishResponse(track()),
    );
}

#[test]
fn r8_refused_unpublish() {
    let refusal = Refusal {
        request_id: 0,
        reason: RefusalReason::NotFound,
        detail: String::new(),
        request: RefusedRequest::Unpublish(9),
    };
    assert_response("b2010610015a020809", SignalIn::Refused(refusal));
}

#[cfg(feature = "host")]
mod session {
    use datatracks::signal::session::*;

    use super::hex;

    #[test]
    fn p9_subscribe_with_options() {
        let update = DataSubscription { track_sid: "DTR_abc".into(), subscribe: true };
        let expected =
            Request::UpdateDataSubscription(UpdateDataSubscription { updates: vec![update] });
        let bytes = hex::bytes("aa01110a0f0a074454525f61626310011a02080a");
        assert_eq!(decode_request(&bytes), Ok(Some(expected)));
    }

    #[test]
    fn p10_sync_state() {
        let info = DataTrackInfo {
            pub_handle: 1,
            sid: "DTR_abc".into(),
            name: "abc".into(),
            ..DataTrackInfo::default()
        };
        let request = Request::SyncState(SyncState {
            publish_data_tracks: vec![DataTrackResponse { info: Some(info) }],
            ..SyncState::default()
        });
        assert_request("621442120a10080112074454525f6162631a03616263", request);
    }

    #[test]
    fn p11_ping() {
        assert_request("82010508e8071005", Request::PingReq(Ping { timestamp: 1000, rtt: 5 }));
    }

    #[test]
    fn p12_leave() {
        let leave = LeaveRequest {
            reason: disconnect_reason::CLIENT_INITIATED,
            action: leave_action::DISCONNECT,
            ..LeaveRequest::default()
        };
        assert_request("42021001", Request::Leave(leave));
    }

    #[test]
    fn p13_trickle() {
        let trickle = TrickleRequest {
            candidate_init: "{}".into(),
            target: signal_target::SUBSCRIBER,
            r#final: false,
        };
        assert_request("1a060a027b7d1001", Request::Trickle(trickle));
    }

    fn assert_request(hex: &str, request: Request) {
        assert_eq!(hex::text(&encode_request(request.clone())), hex);
        assert_eq!(decode_request(&hex::bytes(hex)), Ok(Some(request)));
    }
}

fn assert_request(hex: &str, request: SignalOut) {
    assert_eq!(hex::text(&request.encode()), hex);
}

fn assert_response(hex: &str, expected: SignalIn) {
    // A varint, bytes and a fixed number, of numbers that no version has yet.
    let unknown = ["", "f80701", "fa070178", "fd0701020304"];
    for (before, after) in unknown.iter().flat_map(|one| [(*one, ""), ("", *one)]) {
        let bytes = hex::bytes(&format!("{before}{hex}{after}"));
        let decoded = signal::decode(&bytes, |_| true).unwrap();
        assert_eq!(decoded.message.as_ref(), Some(&expected), "{before} {after}");
        assert_eq!(decoded.skipped, 0);
    }
}

fn publish(number: u16, name: &str) -> SignalOut {
    SignalOut::Publish {
        handle: handle(number),
        name: name.into(),
        encrypted: false,
        frame_encoding: None,
        schema: None,
    }
}

fn publish_encoded(
    number: u16,
    name: &str,
    frame_encoding: DataTrackFrameEncoding,
    schema: Option<DataTrackSchemaId>,
) -> SignalOut {
    SignalOut::Publish {
        handle: handle(number),
        name: name.into(),
        encrypted: false,
        frame_encoding: Some(frame_encoding),
        schema,
    }
}

fn track() -> TrackDescription {
    let info = DataTrackInfo { sid: "DTR_abc".into(), name: "abc".into(), ..Default::default() };
    TrackDescription { handle: handle(1), info }
}

fn bob(connected: bool, tracks: Vec<TrackDescription>) -> Participant {
    Participant {
        identity: "bob".into(),
        sid: "PA_1".into(),
        joined_at_ms: 0,
        connected,
        may_return: false,
        can_publish_data: None,
        tracks,
    }
}

fn handle(number: u16) -> Handle {
    Handle::new(number).unwrap()
}
