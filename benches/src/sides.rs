//! The two sides, and work that is done on both.

use bytes::Bytes;
use datatracks_bench_side::{Kind, Out, Publisher, Side, Stopwatch, Subscriber, hash};

use crate::{
    measure::Round,
    wire::{Sequel, payload},
};

/// Pushes, and makes sure that all packets came out.
pub(crate) fn push(side: &mut dyn Publisher, payload: &Bytes, frames: u64) -> Round {
    let expected = Out::of(&side.packets_of(payload));
    let work = side.push(payload, frames);
    assert_eq!(work.out, expected.times(frames), "packets and bytes");
    Round::per_frame(&work.cost, frames)
}

/// Receives, and makes sure that all frames were read.
pub(crate) fn receive(
    side: &mut dyn Subscriber,
    sequel: &mut Sequel,
    size: usize,
    frames: u64,
) -> Round {
    let at_once = sequel.whole_turns(IN_CACHE / size);
    let mut cost = Stopwatch::default();
    let mut done = 0;
    while done < frames {
        let work = side.receive(&sequel.frames(at_once as usize));
        assert_eq!(
            work.out,
            Out { pieces: at_once, bytes: at_once * size as u64 },
            "frames and bytes"
        );
        cost.add(work.cost);
        done += at_once;
    }
    Round::per_frame(&cost, done)
}

/// Pushes each frame and hands its packets over to be read.
pub(crate) fn pass(
    sender: &mut dyn Publisher,
    reader: &mut dyn Subscriber,
    payload: &Bytes,
    frames: u64,
) -> Round {
    let at_once = (AT_A_LOOK / payload.len()).max(1) as u64;
    let (mut cost, mut looks) = (Stopwatch::default(), Stopwatch::default());
    for _ in 0..frames / at_once {
        looks.run(|| ());
        let mut passed = Vec::with_capacity(at_once as usize);
        cost.run(|| {
            for _ in 0..at_once {
                let packets = sender.packets_of(payload);
                let frame = reader.frame_of(&packets);
                passed.push((packets, frame));
            }
        });
        assert!(passed.iter().all(|(_, frame)| frame.len() == payload.len()));
    }
    cost.cpu = cost.cpu.saturating_sub(looks.cpu);
    // Allocations are counted in each binary, and this one is not the peer's.
    Round { allocations: None, ..Round::per_frame(&cost, frames / at_once * at_once) }
}

/// Makes sure that a side sends what it is given, and reads what ours sends.
pub(crate) fn check(side: &dyn Side, ours: &dyn Side, kind: Kind, size: usize) {
    let payload = payload(size);
    let packets = side.publisher(kind, 1).packets_of(&payload);
    let sent: Vec<u8> = packets.iter().flat_map(|packet| content(packet)).copied().collect();
    assert!(kind == Kind::Sealed || hash(&sent) == hash(&payload), "sent as it was given");
    let packets = ours.publisher(Kind::Plain, 1).packets_of(&payload);
    let frame = side.subscriber(Kind::Plain, 1).frame_of(&packets);
    assert_eq!(hash(&frame), hash(&payload), "read as it was sent");
}

fn content(packet: &[u8]) -> &[u8] {
    datatracks::packet::decode(packet).unwrap().payload
}

/// Bytes of frames between two looks at the clock. It is a call of the system: after each, the next frame finds a processor that has
/// forgotten its way. More at once, and large frames would come to lie in memory that is new each time.
const AT_A_LOOK: usize = 64 << 10;

/// Bytes of packets that are made ready at once: they stay in the second cache.
const IN_CACHE: usize = 256 << 10;
