//! Frames that are lost, late or doubled: what becomes of them, and how they are counted (P13).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod hex;
mod kit;

use kit::chance::Chance;
use kit::frames::*;
use kit::subscriber::*;

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
fn a_frame_of_one_packet_ends_an_incomplete_one_of_its_number() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(options(16));
    let large = Packets::default().frame(&payload(0, 40_000));
    subscriber.feed(&large[..2]);
    subscriber.feed(Packets::default().frame(&payload(0, 10)));
    subscriber.feed(&large[2..]);
    assert_whole(&read_all(&stream), 10);
    let stats = subscriber.track("data").stats();
    assert_eq!((stats.frames_completed, stats.frames_dropped_incomplete), (1, 1));
    assert_eq!((stats.packets_dropped, stats.packets_duplicate, stats.bytes_partial), (2, 1, 0));
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
fn p10_a_track_that_ends_lets_go_of_what_is_incomplete_and_its_stream_of_what_nobody_reads() {
    let subscriber = Subscriber::new();
    let (stream, track) = (subscriber.reading(options(16)), subscriber.track("data"));
    let mut packets = Packets::default();
    (0..3).for_each(|number| subscriber.feed(packets.frame(&payload(number, 10))));
    subscriber.feed(&packets.frame(&payload(3, 40_000))[..1]);
    assert!(track.stats().bytes_partial > 0);
    subscriber.update(vec![participant("bob", vec![])]);
    assert_eq!(track.stats().bytes_partial, 0);
    assert_eq!(stream.stats().frames_waiting, 3, "can still be read");
    stream.shutdown();
    let stats = stream.stats();
    assert_eq!((stats.frames_waiting, stats.frames_dropped_closed), (0, 3));
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
