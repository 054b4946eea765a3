//! A publisher and a subscriber, what an SFU may tell them, and what that costs: one test at a time.
#![allow(dead_code, unreachable_pub)]

use std::{
    collections::BTreeMap,
    task::{Context, Poll, Waker},
};

use datatracks::signal::session::{self, Response};

pub use super::counting::alone;
use super::{counting::Counting, pair::Pair};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The pair still works: a frame pushed is a frame read.
pub fn assert_sound(pair: &Pair) {
    let packets = pair.packets_of(b"still here");
    for packet in &packets {
        pair.remote.handle_packet_received(packet);
    }
    let stats = (pair.local.stats(), pair.remote.stats());
    assert_eq!((stats.0.panics, stats.1.panics), (0, 0));
    assert!(pair.track.is_published());
}

pub fn track(handle: u32, name: &str, sid: &str) -> session::DataTrackInfo {
    session::DataTrackInfo {
        pub_handle: handle,
        sid: sid.into(),
        name: name.into(),
        ..Default::default()
    }
}

pub fn participant(
    identity: &str,
    data_tracks: Vec<session::DataTrackInfo>,
) -> session::ParticipantInfo {
    session::ParticipantInfo {
        sid: format!("PA_{identity}"),
        identity: identity.into(),
        state: 2,
        data_tracks,
        ..Default::default()
    }
}

pub fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub fn update(data_tracks: Vec<session::DataTrackInfo>) -> Vec<u8> {
    let publisher = participant("publisher", data_tracks);
    session::encode_response(Response::Update(session::ParticipantUpdate {
        participants: vec![publisher],
    }))
}

pub fn handles(count: u32, sid: &str) -> Vec<u8> {
    handles_from(1, count, sid)
}

pub fn handles_from(first: u32, count: u32, sid: &str) -> Vec<u8> {
    let sids: Vec<_> = (first..first + count).map(|handle| (handle, sid)).collect();
    handles_of(&sids)
}

pub fn handles_of(sids: &[(u32, &str)]) -> Vec<u8> {
    let track = |sid: &str| session::PublishedDataTrack {
        publisher_identity: "publisher".into(),
        track_sid: sid.into(),
        ..Default::default()
    };
    let sub_handles: BTreeMap<_, _> =
        sids.iter().map(|(handle, sid)| (*handle, track(sid))).collect();
    session::encode_response(Response::DataTrackSubscriberHandles(
        session::DataTrackSubscriberHandles { sub_handles },
    ))
}

pub fn under_handle(mut packet: Vec<u8>, handle: u16) -> Vec<u8> {
    packet[2..4].copy_from_slice(&handle.to_be_bytes());
    packet
}
