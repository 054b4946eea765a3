//! One conversation with a room, written once and held with the embedded SFU and with livekit-server.
//!
//! Each step says what must come back; everything that came back is in the [`Transcript`], so that two rooms can be compared.

use std::time::Duration;

use datatracks::{
    host::plain::Permissions,
    signal::{RefusalReason, session::*},
};

use super::transcript::Transcript;

/// A room with participants, one connection each.
pub trait Room {
    /// Joins, as a new session; an earlier connection of this identity is given up.
    fn join(&mut self, identity: &str, permissions: Permissions);
    /// Comes back to the same session over a new connection.
    fn resume(&mut self, identity: &str);
    /// Changes what a participant may do, as a room's administrator.
    fn permit(&mut self, identity: &str, permissions: Permissions);
    /// Sends a request.
    fn send(&mut self, identity: &str, request: Request);
    /// The next message, if one comes within `wait`.
    fn receive(&mut self, identity: &str, wait: Duration) -> Option<Response>;
}

/// Holds the conversation.
pub fn run(room: impl Room) -> Transcript {
    let mut script = Script { room, transcript: Transcript::default(), step: "" };
    script.join_three();
    let imu = script.publish_two();
    script.refuse_publications();
    script.subscribe_and_unsubscribe(&imu);
    script.keep_alive();
    script.schemas();
    script.unpublish_while_subscribed();
    script.resume_and_sync();
    let gps = script.join_anew();
    script.revoke(&gps);
    script.restrict_readers();
    script.leave();
    script.transcript
}

struct Script<R> {
    room: R,
    transcript: Transcript,
    step: &'static str,
}

impl<R: Room> Script<R> {
    fn join_three(&mut self) {
        self.step = "join";
        for (identity, permissions) in [
            ("alice", Permissions::default()),
            ("bob", Permissions::default()),
            ("carol", NO_PERMISSIONS),
        ] {
            self.room.join(identity, permissions);
            self.wait(identity, |response| matches!(response, Response::Join(_)));
        }
        for identity in EVERYBODY {
            self.wait_for_tracks(identity, "carol", &[]);
        }
    }

    fn publish_two(&mut self) -> String {
        self.step = "publish";
        let imu = self.publish("alice", 1, "imu");
        for identity in EVERYBODY {
            self.wait_for_tracks(identity, "alice", &["imu"]);
        }
        self.publish("alice", 65_535, "gps");
        for identity in ["bob", "carol"] {
            self.wait_for_tracks(identity, "alice", &["gps", "imu"]);
        }
        imu
    }

    fn refuse_publications(&mut self) {
        self.step = "refuse";
        use RefusalReason as Reason;
        let custom = |id: &str| Encoding { value: Some(EncodingValue::Custom(id.into())) };
        let encoded = |id: &str| PublishDataTrackRequest {
            frame_encoding: Some(custom(id)),
            ..track(9, "x")
        };
        let schema = DataTrackSchemaId { name: "S".into(), encoding: Some(custom("")) };
        let cases = [
            (track(1, "other"), Reason::DuplicateHandle),
            (track(3, "imu"), Reason::DuplicateName),
            (track(0, "imu"), Reason::InvalidHandle),
            (track(65_536, "x"), Reason::InvalidHandle),
            (track(1, ""), Reason::InvalidName),
            (track(3, &"x".repeat(257)), Reason::InvalidName),
            (encoded(""), Reason::InvalidRequest),
            (encoded(&"x".repeat(33)), Reason::InvalidRequest),
            (
                PublishDataTrackRequest { schema: Some(schema), ..track(9, "x") },
                Reason::InvalidRequest,
            ),
        ];
        for (request, reason) in cases {
            self.room.send("alice", Request::PublishDataTrack(request.clone()));
            let echo = EchoedRequest::PublishDataTrack(request);
            self.wait_for_refusal("alice", reason, Some(echo));
        }
        self.room.send("carol", Request::PublishDataTrack(track(0, "")));
        let echo = EchoedRequest::PublishDataTrack(track(0, ""));
        self.wait_for_refusal("carol", Reason::NotAllowed, Some(echo));
        let unpublish = UnpublishDataTrackRequest { pub_handle: 77 };
        self.room.send("alice", Request::UnpublishDataTrack(unpublish));
        let echo = EchoedRequest::UnpublishDataTrack(unpublish);
        self.wait_for_refusal("alice", Reason::NotFound, Some(echo));
    }

