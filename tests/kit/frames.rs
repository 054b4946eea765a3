//! Frames whose bytes tell which they are, and networks that put their packets out of order.
#![allow(dead_code, unreachable_pub)]

use datatracks::DataTrackFrame;

use super::chance::Chance;

/// Bytes that tell frame and position.
pub fn payload(number: u16, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u16).wrapping_mul(31).wrapping_add(number) as u8).collect()
}

/// There are frames, and none is damaged.
pub fn assert_whole(frames: &[DataTrackFrame], length: usize) {
    assert!(!frames.is_empty(), "nothing arrived");
    for frame in frames {
        let number = u16::try_from(frame.user_timestamp.unwrap()).unwrap();
        assert!(frame.payload.as_ref() == payload(number, length), "frame {number} is damaged");
    }
}

/// Puts packets out of order: each at most `k` places later than it was sent, some of them twice.
pub fn shuffle(
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
