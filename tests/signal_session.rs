//! The messages of a session go through LiveKit's own protocol types and come back whole: every field has its number and type.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use datatracks::signal::session::*;
use livekit_protocol as livekit;
use proptest::prelude::*;
use prost::Message;

#[test]
fn requests_survive_livekits_types() {
    for request in requests() {
        let theirs = livekit::SignalRequest::decode(&encode_request(request.clone())[..]).unwrap();
        assert_eq!(decode_request(&theirs.encode_to_vec()), Ok(Some(request)));
    }
}

#[test]
fn responses_survive_livekits_types() {
    for response in responses() {
        let theirs =
            livekit::SignalResponse::decode(&encode_response(response.clone())[..]).unwrap();
        assert_eq!(decode_response(&theirs.encode_to_vec()), Ok(Some(response)));
    }
}

#[test]
fn a_join_request_survives_livekits_types() {
    let request = JoinRequest {
        client_info: Some(ClientInfo {
            sdk: 8,
            version: "0.1".into(),
            protocol: 16,
            os: "linux".into(),
            client_protocol: 2,
        }),
        connection_settings: Some(ConnectionSettings {
            auto_subscribe: true,
            adaptive_stream: true,
            disable_ice_lite: true,
            auto_subscribe_data_track: Some(false),
        }),
        metadata: "metadata".into(),
        participant_attributes: [("key".to_owned(), "value".to_owned())].into(),
        publisher_offer: Some(description()),
        reconnect: true,
        reconnect_reason: 1,
        participant_sid: "PA_1".into(),
        sync_state: Some(sync_state()),
    };
    let theirs = livekit::WrappedJoinRequest::decode(&encode_join_request(&request)[..]).unwrap();
    let inner = livekit::JoinRequest::decode(&theirs.join_request[..]).unwrap();
    assert_eq!(inner.client_info.as_ref().unwrap().sdk(), livekit::client_info::Sdk::Rust);
    let join_request = inner.encode_to_vec();
    let again = livekit::WrappedJoinRequest { join_request, ..theirs }.encode_to_vec();
    assert_eq!(decode_join_request(&again), Ok(request));
}

#[test]
fn fields_of_one_type_are_not_confused() {
    let join = livekit::JoinResponse {
        ping_interval: 5,
        ping_timeout: 15,
        subscriber_primary: true,
        ice_servers: vec![livekit::IceServer {
            urls: vec!["stun:x".into()],
            username: "user".into(),
            credential: "secret".into(),
        }],
        ..Default::default()
    };
    let message = livekit::signal_response::Message::Join(join);
    let bytes = livekit::SignalResponse { message: Some(message) }.encode_to_vec();
    let Ok(Some(Response::Join(join))) = decode_response(&bytes) else { panic!("another message") };
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    assert_eq!((join.subscriber_primary, join.fast_publish), (true, false));
    let server = &join.ice_servers[0];
    assert_eq!((server.username.as_str(), server.credential.as_str()), ("user", "secret"));
}

#[test]
fn what_is_not_listed_is_none() {
    let mute = livekit::MuteTrackRequest { sid: "TR_1".into(), muted: true };
    let request = livekit::signal_request::Message::Mute(mute.clone());
    let bytes = livekit::SignalRequest { message: Some(request) }.encode_to_vec();
    assert_eq!(decode_request(&bytes), Ok(None));
    let response = livekit::signal_response::Message::Mute(mute);
    let bytes = livekit::SignalResponse { message: Some(response) }.encode_to_vec();
    assert_eq!(decode_response(&bytes), Ok(None));
}

#[test]
fn debug_shows_no_token_and_no_credential() {
    let moved = RoomMovedResponse { token: "SECRET".into(), ..Default::default() };
    let server = IceServer { credential: "SECRET".into(), ..Default::default() };
    let join = JoinResponse { ice_servers: vec![server], ..Default::default() };
    let shown =
        [Response::RefreshToken("SECRET".into()), Response::RoomMoved(moved), Response::Join(join)]
            .map(|message| format!("{message:?}"));
    assert!(shown.iter().all(|text| !text.contains("SECRET")), "{shown:?}");
}