    fn subscribe_and_unsubscribe(&mut self, imu: &str) {
        self.step = "subscribe";
        self.subscribe("bob", imu, true);
        self.wait_for_handles("bob", 1);
        self.subscribe("bob", imu, true);
        self.expect_silence("bob");
        self.subscribe("bob", imu, false);
        self.wait_for_handles("bob", 0);
        self.subscribe("bob", imu, true);
        self.wait_for_handles("bob", 1);
        self.step = "subscribe without permission";
        self.subscribe("carol", imu, true);
        self.expect_silence("carol");
        self.step = "subscribe to an unknown track";
        self.subscribe("bob", "DTR_unknown", true);
        self.expect_silence("bob");
    }

    fn keep_alive(&mut self) {
        self.step = "ping";
        self.room.send("bob", Request::PingReq(Ping { timestamp: 5, rtt: 2 }));
        self.wait("bob", |response| {
            matches!(response, Response::PongResp(pong) if pong.last_ping_timestamp == 5)
        });
        self.room.send("bob", Request::Ping(7));
        self.wait("bob", |response| matches!(response, Response::Pong(_)));
    }

    fn schemas(&mut self) {
        self.step = "schemas";
        use RefusalReason as Reason;
        self.store(1, Some(key("S")), b"first");
        self.wait("alice", |response| matches!(response, Response::StoreDataBlob(_)));
        self.store(2, Some(key("S")), b"second");
        self.wait("alice", |response| matches!(response, Response::StoreDataBlob(_)));
        let large = vec![0; 64_001];
        for (request_id, key, contents, reason) in [
            (3, Some(key("S")), &b""[..], Reason::InvalidRequest),
            (4, None, b"x", Reason::InvalidRequest),
            (5, Some(key(&"x".repeat(257))), b"x", Reason::InvalidRequest),
            (6, Some(key("T")), &large, Reason::LimitExceeded),
        ] {
            self.store(request_id, key, contents);
            self.wait_for_refusal("alice", reason, None);
        }
        self.find(7, "alice", Some(key("S")));
        self.wait("bob", |response| {
            matches!(response, Response::GetDataBlob(found)
                if found.blob.as_ref().is_some_and(|blob| blob.contents == b"second"))
        });
        for (request_id, identity, key, reason) in [
            (8, "alice", Some(key("T")), Reason::NotFound),
            (9, "nobody", Some(key("S")), Reason::NotFound),
            (10, "alice", None, Reason::InvalidRequest),
        ] {
            self.find(request_id, identity, key);
            self.wait_for_refusal("bob", reason, None);
        }
    }

    fn unpublish_while_subscribed(&mut self) {
        self.step = "unpublish";
        let request = UnpublishDataTrackRequest { pub_handle: 1 };
        self.room.send("alice", Request::UnpublishDataTrack(request));
        self.wait("alice", |response| matches!(response, Response::UnpublishDataTrack(_)));
        for identity in ["bob", "carol"] {
            self.wait_for_tracks(identity, "alice", &["gps"]);
        }
        self.wait_for_handles("bob", 0);
    }

    fn resume_and_sync(&mut self) {
        self.step = "resume";
        self.room.resume("alice");
        self.wait("alice", |response| matches!(response, Response::Reconnect(_)));
        self.wait_for_tracks("alice", "alice", &["gps"]);
        self.step = "sync state";
        let gps = self.transcript.sid("gps");
        self.sync_state(&[]);
        self.sync_state(&[&gps]);
        self.room.send("alice", Request::PingReq(Ping { timestamp: 6, rtt: 2 }));
        self.wait("alice", |response| matches!(response, Response::PongResp(_)));
        self.step = "wrong sync state";
        self.sync_state(&[&gps, "DTR_unknown"]);
        self.wait("alice", wants_reconnect);
        for identity in ["bob", "carol"] {
            self.wait_for_update(identity, "alice", |alice| {
                alice.state == participant_state::DISCONNECTED
            });
        }
        self.step = "resume too late";
        self.room.resume("alice");
        self.wait("alice", wants_reconnect);
    }

