//! Whatever bytes come in: a typed error or a counted drop, no panic, and no memory for what they only claim.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "kit/chance.rs"]
mod chance;
#[path = "kit/counting.rs"]
mod counting;
#[path = "kit/hostile.rs"]
mod hostile;
#[path = "kit/pair.rs"]
mod pair;

use chance::Chance;
use counting::live_bytes;
use datatracks::{random::Random, *};
use hostile::*;
use pair::Pair;

/// Hands the bytes to every entry, and answers what each said.
fn every_signal_entry(pair: &Pair, bytes: &[u8]) -> Vec<Result<(), SignalError>> {
    let handled = |outcome: Result<SignalOutcome, SignalError>| outcome.map(drop);
    vec![
        handled(pair.local.handle_signal_response(bytes.to_vec())),
        pair.local.handle_sfu_publish_response(bytes.to_vec()),
        pair.local.handle_sfu_unpublish_response(bytes.to_vec()),
        pair.local.handle_sfu_request_response(bytes.to_vec()),
        pair.local.handle_sfu_participant_update(bytes.to_vec()),
        handled(pair.remote.handle_signal_response(bytes.to_vec())),
        pair.remote.handle_sfu_join_response(bytes.to_vec()),
        pair.remote.handle_sfu_participant_update(bytes.to_vec(), "subscriber".into()),
        pair.remote.handle_sfu_subscriber_handles(bytes.to_vec()),
    ]
}

#[test]
fn random_bytes_into_every_entry_do_no_harm() {
    let _alone = alone();
    let pair = Pair::new(false);
    let mut chance = Chance::new(11);
    for round in 0..20_000 {
        let mut bytes = vec![0; chance.below(120)];
        chance.fill(&mut bytes);
        if round % 2 == 0 && bytes.len() > 2 {
            // Half of them look like a message of ours for longer.
            let tag = [1, 5, 22, 24, 27, 28, 29, 30, 31][chance.below(9)] << 3 | 2;
            let length = bytes.len() - 3;
            bytes[0] = tag as u8 | 0x80;
            bytes[1] = (tag >> 7) as u8;
            bytes[2] = length as u8;
        }
        every_signal_entry(&pair, &bytes);
        pair.remote.handle_packet_received(&bytes);
    }
    let stats = pair.remote.stats();
    assert_eq!(stats.packets_received, 20_001, "with the pair's own");
    assert!(stats.packets_malformed > 0 && stats.packets_unknown_handle > 0, "{stats:?}");
    assert_eq!((pair.local.stats().panics, stats.panics), (0, 0));
}

#[test]
fn every_truncation_of_real_packets_and_messages_does_no_harm() {
    let _alone = alone();
    let pair = Pair::new(true);
    for packet in pair.packets_of(&[5; 40_000]) {
        for length in (0..packet.len().min(80)).chain([packet.len() - 1]) {
            pair.remote.handle_packet_received(&packet[..length]);
        }
    }
    let message = handles(8, "DTR_measured");
    for length in 0..message.len() {
        every_signal_entry(&pair, &message[..length]);
    }
    assert_sound(&pair);
}

#[test]
fn messages_that_are_too_large_are_malformed() {
    let _alone = alone();
    let pair = Pair::new(false);
    let message = handles(1, &format!("DTR_{}", "x".repeat(17 << 20)));
    for outcome in every_signal_entry(&pair, &message) {
        assert_eq!(outcome, Err(SignalError::Malformed));
    }
    assert_sound(&pair);
}

#[test]
fn counts_and_lengths_that_lie_allocate_nothing() {
    let _alone = alone();
    let pair = Pair::new(false);
    let before = live_bytes();
    // An update (5) whose participant announces up to 2^63 bytes and holds none, at each depth of the message.
    for depth in 0..4 {
        for length in [0x7F_u64, 0xFFFF, u64::from(u32::MAX), u64::MAX >> 1] {
            let mut inner = vec![0x0A];
            varint(&mut inner, length);
            for _ in 0..depth {
                let mut outer = vec![0x0A];
                varint(&mut outer, inner.len() as u64);
                outer.append(&mut inner);
                inner = outer;
            }
            let mut message = vec![0x2A];
            varint(&mut message, inner.len() as u64);
            message.append(&mut inner);
            every_signal_entry(&pair, &message);
        }
    }
    // An extension block of 2^16 words in a packet of 14 bytes.
    let packet = [0x1C, 0, 0, 1, 0, 9, 0, 9, 0, 0, 0, 0, 0xFF, 0xFF];
    pair.feed(&[packet]);
    assert_eq!(pair.remote.stats().packets_malformed, 1);
    assert!(live_bytes() - before < 1 << 16, "{} bytes", live_bytes() - before);
    assert_sound(&pair);
}

#[test]
fn messages_inside_messages_without_end_overflow_no_stack() {
    let _alone = alone();
    let pair = Pair::new(false);
    for field in 1..=15_u8 {
        // Every field of every message, 20 000 deep, each as long as it says; and the same as groups.
        let mut backwards = Vec::new();
        for _ in 0..20_000 {
            let mut head = vec![field << 3 | 2];
            varint(&mut head, backwards.len() as u64);
            backwards.extend(head.iter().rev());
        }
        let message: Vec<u8> = backwards.into_iter().rev().collect();
        for outer in [1_u32, 5, 22, 24, 27, 28, 29, 31] {
            let mut bytes = Vec::new();
            varint(&mut bytes, u64::from(outer << 3 | 2));
            varint(&mut bytes, message.len() as u64);
            bytes.extend(&message);
            every_signal_entry(&pair, &bytes);
        }
        every_signal_entry(&pair, &vec![field << 3 | 3; 20_000]);
    }
    assert_sound(&pair);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