#[test]
fn compressed_and_oversized_messages_are_refused() {
    let wrapped = livekit::WrappedJoinRequest { compression: 1, join_request: vec![] };
    assert!(decode_join_request(&wrapped.encode_to_vec()).is_err());
    let huge = encode_request(Request::Offer(SessionDescription {
        sdp: "x".repeat(2 << 20),
        ..SessionDescription::default()
    }));
    assert!(decode_request(&huge).is_err());
    let answer = encode_response(Response::RefreshToken("x".repeat(16 << 20)));
    assert!(decode_response(&answer).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        drop(decode_request(&bytes));
        drop(decode_response(&bytes));
        drop(decode_join_request(&bytes));
        drop(decode_publish_response(&bytes));
    }
}

/// Every request, every field other than its default.
fn requests() -> Vec<Request> {
    let trickle = TrickleRequest {
        candidate_init: "{}".into(),
        target: signal_target::SUBSCRIBER,
        r#final: true,
    };
    let permission = TrackPermission {
        participant_sid: "PA_1".into(),
        all_tracks: true,
        track_sids: vec!["DTR_1".into()],
        participant_identity: "bob".into(),
    };
    let mut requests = vec![
        Request::Offer(description()),
        Request::Answer(description()),
        Request::Trickle(trickle),
        Request::Leave(leave()),
        Request::SubscriptionPermission(SubscriptionPermission {
            all_participants: true,
            track_permissions: vec![permission],
        }),
        Request::SyncState(sync_state()),
        Request::Ping(7),
        Request::PingReq(Ping { timestamp: 1, rtt: 2 }),
        Request::PublishDataTrack(publish_request()),
        Request::UnpublishDataTrack(UnpublishDataTrackRequest { pub_handle: 7 }),
        Request::UpdateDataSubscription(subscription()),
        Request::StoreDataBlob(StoreDataBlobRequest { request_id: 1, blob: Some(blob()) }),
        Request::GetDataBlob(GetDataBlobRequest {
            request_id: 1,
            participant_identity: "bob".into(),
            key: Some(DataBlobKey { key: Some(BlobKey::Generic("key".into())) }),
        }),
    ];
    let scenarios = [
        Scenario::NodeFailure(true),
        Scenario::Migration(true),
        Scenario::ServerLeave(true),
        Scenario::DisconnectSignalOnResume(true),
        Scenario::DisconnectSignalOnResumeNoMessages(true),
        Scenario::LeaveRequestFullReconnect(true),
    ];
    requests.extend(
        scenarios.map(|scenario| Request::Simulate(SimulateScenario { scenario: Some(scenario) })),
    );
    requests
}

/// Every response, every field other than its default.
fn responses() -> Vec<Response> {
    let ice_server = IceServer {
        urls: vec!["stun:x".into()],
        username: "user".into(),
        credential: "credential".into(),
    };
    let server_info = ServerInfo {
        edition: 1,
        version: "1.13.5".into(),
        protocol: 17,
        region: "region".into(),
        node_id: "ND_1".into(),
    };
    let room = Room { sid: "RM_1".into(), name: "room".into(), num_participants: 2 };
    let response = DataTrackResponse { info: Some(track()) };
    let published = PublishedDataTrack {
        publisher_identity: "bob".into(),
        publisher_sid: "PA_1".into(),
        track_sid: "DTR_1".into(),
    };
    let refused = |request| RequestResponse {
        request_id: 1,
        reason: 2,
        message: "no".into(),
        request: Some(request),
    };
    vec![
        Response::Join(JoinResponse {
            room: Some(room.clone()),
            participant: Some(participant()),
            other_participants: vec![participant()],
            ice_servers: vec![ice_server.clone()],
            subscriber_primary: true,
            alternative_url: "url".into(),
            ping_timeout: 15,
            ping_interval: 5,
            server_info: Some(server_info.clone()),
            fast_publish: true,
        }),
        Response::Answer(description()),
        Response::Offer(description()),
        Response::Trickle(TrickleRequest { candidate_init: "{}".into(), ..Default::default() }),
        Response::Update(ParticipantUpdate { participants: vec![participant()] }),
        Response::Leave(leave()),
        Response::RoomUpdate(RoomUpdate { room: Some(room.clone()) }),
        Response::SubscriptionPermissionUpdate(SubscriptionPermissionUpdate {
            participant_sid: "PA_1".into(),
            track_sid: "DTR_1".into(),
            allowed: true,
        }),
        Response::RefreshToken("token".into()),
        Response::Pong(7),
        Response::Reconnect(ReconnectResponse {
            ice_servers: vec![ice_server],
            server_info: Some(server_info),
            last_message_seq: 9,
        }),
        Response::PongResp(Pong { last_ping_timestamp: 1, timestamp: 2 }),
        Response::RequestResponse(refused(EchoedRequest::PublishDataTrack(publish_request()))),
        Response::RequestResponse(refused(EchoedRequest::UnpublishDataTrack(
            UnpublishDataTrackRequest { pub_handle: 7 },
        ))),
        Response::RequestResponse(refused(EchoedRequest::Trickle(TrickleRequest {
            candidate_init: "?".into(),
            ..Default::default()
        }))),
        Response::RoomMoved(RoomMovedResponse {
            room: Some(room),
            token: "token".into(),
            participant: Some(participant()),
            other_participants: vec![participant()],
        }),
        Response::MediaSectionsRequirement(MediaSectionsRequirement {
            num_audios: 1,
            num_videos: 2,
        }),
        Response::PublishDataTrack(response.clone()),
        Response::UnpublishDataTrack(response),
        Response::DataTrackSubscriberHandles(DataTrackSubscriberHandles {
            sub_handles: [(7, published)].into(),
        }),
        Response::StoreDataBlob(StoreDataBlobResponse { request_id: 1, key: blob().key }),
        Response::GetDataBlob(GetDataBlobResponse { request_id: 1, blob: Some(blob()) }),
    ]
}

