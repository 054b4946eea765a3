#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    frame::PacketBatch,
    local::numbers::Numbers,
    packet::{Packet, decode},
};

fn packetizer() -> Packetizer {
    Packetizer::new(Handle::MIN, 0, Instant::now())
}

fn encryption(seed: u8) -> Encryption {
    Encryption { key_index: seed, iv: [seed; 12] }
}

/// What a receiver makes of the packets.
fn reassembled(packets: &[Packet<'_>]) -> Vec<u8> {
    packets.iter().flat_map(|packet| packet.payload).copied().collect()
}

/// Sizes around the places where another packet begins.
fn sizes() -> impl Strategy<Value = usize> {
    let edges =
        (0_usize..4, 15_900_usize..16_000).prop_map(|(packets, last)| packets * 15_968 + last);
    prop_oneof![0_usize..100, edges, 0_usize..70_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn packets_carry_the_frame(
        frames in prop::collection::vec((sizes(), any::<Option<u64>>(), 0_u8..3, 3_000..=MTU), 1..4),
    ) {
        let (mut packetizer, mut spare) = (packetizer(), Spare::default());
        let mut numbers = Numbers::default();
        let (mut sequence, mut frame_number) = (0_u16, 0_u16);
        let key = AesKey::new(&[5; 16]);
        for (bytes, user_timestamp, sealing, packet_len) in frames {
            let payload: Vec<u8> = (0..bytes).map(|index| index as u8).collect();
            let by = encryption(sealing);
            let seal = match sealing {
                0 => Seal::Plain,
                1 => Seal::With(&key, by),
                _ => Seal::Done(by),
            };
            let now = Instant::now() + Duration::from_millis(u64::from(sealing));
            let size = Size::new(sealing > 0, user_timestamp, packet_len);
            let batch = packetizer.packetize(&payload, user_timestamp, seal, size, now, &mut spare);
            let batch = numbers.give(batch.unwrap(), true);
            prop_assert!(batch.len() <= MAX_PACKETS);
            let (_, stride) = batch.parts();
            prop_assert!(stride == packet_len || batch.len() > MAX_PACKETS - 4);
            if sealing < 2 {
                prop_assert_eq!(batch.byte_len(), size.of_packets(bytes));
            }
            let packets: Vec<_> = batch.iter().map(|packet| decode(packet).unwrap()).collect();
            for (index, packet) in packets.iter().enumerate() {
                prop_assert_eq!(packet.header.sequence, sequence);
                prop_assert_eq!(packet.header.frame_number, frame_number);
                prop_assert_eq!(packet.header.marker, marker(index, packets.len()));
                prop_assert_eq!(packet.header.extensions.user_timestamp, user_timestamp);
                prop_assert_eq!(packet.header.extensions.encryption, (sealing > 0).then_some(by));
                sequence = sequence.wrapping_add(1);
            }
            let whole = batch.iter().take(packets.len() - 1);
            prop_assert!(whole.into_iter().all(|packet| packet.len() == stride));
            frame_number = frame_number.wrapping_add(1);
            let mut carried = reassembled(&packets);
            if sealing == 1 {
                key.open_in_place(&by.iv, &mut carried).unwrap();
            }
            prop_assert!(carried == payload);
        }
    }
}

#[test]
fn a_frame_that_does_not_fit_has_no_packets() {
    let (mut packetizer, mut spare) = (packetizer(), Spare::default());
    let size = Size::new(false, None, 3_600);
    let max = size.max_payload();
    let now = Instant::now();
    let mut packetize =
        |bytes| packetizer.packetize(&vec![0; bytes], None, Seal::Plain, size, now, &mut spare);
    assert_eq!(packetize(max + 1).unwrap_err(), PacketizeError::TooLarge { max });
    assert_eq!(packetize(max).unwrap().len(), 128, "larger packets than were wished for");
}

#[test]
fn memory_is_used_again_only_when_nobody_has_it_and_for_frames_of_its_size() {
    let (mut packetizer, mut spare) = (packetizer(), Spare::default());
    let size = Size::new(false, None, MTU);
    let mut packetize = |bytes: usize, fill: u8| {
        let payload = vec![fill; bytes];
        let now = Instant::now();
        let packets = packetizer.packetize(&payload, None, Seal::Plain, size, now, &mut spare);
        Numbers::default().give(packets.unwrap(), true)
    };
    let place = |batch: &PacketBatch| batch.parts().0.as_ptr().addr();
    let held = packetize(1000, 1);
    let other = packetize(1000, 2);
    assert!(held.parts().0[12..].iter().all(|byte| *byte == 1), "held, and not written again");
    let freed = place(&other);
    drop(other);
    let again = packetize(900, 3);
    assert_eq!(place(&again), freed);
    drop(again);
    let small = packetize(100, 4);
    assert_ne!(place(&small), freed, "a small frame holds no large buffer");
}

#[test]
fn the_buffer_is_as_large_as_its_packets() {
    let key = AesKey::new(&[5; 16]);
    let is_full = |bytes: BytesMut| bytes.capacity() == bytes.len();
    let by = encryption(1);
    let extensions = Extensions { encryption: Some(by), user_timestamp: None };
    let header = Header {
        marker: Marker::Single,
        handle: Handle::MIN,
        sequence: 0,
        frame_number: 0,
        timestamp: 0,
        extensions,
    };
    for bytes in [15_968, 100_000] {
        let payload = vec![0; bytes];
        assert!(is_full(split(header, &payload, MTU)));
        assert!(is_full(
            seal_and_split(header, &payload, MTU, &key, &by.iv, &mut Vec::new()).unwrap()
        ));
    }
    for bytes in [0, 100, 15_900] {
        let (payload, mut spare) = (vec![0; bytes], Spare::default());
        let length = extensions.header_len() + bytes + TAG_LEN;
        let sealed = single(&header, &payload, Seal::With(&key, by), spare.room(length)).unwrap();
        drop(spare);
        assert!(is_full(sealed));
    }
}
