//! A publisher that wants harm, or who sends in its name: frames without end are bounded, sealed ones that were changed or sent again are refused.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "kit/counting.rs"]
mod counting;
#[path = "kit/hostile.rs"]
mod hostile;
#[path = "kit/pair.rs"]
mod pair;

use bytes::Bytes;
use counting::live_bytes;
use datatracks::{signal::session, *};
use hostile::*;
use pair::Pair;

#[test]
fn frames_that_never_end_stay_within_the_budget() {
    let _alone = alone();
    let pair = Pair::new(false);
    let start = pair.packets_of(&vec![1; 40_000])[0].to_vec();
    let before = live_bytes();
    let mut most = 0;
    for number in 0..20_000_u32 {
        let mut packet = start.clone();
        packet[4..6].copy_from_slice(&((number * 7) as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&(number as u16).to_be_bytes());
        packet[0] = [0x10, 0x00, 0x08][number as usize % 3];
        pair.remote.handle_packet_received(&packet);
        most = most.max(live_bytes() - before);
    }
    assert!(most < 24 << 20, "{most} bytes at the most");
    let stats = pair.remote.tracks()[0].stats();
    assert!(stats.bytes_partial <= 8 << 20, "{stats:?}");
    assert_eq!(pair.remote.stats().panics, 0);
}

#[test]
fn endless_fragments_of_one_frame_stay_within_the_budget() {
    let _alone = alone();
    let pair = Pair::new(false);
    let start = pair.packets_of(&vec![1; 40_000])[0].to_vec();
    let before = live_bytes();
    for sequence in 0..=u16::MAX {
        let mut packet = start.clone();
        packet[4..6].copy_from_slice(&sequence.to_be_bytes());
        packet[6..8].copy_from_slice(&9_u16.to_be_bytes());
        packet[0] = if sequence == 0 { 0x10 } else { 0x00 };
        pair.remote.handle_packet_received(&packet);
    }
    assert!(live_bytes() - before < 24 << 20, "{} bytes", live_bytes() - before);
    assert!(pair.remote.tracks()[0].stats().bytes_partial <= 8 << 20);
}

#[test]
fn p4_sealed_frames_sent_again_under_new_numbers_are_refused() {
    let _alone = alone();
    let pair = Pair::new(true);
    let frames: Vec<_> =
        [10, 40_000].iter().map(|length| pair.packets_of(&vec![5; *length])).collect();
    frames.iter().flatten().for_each(|packet| pair.remote.handle_packet_received(packet));
    assert_eq!(
        (pair.read().payload.as_ref().len(), pair.read().payload.as_ref().len()),
        (10, 40_000)
    );
    let mut numbers = Numbers { sequence: 100, frame: 10 };
    for round in 1..=20 {
        frames.iter().for_each(|frame| pair.feed(&numbers.renumber(frame)));
        assert_eq!(pair.track_stats().frames_dropped_replayed, 2 * round);
    }
    // Nor does the SFU get round it by giving the track another handle.
    pair.remote.handle_signal_response(handles_from(9, 1, "DTR_measured")).unwrap();
    let moved = numbers.renumber(&frames[0]).into_iter().map(|packet| under_handle(packet, 9));
    pair.feed(&moved.collect::<Vec<_>>());
    assert_eq!(pair.track_stats().frames_dropped_replayed, 41);
    let stats = pair.stream.stats();
    assert_eq!((stats.frames_delivered, stats.frames_waiting), (3, 0), "with the pair's own");
}

#[test]
fn p4_a_sealed_frame_moved_to_a_plain_track_is_refused_and_opens_on_one_of_the_same_key() {
    let _alone = alone();
    let pair = Pair::new(true);
    let tracks = vec![
        secret(1, "measured", "DTR_measured"),
        secret(2, "secret", "DTR_secret"),
        track(3, "plain", "DTR_plain"),
    ];
    pair.remote.handle_signal_response(update(tracks)).unwrap();
    let known = pair.remote.tracks();
    let mut subscribing: Vec<_> =
        known[1..].iter().map(|track| Box::pin(track.subscribe(None))).collect();
    assert!(subscribing.iter_mut().all(|call| poll(call.as_mut()).is_none()));
    let sids = [(1, "DTR_measured"), (2, "DTR_secret"), (3, "DTR_plain")];
    pair.remote.handle_signal_response(handles_of(&sids)).unwrap();
    let streams: Vec<_> =
        subscribing.iter_mut().map(|call| poll(call.as_mut()).unwrap().unwrap()).collect();
    let packet = pair.packets_of(b"sealed")[0].to_vec();
    pair.feed(&[under_handle(packet.clone(), 3), under_handle(packet, 2)]);
    assert_eq!(known[2].stats().frames_dropped_encryption_mismatch, 1);
    assert_eq!(streams[1].stats(), StreamStats::default());
    // Nothing on this wire format says that it is not so: the threat model does.
    assert_eq!(streams[0].stats().frames_waiting, 1);
    assert_sound(&pair);
}

#[test]
fn p4_an_iv_of_another_size_never_opens() {
    let _alone = alone();
    let pair = Pair::new(true);
    let packet = pair.packets_of(b"sealed")[0].to_vec();
    let encryption = 12 + 2;
    assert_eq!(packet[encryption..encryption + 2], [1, 13], "the encryption extension");
    for length in (0..=13).chain([14, 255]) {
        let mut changed = packet.clone();
        changed[encryption + 1] = length;
        changed[6..8].copy_from_slice(&(100 + u16::from(length)).to_be_bytes());
        pair.feed(&[changed]);
    }
    let stats = pair.track_stats();
    let refused = stats.frames_dropped_encryption_mismatch
        + stats.frames_dropped_undecryptable
        + pair.remote.stats().packets_malformed;
    assert_eq!(refused, 14, "{stats:?}");
    assert_eq!(stats.frames_dropped_replayed, 1, "of 14 bytes the first 13 count: {stats:?}");
    assert_eq!(pair.stream.stats().frames_delivered + pair.stream.stats().frames_waiting, 2);
}

#[test]
fn endless_unknown_handles_hold_no_more_than_the_stash() {
    let _alone = alone();
    let pair = Pair::new(false);
    let packet = pair.packets_of(&[1; 12_000])[0].to_vec();
    let before = live_bytes();
    for round in 0..200_000_u32 {
        let handle = (2 + round % 65_000) as u16;
        pair.feed(&[under_handle(packet.clone(), handle)]);
    }
    let stats = pair.remote.stats();
    assert!(stats.bytes_stashed <= 256 << 10, "{stats:?}");
    assert!(live_bytes() - before < 1 << 20, "{} bytes", live_bytes() - before);
    assert_sound(&pair);
}

fn secret(handle: u32, name: &str, sid: &str) -> session::DataTrackInfo {
    session::DataTrackInfo { encryption: 1, ..track(handle, name, sid) }
}

/// Numbers that an adversary gives to packets: headers are not authenticated.
struct Numbers {
    sequence: u16,
    frame: u16,
}

impl Numbers {
    fn renumber(&mut self, frame: &[Bytes]) -> Vec<Vec<u8>> {
        let renumbered = frame.iter().map(|packet| {
            let mut packet = packet.to_vec();
            packet[4..6].copy_from_slice(&self.sequence.to_be_bytes());
            packet[6..8].copy_from_slice(&self.frame.to_be_bytes());
            self.sequence += 1;
            packet
        });
        let renumbered = renumbered.collect();
        self.frame += 1;
        renumbered
    }
}