fn description() -> SessionDescription {
    SessionDescription { r#type: "offer".into(), sdp: "v=0".into(), id: 3 }
}

fn leave() -> LeaveRequest {
    LeaveRequest {
        can_reconnect: true,
        reason: disconnect_reason::STATE_MISMATCH,
        action: leave_action::RECONNECT,
    }
}

fn sync_state() -> SyncState {
    SyncState {
        answer: Some(description()),
        data_channels: vec![DataChannelInfo {
            label: "_data_track".into(),
            id: 1,
            target: signal_target::SUBSCRIBER,
        }],
        offer: Some(description()),
        publish_data_tracks: vec![DataTrackResponse { info: Some(track()) }],
        data_subscription: Some(subscription()),
    }
}

fn subscription() -> UpdateDataSubscription {
    let update = DataSubscription { track_sid: "DTR_1".into(), subscribe: true };
    UpdateDataSubscription { updates: vec![update] }
}

fn publish_request() -> PublishDataTrackRequest {
    PublishDataTrackRequest {
        pub_handle: 7,
        name: "pose".into(),
        encryption: encryption::GCM,
        frame_encoding: Some(Encoding { value: Some(EncodingValue::WellKnown(3)) }),
        schema: Some(schema()),
    }
}

fn track() -> DataTrackInfo {
    DataTrackInfo {
        pub_handle: 7,
        sid: "DTR_1".into(),
        name: "pose".into(),
        encryption: encryption::GCM,
        frame_encoding: Some(Encoding { value: Some(EncodingValue::Custom("x".into())) }),
        schema: Some(schema()),
    }
}

fn schema() -> DataTrackSchemaId {
    DataTrackSchemaId {
        name: "Pose".into(),
        encoding: Some(Encoding { value: Some(EncodingValue::WellKnown(1)) }),
    }
}

fn blob() -> DataBlob {
    DataBlob {
        key: Some(DataBlobKey { key: Some(BlobKey::SchemaId(schema())) }),
        contents: b"text".to_vec(),
    }
}

fn participant() -> ParticipantInfo {
    ParticipantInfo {
        sid: "PA_1".into(),
        identity: "bob".into(),
        state: participant_state::ACTIVE,
        name: "Bob".into(),
        version: 4,
        permission: Some(ParticipantPermission {
            can_subscribe: true,
            can_publish: true,
            can_publish_data: true,
            hidden: true,
        }),
        is_publisher: true,
        disconnect_reason: disconnect_reason::DUPLICATE_IDENTITY,
        data_tracks: vec![track()],
    }
}
