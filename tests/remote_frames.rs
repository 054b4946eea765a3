//! Frames out of packets that are late, early or doubled (P3): whatever can be reassembled is, once and in order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use datatracks::*;
use kit::chance::Chance;
use kit::frames::*;
use kit::subscriber::*;

fn p3_matrix(k: usize, length: usize, frames: u16, seed: u64) {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(4096));
    let mut chance = Chance::new(seed);
    let mut packets = Packets { sequence: 65_500, number: 65_530, ..Default::default() };
    // Number 0 would begin the stream without a wait; a start in the middle is the harder case.
    let sent: Vec<_> = (0..frames).map(|at| 65_530_u16.wrapping_add(at)).collect();
    let all = sent.iter().flat_map(|number| packets.frame(&payload(*number, length))).collect();
    subscriber.feed(shuffle(all, k, 1, &mut chance));
    subscriber.clock.advance(20 * MS);
    let read = read_all(&stream);
    assert_whole(&read, length);
    let numbers: Vec<_> = read.iter().map(|frame| frame.user_timestamp.unwrap() as u16).collect();
    assert_eq!(numbers, sent, "k = {k}, seed {seed}");
    let stats = subscriber.track("data").stats();
    assert_eq!(stats.bytes_partial, 0);
    assert_eq!(stats.packets_received - stats.packets_duplicate, packets_of(length, frames));
}

fn packets_of(length: usize, frames: u16) -> u64 {
    (length.div_ceil(15_976).max(1) * usize::from(frames)) as u64
}

#[test]
fn p3_whatever_can_be_reassembled_is() {
    for k in [0, 1, 4, 8, 64] {
        for seed in 0..4 {
            p3_matrix(k, 65_536, 200, seed);
        }
    }
}

#[test]
fn p3_small_frames_are_put_in_order_too() {
    for k in [1, 8, 64] {
        for length in [0, 1, 1_000, 16_000, 31_952] {
            p3_matrix(k, length, 300, k as u64);
        }
    }
}

#[test]
fn p3_what_follows_a_frame_whose_window_is_over_comes_with_it() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 100, ..options(16) });
    let mut packets = Packets::default();
    let frames: Vec<_> = (0..4).map(|number| packets.frame(&payload(number, 10))).collect();
    subscriber.feed([&frames[0], &frames[2]].into_iter().flatten());
    subscriber.clock.advance(60 * MS);
    subscriber.feed(&frames[3]);
    assert_eq!(read_numbers(&stream), [0]);
    subscriber.clock.advance(40 * MS);
    assert_eq!(read_numbers(&stream), [2, 3]);
}

#[test]
fn p3_packets_in_reverse_order_make_a_frame() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let mut packets = Packets::default();
    let mut all = packets.frame(&payload(0, 200_000));
    all.reverse();
    subscriber.feed(all);
    assert_whole(&read_all(&stream), 200_000);
    assert_eq!(stream.stats().frames_delivered, 1);
}

#[test]
fn p3_every_order_of_arrival_makes_the_frames() {
    let mut packets = Packets { mtu: 34, ..Default::default() };
    let sent: Vec<_> = (0..2).flat_map(|number| packets.frame(&payload(number, 25))).collect();
    assert_eq!(sent.len(), 6);
    for order in permutations(sent.len()) {
        let subscriber = Subscriber::new();
        let stream = subscriber.reading(options(16));
        subscriber.feed(order.iter().map(|at| &sent[*at]));
        let read = read_all(&stream);
        assert_whole(&read, 25);
        assert_eq!(
            read.iter().map(|f| f.user_timestamp.unwrap()).collect::<Vec<_>>(),
            [0, 1],
            "{order:?}"
        );
    }
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    if length == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(length - 1);
    let insert = |order: &Vec<usize>, at| {
        let mut order = order.clone();
        order.insert(at, length - 1);
        order
    };
    shorter.iter().flat_map(|order| (0..length).map(move |at| insert(order, at))).collect()
}

#[test]
fn p3_senders_may_cut_frames_as_they_like() {
    let mut chance = Chance::new(7);
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(1024));
    let mut sent = Vec::new();
    let mut packets = Packets::default();
    for number in 0..200_u16 {
        let lengths: Vec<_> = (0..2 + chance.below(8)).map(|_| chance.below(60)).collect();
        let whole = payload(number, lengths.iter().sum());
        let mut rest = &whole[..];
        let mut template = Packets { mtu: 25, ..packets.clone() }.frame(&vec![0; lengths.len()]);
        for (packet, length) in template.iter_mut().zip(&lengths) {
            let (piece, more) = rest.split_at(*length);
            packet.truncate(24);
            packet.extend_from_slice(piece);
            rest = more;
        }
        packets.sequence = packets.sequence.wrapping_add(lengths.len() as u16);
        packets.number += 1;
        sent.extend(template);
    }
    subscriber.feed(shuffle(sent, 16, 5, &mut chance));
    subscriber.clock.advance(20 * MS);
    let read = read_all(&stream);
    assert_eq!(read.len(), 200);
    for frame in read {
        let number = frame.user_timestamp.unwrap() as u16;
        assert_eq!(frame.payload.as_ref(), payload(number, frame.payload.as_ref().len()));
    }
}

#[test]
fn p3_a_frame_that_begins_again_elsewhere_is_another_one() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let begun = Packets { number: 5, ..Default::default() }.frame(&payload(4, 40_000));
    subscriber.feed(&begun[..2]);
    let again = Packets { number: 5, sequence: 100, ..Default::default() };
    subscriber.feed(again.clone().frame(&payload(5, 40_000)));
    subscriber.clock.advance(20 * MS);
    assert_whole(&read_all(&stream), 40_000);
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.frames_dropped_incomplete, stats.bytes_partial), (1, 0));
}

