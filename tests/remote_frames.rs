//! What becomes of packets that are late, early, doubled or lost (P3), and of frames that wait.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod hex;
mod kit;

use datatracks::*;
use kit::chance::Chance;
use kit::subscriber::*;

/// Bytes that tell frame and position.
fn payload(number: u16, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u16).wrapping_mul(31).wrapping_add(number) as u8).collect()
}

fn assert_whole(frames: &[DataTrackFrame], length: usize) {
    for frame in frames {
        let number = u16::try_from(frame.user_timestamp.unwrap()).unwrap();
        assert!(frame.payload.as_ref() == payload(number, length), "frame {number} is damaged");
    }
}

/// Puts packets out of order: each at most `k` places later than it was sent, some of them twice.
fn shuffle(
    packets: Vec<Vec<u8>>,
    k: usize,
    doubled_percent: usize,
    chance: &mut Chance,
) -> Vec<Vec<u8>> {
    let mut keyed = Vec::new();
    for (at, packet) in packets.into_iter().enumerate() {
        if chance.below(100) < doubled_percent {
            keyed.push((at + chance.below(k + 1), packet.clone()));
        }
        keyed.push((at + chance.below(k + 1), packet));
    }
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, packet)| packet).collect()
}

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
fn p3_a_lost_packet_costs_its_frame_and_delays_the_next_by_the_window() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&payload(0, 50_000)));
    let mut holed = packets.frame(&payload(1, 50_000));
    let missing = holed.remove(1);
    subscriber.feed(holed);
    subscriber.feed(packets.frame(&payload(2, 50_000)));
    assert_eq!(read_numbers(&stream), [0]);
    subscriber.clock.advance(20 * MS - TICK);
    assert_eq!(read_numbers(&stream), [] as [u64; 0], "one tick early");
    subscriber.clock.advance(TICK);
    assert_eq!(read_numbers(&stream), [2]);
    let track = subscriber.track("data");
    assert_eq!(track.stats().frames_dropped_incomplete, 0, "may still be completed");
    assert!(track.stats().bytes_partial >= 3 * 15_976);
    subscriber.clock.advance(2000 * MS);
    assert_eq!(track.stats().frames_dropped_incomplete, 1);
    assert_eq!((track.stats().bytes_partial, track.stats().packets_dropped), (0, 3));
    subscriber.feed(packets.frame(&payload(3, 10)));
    subscriber.feed([missing]);
    assert_eq!((track.stats().bytes_partial, track.stats().packets_dropped), (0, 4), "too late");
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
    assert_eq!(subscriber.track("data").stats().frames_dropped_incomplete, 1);
}

#[test]
fn p10_incomplete_frames_hold_no_more_than_the_reader_allows() {
    let subscriber = Subscriber::new();
    let limit = 400_000;
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { max_partial_bytes: limit, ..options(16) });
    let track = subscriber.track("data");
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&payload(0, 300_000)));
    assert_eq!(read_numbers(&stream), [0]);
    subscriber.feed(&packets.frame(&payload(1, 20_000))[..1]);
    let held = track.stats().bytes_partial;
    assert!(held <= limit / 4, "{held}: the next frame need not be as large as the last one");
    for number in 2..20 {
        subscriber.feed(&packets.frame(&payload(number, 100_000))[1..]);
        assert!(track.stats().bytes_partial <= limit);
    }
    assert!(track.stats().frames_dropped_budget > 10);
    stream.shutdown();
    assert_eq!(track.stats().bytes_partial, 0);
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
fn late_frames_take_no_room() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 0, ..options(16) });
    let mut packets = Packets::default();
    let late: Vec<_> = (0..64).map(|_| packets.frame(&vec![0; 1 << 20])).collect();
    subscriber.feed(packets.frame(b"first"));
    subscriber.feed(late.into_iter().flatten());
    subscriber.feed(packets.frame(&vec![0; 1 << 20]));
    assert_eq!(read_numbers(&stream), [64, 65]);
    assert_eq!(stream.stats().frames_late, 64);
}

#[test]
fn a_part_that_turns_out_to_be_of_no_frame_is_counted() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let strange = Packets { sequence: 7, ..Default::default() }.frame(&payload(0, 40_000));
    subscriber.feed(&strange[1..2]);
    subscriber.feed(Packets { sequence: 20, ..Default::default() }.frame(&payload(0, 40_000)));
    subscriber.clock.advance(20 * MS);
    assert_whole(&read_all(&stream), 40_000);
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.packets_received, stats.frames_completed), (4, 1));
    assert_eq!((stats.packets_dropped, stats.packets_duplicate), (1, 0));
}