    /// Returns the SID of `gps`.
    fn join_anew(&mut self) -> String {
        self.step = "full reconnect";
        self.room.join("alice", Permissions::default());
        self.wait("alice", |response| matches!(response, Response::Join(_)));
        for identity in EVERYBODY {
            self.wait_for_tracks(identity, "alice", &[]);
        }
        self.publish_to_all()
    }

    fn revoke(&mut self, gps: &str) {
        self.subscribe("bob", gps, true);
        self.wait_for_handles("bob", 1);
        self.step = "revoke";
        self.room
            .permit("alice", Permissions { can_publish_data: false, ..Permissions::default() });
        for identity in EVERYBODY {
            self.wait_for_update(identity, "alice", |alice| {
                alice.data_tracks.is_empty()
                    && alice.permission.as_ref().is_some_and(|may| !may.can_publish_data)
            });
        }
        self.wait_for_handles("bob", 0);
        self.room.send("alice", Request::PublishDataTrack(track(2, "gps")));
        let echo = EchoedRequest::PublishDataTrack(track(2, "gps"));
        self.wait_for_refusal("alice", RefusalReason::NotAllowed, Some(echo));
        self.step = "grant";
        self.room.permit("alice", Permissions::default());
        for identity in EVERYBODY {
            self.wait_for_update(identity, "alice", |alice| {
                alice.permission.as_ref().is_some_and(|may| may.can_publish_data)
            });
        }
    }

    /// Last: livekit-server may forget to say that a track has ended to a reader who lost the permission and got it back.
    fn restrict_readers(&mut self) {
        let gps = self.publish_to_all();
        self.subscribe("bob", &gps, true);
        self.wait_for_handles("bob", 1);
        self.step = "restrict readers";
        self.permit_readers("alice", false, vec![]);
        self.wait_for_handles("bob", 0);
        self.wait_for_permission("bob", false);
        let bob = TrackPermission {
            participant_identity: "bob".into(),
            track_sids: vec![gps],
            ..TrackPermission::default()
        };
        self.permit_readers("alice", false, vec![bob]);
        self.wait_for_permission("bob", true);
        self.wait_for_handles("bob", 1);
    }

    /// Publishes `gps`, waits until everybody knows, and returns the SID.
    fn publish_to_all(&mut self) -> String {
        let gps = self.publish("alice", 2, "gps");
        for identity in EVERYBODY {
            self.wait_for_tracks(identity, "alice", &["gps"]);
        }
        gps
    }

    fn leave(&mut self) {
        self.step = "leave";
        let leave =
            LeaveRequest { reason: disconnect_reason::CLIENT_INITIATED, ..LeaveRequest::default() };
        self.room.send("alice", Request::Leave(leave));
        self.wait("alice", |response| {
            matches!(response, Response::Leave(leave) if leave.action == leave_action::DISCONNECT)
        });
        for identity in ["bob", "carol"] {
            self.wait_for_update(identity, "alice", |alice| {
                alice.state == participant_state::DISCONNECTED && alice.data_tracks.is_empty()
            });
        }
    }

    /// Publishes and returns the SID.
    fn publish(&mut self, identity: &str, handle: u32, name: &str) -> String {
        self.room.send(identity, Request::PublishDataTrack(track(handle, name)));
        self.wait(identity, |response| {
            matches!(response, Response::PublishDataTrack(published)
                if published.info.as_ref().is_some_and(|info| info.pub_handle == handle))
        });
        self.transcript.sid(name)
    }

    fn subscribe(&mut self, identity: &str, track_sid: &str, subscribe: bool) {
        let update = DataSubscription { track_sid: track_sid.to_owned(), subscribe };
        let request = UpdateDataSubscription { updates: vec![update] };
        self.room.send(identity, Request::UpdateDataSubscription(request));
    }

    fn permit_readers(&mut self, identity: &str, all: bool, listed: Vec<TrackPermission>) {
        let request = SubscriptionPermission { all_participants: all, track_permissions: listed };
        self.room.send(identity, Request::SubscriptionPermission(request));
    }

    fn store(&mut self, request_id: u32, key: Option<DataBlobKey>, contents: &[u8]) {
        let blob = Some(DataBlob { key, contents: contents.to_vec() });
        self.room.send("alice", Request::StoreDataBlob(StoreDataBlobRequest { request_id, blob }));
    }

