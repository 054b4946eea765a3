//! One frame at a time on one thread, so that nothing can be lost: what a frame costs.

use std::hint::black_box;

use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit, aead::inout::InOutBuf};
use bytes::Bytes;
use datatracks_bench_side::{KEY, Kind, Stopwatch, hash};

use super::Bench;
use crate::{
    measure::{Round, alternate},
    row::{Better, Row},
    sides::{check, pass, push, receive},
    wire::{Sequel, payload},
};

/// Push a frame until its packets are out.
pub(crate) fn publish(bench: &Bench) -> Vec<Row> {
    let row = |size| {
        check(bench.ours, bench.ours, Kind::Plain, size);
        check(bench.peer, bench.ours, Kind::Plain, size);
        let payload = payload(size);
        let mut ours = bench.ours.publisher(Kind::Plain, 1);
        let mut peer = bench.peer.publisher(Kind::Plain, 1);
        let frames = bench.frames(size);
        let [ours, peer, copy] = alternate(
            bench.rounds,
            [
                &mut || push(&mut *ours, &payload, frames),
                &mut || push(&mut *peer, &payload, frames),
                &mut || copy(&payload, frames),
            ],
        );
        let row = Row::new(format!("publish/{}", short(size)), UNIT, Better::Less, ours);
        row.against(peer).limited_by("memcpy", copy)
    };
    SIZES.map(row).into()
}

/// Hand a frame's packets in until it is read.
pub(crate) fn subscribe(bench: &Bench) -> Vec<Row> {
    let row = |size| {
        let payload = payload(size);
        let mut ours = bench.ours.subscriber(Kind::Plain, 1);
        let mut peer = bench.peer.subscriber(Kind::Plain, 1);
        let packets = bench.ours.publisher(Kind::Plain, 1).packets_of(&payload);
        let mut for_ours = Sequel::new(packets.clone(), 1);
        let mut for_peer = Sequel::new(packets, 1);
        let frames = bench.frames(size);
        let [ours, peer, copy] = alternate(
            bench.rounds,
            [
                &mut || receive(&mut *ours, &mut for_ours, size, frames),
                &mut || receive(&mut *peer, &mut for_peer, size, frames),
                &mut || copy(&payload, frames),
            ],
        );
        let row = Row::new(format!("subscribe/{}", short(size)), UNIT, Better::Less, ours);
        row.against(peer).limited_by("memcpy", copy)
    };
    SIZES.map(row).into()
}

/// AES-128-GCM, pushed and read: beside the cipher alone.
pub(crate) fn sealed(bench: &Bench) -> Vec<Row> {
    let row = |size| {
        check(bench.ours, bench.ours, Kind::Sealed, size);
        check(bench.peer, bench.ours, Kind::Sealed, size);
        let payload = payload(size);
        let [mut ours, mut peer] = [bench.ours, bench.peer]
            .map(|side| (side.publisher(Kind::Sealed, 1), side.subscriber(Kind::Sealed, 1)));
        assert_eq!(hash(&ours.1.frame_of(&ours.0.packets_of(&payload))), hash(&payload));
        assert_eq!(hash(&peer.1.frame_of(&peer.0.packets_of(&payload))), hash(&payload));
        let cipher = Aes128Gcm::new(&KEY.into());
        let frames = bench.frames(size);
        let [ours, peer, alone] = alternate(
            bench.rounds,
            [
                &mut || pass(&mut *ours.0, &mut *ours.1, &payload, frames),
                &mut || pass(&mut *peer.0, &mut *peer.1, &payload, frames),
                &mut || cipher_alone(&cipher, &payload, frames),
            ],
        );
        let row = Row::new(format!("sealed/{}", short(size)), UNIT, Better::Less, ours);
        row.against(peer).limited_by("aes-gcm", alone)
    };
    [1 << 10, 64 << 10].map(row).into()
}

/// Both directions, into memory that is there: no allocation, no other copy.
fn cipher_alone(cipher: &Aes128Gcm, payload: &Bytes, frames: u64) -> Round {
    let (mut sealed, mut opened) = (vec![0; payload.len()], vec![0; payload.len()]);
    let mut cost = Stopwatch::default();
    cost.run(|| {
        for frame in 0..frames {
            let iv = &u128::from(frame).to_be_bytes()[4..];
            let iv = iv.try_into().unwrap();
            let buffers = InOutBuf::new(black_box(payload), &mut sealed).unwrap();
            let tag = cipher.encrypt_inout_detached(iv, &[], buffers).unwrap();
            let buffers = InOutBuf::new(&sealed, &mut opened).unwrap();
            cipher.decrypt_inout_detached(iv, &[], buffers, &tag).unwrap();
        }
    });
    assert_eq!(hash(&opened), hash(payload));
    Round::per_frame(&cost, frames)
}

fn copy(payload: &Bytes, frames: u64) -> Round {
    let mut target = vec![0; payload.len()];
    let mut cost = Stopwatch::default();
    cost.run(|| {
        for _ in 0..frames {
            black_box(&mut target[..]).copy_from_slice(black_box(payload));
        }
    });
    Round::per_frame(&cost, frames)
}

fn short(size: usize) -> String {
    match size {
        0..1024 => format!("{size}B"),
        1024..1_048_576 => format!("{}KiB", size >> 10),
        _ => format!("{}MiB", size >> 20),
    }
}

const SIZES: [usize; 4] = [64, 1 << 10, 64 << 10, 1 << 20];

pub(super) const UNIT: &str = "ns";
