//! Bounded memory (P10): hostile packets, measured at the allocator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod kit;

use std::sync::Arc;

use datatracks::{packet::*, *};
use kit::chance::Chance;
use kit::counting::{allocations, live_bytes};
use kit::subscriber::*;
use kit::task::poll_once;

#[global_allocator]
static COUNTING: kit::counting::Counting = kit::counting::Counting;

const MIB: i64 = 1 << 20;

fn packet(handle: u16, marker: Marker, number: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        marker,
        handle: handle.try_into().unwrap(),
        sequence,
        frame_number: number,
        timestamp: 0,
        extensions: Extensions::default(),
    };
    let mut packet = Vec::new();
    header.encode(&mut packet);
    packet.extend_from_slice(payload);
    packet
}

/// One test, since what is measured is the whole process.
#[test]
fn p10_no_sender_however_hostile_exceeds_the_budgets() {
    one_allocation_a_frame();
    a_steady_stream_of_equal_frames_allocates_once_a_frame();
    hostile("starts only", |at, _| (Marker::Start, at, at, 16_000));
    hostile("a final far away", |at, _| {
        let far = if at % 2 == 0 { 0 } else { 500 };
        let marker = if at % 2 == 0 { Marker::Start } else { Marker::Final };
        (marker, at / 2, (at / 2).wrapping_mul(700).wrapping_add(far), 16_000)
    });
    hostile("crumbs of one frame", |at, _| (Marker::Inter, 1, at.wrapping_mul(3), 1));
    hostile("crumbs of all frames", |at, chance| {
        (Marker::Inter, chance.next() as u16, at, chance.below(3))
    });
    hostile("empty parts", |at, _| (Marker::Start, at % 50, at, 0));
    hostile("noise", |_, chance| {
        let markers = [Marker::Single, Marker::Start, Marker::Inter, Marker::Final];
        (
            markers[chance.below(4)],
            chance.below(300) as u16,
            chance.below(900) as u16,
            chance.below(16_000),
        )
    });
    many_tracks_share_the_managers_budget();
    frames_that_nobody_reads_are_bounded();
    idle_tracks_are_small();
    endless_sessions_leave_nothing();
    abandoned_calls_leave_nothing();
    a_reader_that_keeps_one_frame_of_many_keeps_no_memory_of_others();
    a_small_frame_keeps_no_large_buffer();
}

fn one_allocation_a_frame() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut packets = Packets::default();
    let sent: Vec<_> = (0..200).map(|_| packets.frame(&[7; 1024]).remove(0)).collect();
    let mut counts = Vec::new();
    for packet in &sent {
        let before = allocations();
        subscriber.manager.handle_packet_received(packet);
        counts.push(allocations() - before);
        drop(poll_once(stream.next(None)).unwrap().unwrap().unwrap());
    }
    assert!(counts[100..].iter().all(|count| *count == 1), "{counts:?}");
}

fn a_steady_stream_of_equal_frames_allocates_once_a_frame() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut packets = Packets::default();
    let mut last = 0;
    for _ in 0..50 {
        let frame = packets.frame(&[7; 65_536]);
        let before = allocations();
        subscriber.feed(&frame);
        last = allocations() - before;
        drop(poll_once(stream.next(None)).unwrap().unwrap().unwrap());
    }
    assert_eq!(last, 1);
}

type Shape = (Marker, u16, u16, usize);

fn hostile(what: &str, shape: impl Fn(u16, &mut Chance) -> Shape) {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut chance = Chance::new(3);
    let before = live_bytes();
    for at in 0..150_000_u32 {
        let (marker, number, sequence, length) = shape(at as u16, &mut chance);
        subscriber.feed([packet(7, marker, number, sequence, &vec![0; length])]);
        if at % 1_000 == 0 {
            let grown = live_bytes() - before;
            assert!(grown < 14 * MIB, "{what}: {grown} bytes after {at} packets");
            let partial = subscriber.track("data").stats().bytes_partial;
            assert!(partial <= 8 << 20, "{what}: {partial} bytes");
        }
        if at % 5_000 == 0 {
            subscriber.clock.advance(100 * MS);
        }
    }
    subscriber.clock.advance(2_000 * MS);
    read_without_timestamps(&stream);
    assert_eq!(subscriber.track("data").stats().bytes_partial, 0, "{what}");
    let grown = live_bytes() - before;
    assert!(grown < MIB, "{what}: {grown} bytes left");
}

fn read_without_timestamps(stream: &DataTrackStream) {
    while let Some(Ok(Some(frame))) = poll_once(stream.next(None)) {
        drop(frame);
    }
}

