//! Frames that are incomplete, late or too many: in memory that is bounded (P10) and shared (P12).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use datatracks::*;
use kit::frames::*;
use kit::subscriber::*;

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
fn p10_a_frame_that_is_larger_than_all_room_is_given_up_with_its_first_packet() {
    let subscriber = Subscriber::new();
    let stream =
        subscriber.reading(DataTrackSubscribeOptions { max_partial_bytes: 10_000, ..options(16) });
    let mut packets = Packets::default();
    let large = packets.frame(&payload(0, 40_000));
    subscriber.feed(&large[..1]);
    let stats = subscriber.track("data").stats();
    assert_eq!(
        (stats.frames_dropped_budget, stats.packets_dropped, stats.bytes_partial),
        (1, 1, 0)
    );
    subscriber.feed(&large[1..]);
    subscriber.feed(packets.frame(&payload(1, 10)));
    subscriber.clock.advance(20 * MS);
    assert_eq!(read_numbers(&stream), [1]);
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.frames_dropped_budget, stats.packets_dropped), (1, 3), "as many as it had");
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
fn p12_frames_that_are_never_finished_leave_memory_to_other_tracks() {
    let subscriber = Subscriber::new();
    let tracks = vec![track(1, "DTR_1", "greedy"), track(2, "DTR_2", "calm")];
    subscriber.update(vec![participant("bob", tracks)]);
    let greedy = DataTrackSubscribeOptions { max_partial_bytes: u64::MAX, ..options(16) };
    let subscribing = [("greedy", greedy), ("calm", options(16))];
    let subscribing = subscribing.map(|(name, options)| subscriber.subscribe(name, options));
    subscriber.handles(&[(1, "DTR_1"), (2, "DTR_2")]);
    let [_greedy, calm] = subscribing.map(|subscribing| subscribing.finish().unwrap());
    let (mut packets, track) =
        (Packets { handle: 1, ..Packets::default() }, subscriber.track("greedy"));
    for _ in 0..40 {
        for packet in &packets.frame(&payload(0, 2_000_000))[1..] {
            let left = (64 << 20) - track.stats().bytes_partial;
            if left > 20_000 {
                subscriber.feed([packet]);
            }
        }
    }
    assert!(track.stats().bytes_partial > 58 << 20, "it has what it can get");
    let mut packets = Packets { handle: 2, ..Packets::default() };
    subscriber.feed(packets.frame(&payload(0, 40_000)));
    assert_whole(&read_all(&calm), 40_000);
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
    assert!((121..=123).contains(&waiting), "{waiting} frames of a MiB in 124 MiB");
}

#[test]
fn the_reader_that_allows_most_says_what_incomplete_frames_may_hold() {
    let subscriber = Subscriber::new();
    let wide = subscriber.reading(options(16));
    let narrow = DataTrackSubscribeOptions { max_partial_bytes: 1_000, ..options(16) };
    let track = subscriber.track("data");
    let narrow = kit::task::poll_once(track.subscribe_with_options(narrow, None)).unwrap();
    subscriber.feed(Packets::default().frame(&payload(0, 100_000)));
    assert_eq!(read_numbers(&wide), [0]);
    assert_eq!(read_numbers(&narrow.unwrap()), [0]);
}

#[test]
fn p10_what_was_read_in_batches_or_dropped_with_its_stream_takes_no_memory_of_others() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let mut packets = Packets::default();
    for _ in 0..5 {
        let other = kit::task::poll_once(subscriber.track("data").subscribe(None)).unwrap();
        for _ in 0..16 {
            subscriber.feed(packets.frame(&[0; 2_000_000]));
        }
        let batch = kit::task::poll_once(stream.next_batch(16, None)).unwrap().unwrap();
        assert_eq!(batch.len(), 16, "{:?}", stream.stats());
        other.unwrap().shutdown();
    }
}
