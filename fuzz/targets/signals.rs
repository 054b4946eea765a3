//! Messages of an SFU, well made and not, to every entry of both managers: each takes effect, or is refused; both stay sound.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use datatracks::*;
use datatracks_fuzz::{
    kit::subscriber::{Subscriber, encode, handles, participant, permission, track},
    publisher::{Rig, assert_adds_up},
};
use libfuzzer_sys::fuzz_target;
use livekit_protocol::{self as livekit, signal_response::Message as Response};

#[derive(Arbitrary, Debug)]
enum Message {
    Bytes(Vec<u8>),
    Join(Vec<Participant>),
    Update(Vec<Participant>),
    Handles(Vec<(u32, u8)>),
    Published(Track),
    Unpublished(Track),
    Refused { code: i8, handle: u32, of: u8 },
    Permission { sid: u8, allowed: bool },
}

#[derive(Arbitrary, Debug)]
struct Participant {
    who: u8,
    state: u8,
    reason: u8,
    session: u8,
    tracks: Vec<Track>,
}

#[derive(Arbitrary, Debug)]
struct Track {
    handle: u32,
    sid: u8,
    name: u8,
    encryption: u8,
}

fuzz_target!(|messages: Vec<Message>| {
    let rig = Rig::new();
    let ours = rig.track("0");
    let mut waiting = rig.publishing(DataTrackOptions::new("1"));
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "0")])]);
    let theirs = subscriber.track("0").clone();
    let subscribing = subscriber.subscribe("0", DataTrackSubscribeOptions::default());
    for message in messages {
        hand_in(&rig, &subscriber, bytes(message));
    }
    let _ = ours.try_push_bytes(b"still");
    assert_adds_up(&ours);
    let local = rig.manager.stats();
    let remote = subscriber.manager.stats();
    assert_eq!((local.panics, local.delegate_errors), (0, 0));
    assert_eq!((remote.panics, remote.delegate_errors), (0, 0));
    assert_eq!(local.tracks_published as usize, rig.manager.tracks().len());
    assert_eq!(remote.tracks_published as usize, subscriber.manager.tracks().len());
    rig.manager.shutdown();
    subscriber.manager.shutdown();
    assert!(waiting.look(), "a publish outlives its manager");
    assert!(!ours.is_published() && !theirs.is_published());
    let clock = rig.environment.clone();
    drop((rig, waiting, ours, subscriber, subscribing));
    // What dropped managers leave to the deadline thread.
    clock.advance(Duration::ZERO);
});

fn hand_in(rig: &Rig, subscriber: &Subscriber, bytes: Vec<u8>) {
    let (local, remote) = (&rig.manager, &subscriber.manager);
    let any = [
        local.handle_signal_response(bytes.clone()).map(drop),
        remote.handle_signal_response(bytes.clone()).map(drop),
    ];
    let named = [
        local.handle_sfu_publish_response(bytes.clone()),
        local.handle_sfu_unpublish_response(bytes.clone()),
        local.handle_sfu_request_response(bytes.clone()),
        local.handle_sfu_participant_update(bytes.clone()),
        remote.handle_sfu_join_response(bytes.clone()),
        remote.handle_sfu_participant_update(bytes.clone(), "me".into()),
        remote.handle_sfu_subscriber_handles(bytes),
    ];
    assert!(any.into_iter().chain(named).all(|answer| answer != Err(SignalError::Closed)));
}

fn bytes(message: Message) -> Vec<u8> {
    encode(match message {
        Message::Bytes(bytes) => return bytes,
        Message::Join(others) => Response::Join(livekit::JoinResponse {
            participant: Some(participant("me", vec![])),
            other_participants: others.into_iter().map(Participant::info).collect(),
            ..Default::default()
        }),
        Message::Update(participants) => Response::Update(livekit::ParticipantUpdate {
            participants: participants.into_iter().map(Participant::info).collect(),
        }),
        Message::Handles(pairs) => {
            let sids: Vec<_> = pairs.iter().map(|(handle, of)| (*handle, sid(*of))).collect();
            let pairs: Vec<_> = sids.iter().map(|(handle, sid)| (*handle, sid.as_str())).collect();
            handles(&pairs)
        }
        Message::Published(track) => {
            Response::PublishDataTrackResponse(livekit::PublishDataTrackResponse {
                info: Some(track.info()),
            })
        }
        Message::Unpublished(track) => {
            Response::UnpublishDataTrackResponse(livekit::UnpublishDataTrackResponse {
                info: Some(track.info()),
            })
        }
        Message::Refused { code, handle, of } => refusal(code, handle, of),
        Message::Permission { sid: of, allowed } => permission(&sid(of), allowed),
    })
}

fn refusal(code: i8, handle: u32, of: u8) -> Response {
    use livekit::request_response::Request;
    let request = match of % 3 {
        0 => None,
        1 => Some(Request::PublishDataTrack(livekit::PublishDataTrackRequest {
            pub_handle: handle,
            ..Default::default()
        })),
        _ => Some(Request::UnpublishDataTrack(livekit::UnpublishDataTrackRequest {
            pub_handle: handle,
        })),
    };
    Response::RequestResponse(livekit::RequestResponse {
        request_id: handle,
        reason: code.into(),
        message: "no".into(),
        request,
    })
}

impl Participant {
    fn info(self) -> livekit::ParticipantInfo {
        let identity = ["bob", "eve", "me", "alice", ""][usize::from(self.who) % 5];
        livekit::ParticipantInfo {
            sid: format!("PA_{identity}_{}", self.session % 4),
            state: (self.state % 6).into(),
            disconnect_reason: (self.reason % 16).into(),
            ..participant(identity, self.tracks.into_iter().map(Track::info).collect())
        }
    }
}

impl Track {
    fn info(self) -> livekit::DataTrackInfo {
        let mut info = track(self.handle, &sid(self.sid), &(self.name % 8).to_string());
        info.encryption = self.encryption.into();
        info
    }
}

/// Few enough to meet again; some are none.
fn sid(number: u8) -> String {
    match number % 8 {
        0 => String::new(),
        number => format!("DTR_{number}"),
    }
}