#[test]
fn a_late_frame_costs_no_other_its_place_without_memory() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { reorder_window_ms: 0, ..options(65_536) });
    let mut packets = Packets::default();
    let late = packets.frame(&vec![0; 1 << 20]);
    (0..63).for_each(|_| subscriber.feed(packets.frame(&vec![0; 1 << 20])));
    subscriber.feed(late);
    let stats = stream.stats();
    assert_eq!((stats.frames_late, stats.frames_dropped_full), (1, 0));
    assert_eq!(read_numbers(&stream), (1..64).collect::<Vec<_>>());
}

#[test]
fn p10_without_memory_each_policy_keeps_what_it_says() {
    // Frame 0 is missing, so that with a window all of them are held.
    for (buffer_policy, reorder_window_ms, first) in
        [(BufferPolicy::DropOldest, 10_000, 8), (BufferPolicy::DropNewest, 0, 1)]
    {
        let subscriber = Subscriber::new();
        let stream = subscriber.reading(DataTrackSubscribeOptions {
            buffer_policy,
            reorder_window_ms,
            ..options(65_536)
        });
        let mut packets = Packets { number: 1, ..Default::default() };
        (0..70).for_each(|_| subscriber.feed(packets.frame(&vec![0; 1 << 20])));
        subscriber.clock.advance(10_000 * MS);
        assert_eq!(read_numbers(&stream), (first..first + 63).collect::<Vec<_>>());
        assert_eq!(stream.stats().frames_dropped_full, 7);
    }
}

#[test]
fn p3_a_frame_after_its_window_is_late_and_one_without_a_gap_waits_for_nothing() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let mut packets = Packets::default();
    let frames: Vec<_> = (0..4).map(|number| packets.frame(&payload(number, 10))).collect();
    subscriber.feed(&frames[0]);
    subscriber.feed(&frames[2]);
    subscriber.clock.advance(20 * MS);
    subscriber.feed(&frames[1]);
    subscriber.feed(&frames[3]);
    assert_eq!(read_numbers(&stream), [0, 2, 3]);
    assert_eq!(stream.stats().frames_late, 1);
    // The publisher dropped frames 4 to 6 before they became packets: no packet is missing.
    packets.number = 7;
    subscriber.feed(packets.frame(&payload(7, 10)));
    assert_eq!(read_numbers(&stream), [7]);
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
fn p3_duplicates_are_dropped_however_late() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(4096));
    let mut packets = Packets::default();
    let first = packets.frame(&payload(0, 40_000));
    subscriber.feed(&first);
    subscriber.feed(&first);
    for number in 1..1_000 {
        subscriber.feed(packets.frame(&payload(number, 10)));
    }
    subscriber.feed(&first);
    assert_eq!(read_all(&stream).len(), 1_000);
    assert_eq!(subscriber.track("data").stats().packets_duplicate, 6);
    subscriber.clock.advance(24 * 3600 * 1000 * MS);
    subscriber.feed(packets.frame(&payload(1_000, 10)));
    subscriber.feed(packets.frame(&payload(1_001, 10)));
    assert_eq!(read_numbers(&stream), [1_000, 1_001], "a day later, without a wait");
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
fn p3_a_duplicate_after_a_silence_is_one_all_the_same() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    let mut packets = Packets::default();
    let first = packets.frame(&payload(0, 40_000));
    subscriber.feed(&first);
    subscriber.feed(packets.frame(&payload(1, 10)));
    let late = packets.frame(&payload(2, 10));
    subscriber.feed(packets.frame(&payload(3, 10)));
    subscriber.clock.advance(2_100 * MS);
    subscriber.feed(&first);
    subscriber.clock.advance(2_100 * MS);
    subscriber.feed(late);
    subscriber.feed(packets.frame(&payload(4, 10)));
    assert_eq!(read_numbers(&stream), [0, 1, 3, 4], "each once, in order");
    assert_eq!(subscriber.track("data").stats().packets_duplicate, first.len() as u64);
    assert_eq!(stream.stats().frames_late, 1);
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
fn p13_every_completed_frame_is_accounted_for() {
    let mut chance = Chance::new(99);
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(8));
    let mut packets = Packets::default();
    let mut all = Vec::new();
    for number in 0..500 {
        all.extend(packets.frame(&payload(number, chance.below(60_000))));
    }
    all.retain(|_| !chance.one_in(20));
    let mut read = 0;
    for (at, packet) in shuffle(all, 12, 3, &mut chance).into_iter().enumerate() {
        subscriber.feed([packet]);
        if at % 7 == 0 {
            subscriber.clock.advance(12 * MS);
        }
        if at % 31 == 0 {
            read += read_all(&stream).len() as u64;
        }
    }
    subscriber.clock.advance(2_000 * MS);
    let (frames, track) = (stream.stats(), subscriber.track("data").stats());
    assert_eq!(frames.frames_delivered, read);
    assert!(frames.frames_late > 0 && frames.frames_dropped_full > 0 && read > 0);
    let told = frames.frames_delivered
        + frames.frames_waiting
        + frames.frames_dropped_full
        + frames.frames_late;
    assert_eq!(track.frames_completed, told);
    assert!(track.frames_dropped_incomplete > 0);
    stream.shutdown();
    let closed = stream.stats();
    assert_eq!(closed.frames_dropped_closed, frames.frames_waiting);
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
fn p10_incomplete_frames_are_bounded_in_number_too() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(options(64));
    let mut packets = Packets { mtu: 100, ..Default::default() };
    for _ in 0..129 {
        subscriber.feed(&packets.frame(&payload(0, 150))[..1]);
    }
    assert_eq!(subscriber.track("data").stats().frames_dropped_incomplete, 1);
}