    fn find(&mut self, request_id: u32, identity: &str, key: Option<DataBlobKey>) {
        let participant_identity = identity.to_owned();
        let request = GetDataBlobRequest { request_id, participant_identity, key };
        self.room.send("bob", Request::GetDataBlob(request));
    }

    fn sync_state(&mut self, sids: &[&str]) {
        let response = |sid: &&str| DataTrackResponse {
            info: Some(DataTrackInfo { sid: (*sid).to_owned(), ..DataTrackInfo::default() }),
        };
        let publish_data_tracks = sids.iter().map(response).collect();
        let state = SyncState { publish_data_tracks, ..SyncState::default() };
        self.room.send("alice", Request::SyncState(state));
    }

    fn wait_for_tracks(&mut self, identity: &str, about: &str, names: &[&str]) {
        self.wait_for_update(identity, about, |participant| {
            let mut tracks: Vec<_> =
                participant.data_tracks.iter().map(|t| t.name.as_str()).collect();
            tracks.sort_unstable();
            tracks == names
        });
    }

    fn wait_for_update(
        &mut self,
        identity: &str,
        about: &str,
        mut good: impl FnMut(&ParticipantInfo) -> bool,
    ) {
        self.wait(identity, |response| {
            matches!(response, Response::Update(update) if update.participants.iter()
                .any(|participant| participant.identity == about && good(participant)))
        });
    }

    fn wait_for_refusal(
        &mut self,
        identity: &str,
        reason: RefusalReason,
        echo: Option<EchoedRequest>,
    ) {
        self.wait(identity, |response| {
            matches!(response, Response::RequestResponse(refusal)
                if refusal.reason == reason.code() && refusal.request == echo)
        });
    }

    fn wait_for_handles(&mut self, identity: &str, count: usize) {
        self.wait(identity, |response| {
            matches!(response, Response::DataTrackSubscriberHandles(handles)
                if handles.sub_handles.len() == count)
        });
    }

    fn wait_for_permission(&mut self, identity: &str, allowed: bool) {
        self.wait(identity, |response| {
            matches!(response, Response::SubscriptionPermissionUpdate(update)
                if update.allowed == allowed)
        });
    }

    fn wait(&mut self, identity: &str, mut good: impl FnMut(&Response) -> bool) {
        loop {
            let Some(response) = self.room.receive(identity, PATIENCE) else {
                panic!("{}: {identity} waits in vain\n{}", self.step, self.transcript);
            };
            self.transcript.record(identity, &response);
            if good(&response) {
                return;
            }
        }
    }

    /// What comes now is about something else: no answer to a subscription.
    fn expect_silence(&mut self, identity: &str) {
        while let Some(response) = self.room.receive(identity, SILENCE) {
            self.transcript.record(identity, &response);
            let is_answer = matches!(
                response,
                Response::DataTrackSubscriberHandles(_)
                    | Response::SubscriptionPermissionUpdate(_)
                    | Response::RequestResponse(_)
            );
            assert!(!is_answer, "{}: {identity} was told {response:?}", self.step);
        }
    }
}

fn wants_reconnect(response: &Response) -> bool {
    matches!(response, Response::Leave(leave)
        if leave.action == leave_action::RECONNECT
            && leave.reason == disconnect_reason::STATE_MISMATCH)
}

fn track(pub_handle: u32, name: &str) -> PublishDataTrackRequest {
    PublishDataTrackRequest { pub_handle, name: name.into(), ..PublishDataTrackRequest::default() }
}

fn key(name: &str) -> DataBlobKey {
    let encoding = Some(Encoding { value: Some(EncodingValue::WellKnown(1)) });
    let id = DataTrackSchemaId { name: name.into(), encoding };
    DataBlobKey { key: Some(BlobKey::SchemaId(id)) }
}

const NO_PERMISSIONS: Permissions =
    Permissions { can_publish_data: false, can_subscribe: false, hidden: false };

const EVERYBODY: [&str; 3] = ["alice", "bob", "carol"];

/// livekit-server batches updates for 3 s and looks at subscriptions every 3 s (protocol §7).
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than livekit-server takes for an answer that it gives.
const SILENCE: Duration = Duration::from_millis(400);