fn many_tracks(subscriber: &Subscriber, count: u32) -> Vec<Arc<DataTrackStream>> {
    let sids: Vec<_> = (1..=count).map(|number| format!("DTR_{number}")).collect();
    let tracks = (1..).zip(&sids).map(|(number, sid)| track(number, sid, sid)).collect();
    subscriber.update(vec![participant("bob", tracks)]);
    let calls: Vec<_> = sids
        .iter()
        .map(|sid| subscriber.subscribe(sid, DataTrackSubscribeOptions::default()))
        .collect();
    let all: Vec<_> = (1..).zip(sids.iter().map(String::as_str)).collect();
    subscriber.handles(&all);
    subscriber.host.take();
    calls.into_iter().map(|call| call.finish().unwrap()).collect()
}

fn many_tracks_share_the_managers_budget() {
    let subscriber = Subscriber::new();
    let _streams = many_tracks(&subscriber, 100);
    let before = live_bytes();
    for at in 0..30_000_u16 {
        let handle = 1 + at % 100;
        subscriber.feed([packet(handle, Marker::Start, at, at, &[0; 16_000])]);
    }
    let grown = live_bytes() - before;
    assert!((60 * MIB..72 * MIB).contains(&grown), "{grown} bytes");
    subscriber.clock.advance(2_000 * MS);
    assert!(live_bytes() - before < MIB);
}

fn frames_that_nobody_reads_are_bounded() {
    let subscriber = Subscriber::new();
    let options = DataTrackSubscribeOptions { buffer_frames: 65_536, ..Default::default() };
    let before = live_bytes();
    let stream = subscriber.reading(options);
    let mut packets = Packets::default();
    for _ in 0..300 {
        subscriber.feed(packets.frame(&vec![0; 1 << 20]));
    }
    let grown = live_bytes() - before;
    assert!((60 * MIB..68 * MIB).contains(&grown), "{grown} bytes");
    let stats = stream.stats();
    assert_eq!(stats.frames_waiting + stats.frames_dropped_full, 300);
    assert_eq!(poll_once(stream.next(None)).unwrap().unwrap().unwrap().user_timestamp, Some(237));
    drop((stream, subscriber));
}

fn idle_tracks_are_small() {
    let subscriber = Subscriber::new();
    let before = live_bytes();
    let _streams = many_tracks(&subscriber, 1_000);
    let each = (live_bytes() - before) / 1_000;
    assert!(each <= 2_560, "{each} bytes an idle, subscribed track with its stream");
}

/// A publisher whose session is another one with each message, and that lists its track every other time.
fn endless_sessions_leave_nothing() {
    let subscriber = Subscriber::new();
    let _stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let bounce = |session: u32| {
        let sid = format!("DTR_{session}");
        subscriber.update(vec![
            returned("bob", 2 * session, vec![]),
            lost("bob"),
            returned("bob", 2 * session + 1, vec![track(1, &sid, "data")]),
        ]);
        subscriber.host.take();
    };
    (0..1_000).for_each(bounce);
    let before = live_bytes();
    (1_000..100_000).for_each(bounce);
    let grown = live_bytes() - before;
    assert!(grown < MIB / 16, "{grown} bytes for 99 000 sessions");
    assert_eq!(subscriber.manager.tracks().len(), 1);
}

fn abandoned_calls_leave_nothing() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let track = subscriber.track("data");
    let before = live_bytes();
    for _ in 0..10_000 {
        assert!(poll_once(stream.next(None)).is_none());
        assert!(poll_once(track.wait_for_unpublish(None)).is_none());
    }
    let grown = live_bytes() - before;
    assert!(grown < MIB / 64, "{grown} bytes for 20 000 calls");
}

fn a_reader_that_keeps_one_frame_of_many_keeps_no_memory_of_others() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions {
        buffer_frames: 1_024,
        buffer_policy: BufferPolicy::DropNewest,
        ..DataTrackSubscribeOptions::default()
    });
    let mut packets = Packets::default();
    let before = live_bytes();
    for _ in 0..3_000 {
        (0..40).for_each(|_| subscriber.feed(packets.frame(&[0; 1_000])));
        drop(poll_once(stream.next(None)));
    }
    let grown = live_bytes() - before;
    assert_eq!(stream.stats().frames_waiting, 1_023);
    assert!(grown < 2 * MIB, "{grown} bytes for 1 023 frames of 1 000");
}

fn a_small_frame_keeps_no_large_buffer() {
    let subscriber = Subscriber::new();
    let stream = subscriber.reading(DataTrackSubscribeOptions::default());
    let mut packets = Packets::default();
    subscriber.feed(packets.frame(&vec![0; 2 << 20]));
    drop(read_all(&stream));
    let small = packets.frame(&[0; 20_000]);
    let before = live_bytes();
    subscriber.feed(&small);
    let grown = live_bytes() - before;
    assert!((20_000..60_000).contains(&grown), "{grown} bytes for a frame of 20 000");
}