#[test]
fn p10_room_for_a_frame_is_made_by_others() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { max_partial_bytes: 50_000, ..options(64) });
    let mut packets = Packets::default();
    let (first, second) = (packets.frame(&payload(0, 40_000)), packets.frame(&payload(1, 40_000)));
    subscriber.feed([&first[0], &second[0], &first[1], &first[2]]);
    assert_whole(&read_all(&stream), 40_000);
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.frames_completed, stats.frames_dropped_budget), (1, 1));
}

#[test]
fn p10_a_large_frame_reserves_no_room_for_all_that_follow() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(options(64));
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&payload(0, 2_000_000)));
    for _ in 0..20 {
        subscriber.feed(&packets.frame(&payload(0, 17_000))[..1]);
    }
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.frames_completed, stats.frames_dropped_budget), (1, 0));
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

#[test]
fn p13_bytes_received_are_those_of_the_messages() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(options(64));
    // With an extension that nobody knows, and with one that is longer than it needs to be (protocol §1.11, V08 and V10).
    for packet in [
        "1c000007030405060708090a0004c80301020302081122334455667788000000deadbeef",
        "1c000007030405060708090a00000000deadbeef",
    ] {
        subscriber.feed([hex::bytes(packet)]);
    }
    assert_eq!(subscriber.track("data").stats().bytes_received, 36 + 20);
}

#[test]
fn p13_malformed_packets_are_counted() {
    let subscriber = Subscriber::new();
    subscriber.feed([b"x"]);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.packets_received, stats.packets_malformed), (1, 1));
}

#[test]
fn p10_the_streams_of_a_manager_share_its_memory() {
    let subscriber = Subscriber::new();
    let first = subscriber.reading(options(65_536));
    let more = [0, 1].map(|_| {
        let track = subscriber.track("data");
        kit::task::poll_once(track.subscribe_with_options(options(65_536), None)).unwrap().unwrap()
    });
    let mut packets = Packets::default();
    for _ in 0..64 {
        subscriber.feed(packets.frame(&vec![0; 1 << 20]));
    }
    let waiting: u64 =
        [&first, &more[0], &more[1]].into_iter().map(|one| one.stats().frames_waiting).sum();
    assert!((125..=127).contains(&waiting), "{waiting} frames of a MiB in 128 MiB");
}

#[test]
fn p13_duplicates_are_counted_as_such() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(64));
    for length in [10, 20_000] {
        let mut packets = Packets { handle: 7, ..Default::default() };
        packets.number = length as u16;
        let sent = packets.frame(&payload(0, length));
        subscriber.feed(&sent);
        subscriber.feed(&sent);
    }
    subscriber.clock.advance(20 * MS);
    let (track, stream) = (subscriber.track("data").stats(), stream.stats());
    assert_eq!((track.frames_completed, track.packets_duplicate), (2, 3));
    assert_eq!((stream.frames_waiting, stream.frames_late), (2, 0));
}
