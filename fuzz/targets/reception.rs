//! Packets, handles, readers and time, in any order, to one remote manager: counts add up and memory stays in its bounds.
#![no_main]

use std::{sync::Arc, time::Duration};

use arbitrary::Arbitrary;
use datatracks::{
    packet::{Encryption, Extensions},
    *,
};
use datatracks_fuzz::kit::{subscriber::*, task::poll_once};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Packet {
        head: [u8; 12],
        length: u16,
    },
    Bytes(Vec<u8>),
    Frame {
        length: u16,
        packets: u8,
        rotate: u8,
        lose: Option<u8>,
        twice: bool,
        sealed: Option<u8>,
    },
    Advance {
        ms: u16,
    },
    Read {
        max: u8,
    },
    Subscribe {
        frames: u8,
        policy: u8,
        window: u8,
        partial: u32,
    },
    Close {
        which: u8,
    },
    Forget {
        which: u8,
    },
    Handles {
        first: u8,
        second: u8,
    },
    Tracks {
        first: bool,
        second: bool,
    },
    Lost,
}

struct Reader {
    stream: Arc<DataTrackStream>,
    read: u64,
}

struct Room {
    subscriber: Subscriber,
    packets: Packets,
    readers: Vec<Reader>,
}

fuzz_target!(|input: (bool, Vec<Step>)| {
    let (encrypted, steps) = input;
    let ring = KeyRingOptions { derivation: KeyDerivation::Hkdf, ..Default::default() };
    let ring = Arc::new(KeyRing::new(ring).unwrap());
    ring.set_shared_key(b"key".to_vec(), 0).unwrap();
    let sealer = Arc::clone(&ring).encryption_provider(None);
    let subscriber = Subscriber::with(Some(ring.decryption_provider()), Some("me"));
    let options = DataTrackSubscribeOptions::default();
    let readers = vec![Reader { stream: subscriber.reading_track(options, encrypted), read: 0 }];
    let mut room = Room { subscriber, packets: Packets::default(), readers };
    for step in steps {
        room.step(step, encrypted, &*sealer);
        room.check();
    }
    room.end();
});

impl Room {
    fn step(&mut self, step: Step, encrypted: bool, sealer: &dyn EncryptionProvider) {
        match step {
            Step::Packet { mut head, length } => {
                // Mostly a packet, mostly ours.
                head[0] &= 0x3C;
                head[2] = 0;
                head[3] = 6 + head[3] % 4;
                let payload = vec![head[7]; usize::from(length)];
                self.subscriber.feed([[head.as_slice(), &payload].concat()]);
            }
            Step::Bytes(bytes) => self.subscriber.feed([bytes]),
            Step::Frame { length, packets, rotate, lose, twice, sealed } => {
                let frame = self.frame(length, packets, sealed, encrypted, sealer);
                self.send(frame, rotate, lose, twice);
            }
            Step::Advance { ms } => self.subscriber.clock.advance(Duration::from_millis(ms.into())),
            Step::Read { max } => self.readers.iter_mut().for_each(|reader| reader.read(max)),
            Step::Subscribe { frames, policy, window, partial } => {
                self.subscribe(frames, policy, window, partial);
            }
            Step::Close { which } => self.reader(which).stream.shutdown(),
            Step::Forget { which } => {
                if self.readers.len() > 1 {
                    let which = usize::from(which) % self.readers.len();
                    self.readers.remove(which);
                }
            }
            Step::Handles { first, second } => {
                let known = [(first, "DTR_1"), (second, "DTR_2")];
                let known: Vec<_> =
                    known.iter().map(|(handle, sid)| (u32::from(6 + handle % 4), *sid)).collect();
                self.subscriber.handles(&known);
            }
            Step::Tracks { first, second } => {
                let mut tracks = Vec::new();
                tracks.extend(first.then(|| track(1, "DTR_1", "data")));
                tracks.extend(second.then(|| track(2, "DTR_2", "more")));
                tracks.iter_mut().for_each(|track| track.encryption = i32::from(encrypted));
                self.subscriber.update(vec![participant("bob", tracks)]);
            }
            Step::Lost => self.subscriber.update(vec![lost("bob")]),
        }
    }