#[test]
fn p3_a_pause_within_the_window_is_no_new_beginning() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 10_000, ..options(16) });
    let mut packets = Packets::default();
    let frames: Vec<_> = (0..3).map(|number| packets.frame(&payload(number, 10))).collect();
    subscriber.feed(frames[0].iter().chain(&frames[2]));
    subscriber.clock.advance(5_000 * MS);
    subscriber.feed(&frames[1]);
    assert_eq!(read_numbers(&stream), [0, 1, 2]);
}

#[test]
fn p3_the_packets_of_a_frame_may_be_as_far_apart_as_the_window_is_long() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 10_000, ..options(16) });
    let mut packets = Packets::default();
    let frame = packets.frame(&payload(0, 40_000));
    subscriber.feed(&frame[..1]);
    subscriber.clock.advance(9_000 * MS);
    subscriber.feed(&frame[1..]);
    assert_eq!(read_numbers(&stream), [0]);
}

#[test]
fn p3_without_a_window_frames_come_at_once() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 0, ..options(16) });
    let mut packets = Packets { number: 500, ..Default::default() };
    let frames: Vec<_> = (500..503).map(|number| packets.frame(&payload(number, 10))).collect();
    subscriber.feed([&frames[0], &frames[2], &frames[1]].into_iter().flatten());
    assert_eq!(read_numbers(&stream), [500, 502]);
    assert_eq!(stream.stats().frames_late, 1);
}

#[test]
fn frame_numbers_that_moved_on_during_an_outage_are_followed() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&payload(0, 10)));
    subscriber.clock.advance(5_000 * MS);
    packets.number = 40_000;
    packets.sequence = 12_345;
    subscriber.feed(packets.frame(&payload(40_000, 10)));
    subscriber.feed(packets.frame(&payload(40_001, 10)));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [0, 40_000, 40_001]);
    // Without a silence the second frame in a row from there tells that it is no stray.
    packets.number = 10_000;
    for number in 10_000..10_003 {
        subscriber.feed(packets.frame(&payload(number, 10)));
    }
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [10_001, 10_002]);
    assert_eq!(stream.stats().frames_late, 0);
}

#[test]
fn a_sender_that_begins_anew_after_a_silence_is_followed_from_its_second_frame_on() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    let mut packets = Packets::default();
    (0..10).for_each(|number| subscriber.feed(packets.frame(&payload(number, 40_000))));
    subscriber.clock.advance(2_100 * MS);
    let mut anew = Packets::default();
    (0..10).for_each(|number| subscriber.feed(anew.frame(&payload(number, 40_000))));
    subscriber.clock.advance(20 * MS);
    let numbers: Vec<_> = (0..10).chain(1..10).collect();
    assert_eq!(read_numbers(&stream), numbers);
}

#[test]
fn each_stream_keeps_frames_as_its_policy_says() {
    let subscriber = Subscriber::new();
    let policy = |buffer_policy| DataTrackSubscribeOptions { buffer_policy, ..options(3) };
    let oldest = subscriber.reading(policy(BufferPolicy::DropOldest));
    let newest = kit::task::poll_once(
        subscriber.track("data").subscribe_with_options(policy(BufferPolicy::DropNewest), None),
    );
    let latest = kit::task::poll_once(
        subscriber.track("data").subscribe_with_options(policy(BufferPolicy::LatestOnly), None),
    );
    let (newest, latest) = (newest.unwrap().unwrap(), latest.unwrap().unwrap());
    assert_eq!(subscriber.host.take(), [], "the SFU sees one subscription");
    let mut packets = Packets::default();
    (0..5).for_each(|number| subscriber.feed(packets.frame(&payload(number, 10))));
    for (stream, expected) in [(oldest, &[2, 3, 4][..]), (newest, &[0, 1, 2]), (latest, &[4])] {
        let waiting = stream.stats();
        assert_eq!(waiting.frames_waiting + waiting.frames_dropped_full, 5);
        assert_eq!(read_numbers(&stream), expected);
        assert_eq!(stream.stats().frames_delivered, expected.len() as u64);
    }
}

#[test]
fn p3_a_single_stray_packet_changes_nothing() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&payload(0, 10)));
    let halves = packets.frame(&payload(1, 20_000));
    subscriber.feed(&halves[..1]);
    subscriber.feed(Packets { number: 40_000, ..Default::default() }.frame(&payload(9, 10)));
    subscriber.feed(&halves[1..]);
    subscriber.feed(packets.frame(&payload(2, 10)));
    assert_eq!(read_numbers(&stream), [0, 1, 2]);
    assert_eq!(subscriber.track("data").stats().packets_dropped, 1);
}

#[test]
fn p3_a_frame_that_makes_progress_is_not_given_up() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    for packet in Packets::default().frame(&payload(0, 60_000)) {
        subscriber.feed([packet]);
        subscriber.clock.advance(1_500 * MS);
    }
    assert_whole(&read_all(&stream), 60_000);
    assert_eq!(stream.stats().frames_delivered, 1);
}

#[test]
fn the_same_snapshot_again_begins_nothing_anew() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    let packets = Packets::default().frame(&payload(0, 40_000));
    subscriber.feed(&packets[..1]);
    subscriber.handles(&[(7, "DTR_1")]);
    subscriber.feed(&packets[1..]);
    assert_whole(&read_all(&stream), 40_000);
    assert_eq!(stream.stats().frames_delivered, 1);
}