    fn reader(&mut self, which: u8) -> &mut Reader {
        let which = usize::from(which) % self.readers.len();
        &mut self.readers[which]
    }

    fn frame(
        &mut self,
        length: u16,
        packets: u8,
        sealed: Option<u8>,
        encrypted: bool,
        sealer: &dyn EncryptionProvider,
    ) -> Vec<Vec<u8>> {
        let payload = vec![self.packets.number as u8; usize::from(length)];
        self.packets.mtu = 41 + usize::from(length) / usize::from(packets.clamp(1, 32));
        // What the track is not, now and then.
        if encrypted == (sealed == Some(0)) {
            return self.packets.frame(&payload);
        }
        let sealed = sealer.encrypt(Payload::from(payload)).unwrap();
        let iv = sealed.iv.try_into().unwrap();
        let encryption = Some(Encryption { key_index: sealed.key_index, iv });
        let extensions = Extensions { encryption, user_timestamp: None };
        self.packets.frame_with(sealed.payload.as_ref(), extensions)
    }

    fn send(&mut self, mut frame: Vec<Vec<u8>>, rotate: u8, lose: Option<u8>, twice: bool) {
        let count = frame.len();
        frame.rotate_left(usize::from(rotate) % count);
        if let Some(lose) = lose {
            frame.remove(usize::from(lose) % count);
        }
        self.subscriber.feed(&frame);
        if twice {
            self.subscriber.feed(&frame);
        }
    }

    fn subscribe(&mut self, frames: u8, policy: u8, window: u8, partial: u32) {
        let policies =
            [BufferPolicy::DropOldest, BufferPolicy::DropNewest, BufferPolicy::LatestOnly];
        let options = DataTrackSubscribeOptions {
            buffer_frames: frames.into(),
            buffer_policy: policies[usize::from(policy) % 3],
            reorder_window_ms: window.into(),
            max_partial_bytes: partial.into(),
        };
        let tracks = self.subscriber.manager.tracks();
        let Some(track) = tracks.first() else { return };
        if let Some(Ok(stream)) = poll_once(track.subscribe_with_options(options, None)) {
            self.readers.push(Reader { stream, read: 0 });
        }
    }

    fn check(&self) {
        let stats = self.subscriber.manager.stats();
        assert_eq!((stats.panics, stats.delegate_errors), (0, 0));
        assert!(stats.bytes_stashed <= 256 << 10, "{stats:?}");
        for track in self.subscriber.manager.tracks() {
            let stats = track.stats();
            assert!(stats.bytes_partial <= 64 << 20, "{stats:?}");
            let lost = stats.frames_dropped_undecryptable
                + stats.frames_dropped_replayed
                + stats.frames_dropped_encryption_mismatch;
            assert!(lost <= stats.frames_completed, "{stats:?}");
        }
        for Reader { stream, read } in &self.readers {
            assert_eq!(stream.stats().frames_delivered, *read);
        }
    }

    fn end(mut self) {
        self.subscriber.manager.shutdown();
        for reader in &mut self.readers {
            reader.read(u8::MAX);
            while let Some(Ok(Some(_))) = poll_once(reader.stream.next(None)) {}
            assert_eq!(poll_once(reader.stream.next(None)), Some(Ok(None)), "a stream goes on");
            let stats = reader.stream.stats();
            assert_eq!(stats.frames_waiting, 0, "{stats:?}");
        }
    }
}

impl Reader {
    fn read(&mut self, max: u8) {
        for _ in 0..max {
            let Some(Ok(Some(_))) = poll_once(self.stream.next(None)) else { return };
            self.read += 1;
        }
    }
}
