//! Encryption fails closed (P4): what does not open, and what is not what the track says, never reaches a reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::type_complexity,
    missing_docs
)]

mod kit;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use datatracks::{packet::Encryption, *};
use kit::subscriber::*;
use kit::task::poll_once;

const KEY: &[u8] = b"a key that all share";

/// With the same key under two indices.
fn ring(material: &[u8]) -> Arc<KeyRing> {
    let options = KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() };
    let ring = Arc::new(KeyRing::new(options).unwrap());
    [0, 1].into_iter().for_each(|index| ring.set_shared_key(material.to_vec(), index).unwrap());
    ring
}

fn seal(sealer: &Arc<dyn EncryptionProvider>, plain: &[u8]) -> (Vec<u8>, Encryption) {
    let sealed = sealer.encrypt(Payload::from(plain.to_vec())).unwrap();
    let iv = sealed.iv.try_into().unwrap();
    (sealed.payload.as_ref().to_vec(), Encryption { key_index: sealed.key_index, iv })
}

/// Turns a key ring into a provider as a foreign one is: bytes in, bytes out.
struct Foreign(Arc<dyn DecryptionProvider>);

impl DecryptionProvider for Foreign {
    fn decrypt(
        &self,
        payload: EncryptedPayload,
        publisher: String,
    ) -> Result<Payload, DecryptionError> {
        assert_eq!(publisher, "bob");
        self.0.decrypt(payload, publisher)
    }
}

/// The key ring as it is, and behind a foreign provider.
fn providers() -> [Arc<dyn DecryptionProvider>; 2] {
    [ring(KEY).decryption_provider(), Arc::new(Foreign(ring(KEY).decryption_provider()))]
}

#[test]
fn p4_sealed_frames_of_any_size_are_opened() {
    for provider in providers() {
        let sealer = ring(KEY).encryption_provider(None);
        let subscriber = Subscriber::with(Some(provider), Some("me"));
        let stream = subscriber.reading_track(DataTrackSubscribeOptions::default(), true);
        let mut packets = Packets::default();
        for length in [0, 1, 1_000, 15_944, 15_945, 100_000] {
            let plain: Vec<_> = (0..length).map(|at| at as u8).collect();
            let (sealed, encryption) = seal(&sealer, &plain);
            let mut sent = packets.sealed(&sealed, encryption);
            sent.reverse();
            subscriber.feed(sent);
            let frames = read_all(&stream);
            assert_eq!(frames.len(), 1);
            assert!(frames[0].payload.as_ref() == plain, "{length} bytes");
        }
    }
}

#[test]
fn p4_what_does_not_open_never_reaches_a_reader() {
    let sealer = ring(KEY).encryption_provider(None);
    let good = seal(&sealer, b"secret");
    let other_key = seal(&ring(b"another key").encryption_provider(None), b"secret");
    let (mut damaged, mut cut) = (good.clone(), good.clone());
    damaged.0[0] ^= 1;
    cut.0.truncate(15);
    let mut other_iv = good.clone();
    other_iv.1.iv[0] ^= 1;
    let mut no_such_key = good.clone();
    no_such_key.1.key_index = 9;
    let bad = [other_key, damaged, cut, other_iv, no_such_key];
    for (foreign, provider) in providers().into_iter().enumerate() {
        let subscriber = Subscriber::with(Some(provider), Some("me"));
        let stream = subscriber.reading_track(DataTrackSubscribeOptions::default(), true);
        let mut packets = Packets::default();
        for (sealed, encryption) in &bad {
            subscriber.feed(packets.sealed(sealed, *encryption));
        }
        subscriber.feed(packets.sealed(&good.0, good.1));
        let frames = read_all(&stream);
        assert_eq!(frames.len(), 1, "the good one, without a wait for those before it");
        assert_eq!(frames[0].payload.as_ref(), b"secret");
        let stats = subscriber.track("data").stats();
        assert_eq!(stats.frames_dropped_undecryptable, bad.len() as u64);
        assert_eq!(stats.frames_completed, 6);
        let errors = subscriber.manager.stats().delegate_errors;
        assert_eq!(errors, if foreign == 1 { 5 } else { 0 }, "what a foreign provider throws");
    }
}

#[test]
fn p4_frames_that_are_not_what_the_track_says_are_refused() {
    let sealer = ring(KEY).encryption_provider(None);
    let (sealed, encryption) = seal(&sealer, b"secret");
    for encrypted in [false, true] {
        for size in [10, 40_000] {
            let provider = ring(KEY).decryption_provider();
            let subscriber = Subscriber::with(Some(provider), Some("me"));
            let stream = subscriber.reading_track(DataTrackSubscribeOptions::default(), encrypted);
            let mut packets = Packets::default();
            let (wrong, right) = if encrypted {
                (packets.frame(&vec![0; size]), packets.sealed(&sealed, encryption))
            } else {
                (packets.sealed(&sealed.repeat(size / 10), encryption), packets.frame(b"secret"))
            };
            subscriber.feed(wrong);
            subscriber.feed(right);
            let frames = read_all(&stream);
            assert_eq!(frames.len(), 1, "the right one, without a wait for the one before it");
            assert_eq!(frames[0].payload.as_ref(), b"secret");
            assert_eq!(subscriber.track("data").stats().frames_dropped_encryption_mismatch, 1);
        }
    }
}

#[test]
fn p4_without_a_provider_an_encrypted_track_cannot_be_read() {
    let subscriber = Subscriber::new();
    let mut secret = track(1, "DTR_1", "data");
    secret.encryption = 1;
    subscriber.update(vec![participant("bob", vec![secret])]);
    subscriber.host.take();
    let answer = poll_once(subscriber.track("data").subscribe(None)).unwrap();
    assert_eq!(answer.unwrap_err(), SubscribeError::DecryptionUnavailable);
    assert_eq!(subscriber.host.take(), []);
    assert!(subscriber.track("data").info().uses_e2ee);
}

/// A provider that opens by taking the tag off, and does what it is told meanwhile.
struct Scripted(Box<Script>);

type Script = dyn Fn(&[u8]) -> Result<(), DecryptionError> + Send + Sync;

impl DecryptionProvider for Scripted {
    fn decrypt(&self, payload: EncryptedPayload, _: String) -> Result<Payload, DecryptionError> {
        (self.0)(payload.payload.as_ref())?;
        Ok(payload.payload)
    }
}

fn scripted(
    script: impl Fn(&[u8]) -> Result<(), DecryptionError> + Send + Sync + 'static,
) -> (Arc<Subscriber>, Arc<DataTrackStream>) {
    let provider = Arc::new(Scripted(Box::new(script)));
    let subscriber = Subscriber::with(Some(provider), Some("me"));
    let options = DataTrackSubscribeOptions { buffer_frames: 1024, ..Default::default() };
    let stream = subscriber.reading_track(options, true);
    (Arc::new(subscriber), stream)
}

/// A key, and an IV like no other.
fn some() -> Encryption {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let mut iv = [0; 12];
    iv[..4].copy_from_slice(&LAST.fetch_add(1, Relaxed).to_be_bytes());
    Encryption { key_index: 0, iv }
}

#[test]
fn p5_a_provider_that_throws_or_panics_harms_one_frame() {
    let (subscriber, stream) = scripted(|bytes| match bytes[0] {
        1 => Err(DecryptionError::Failed),
        2 => panic!("the provider's own"),
        _ => Ok(()),
    });
    let mut packets = Packets::default();
    for first in [0, 1, 2, 3] {
        subscriber.feed(packets.sealed(&[first; 20], some()));
    }
    assert_eq!(read_numbers(&stream), [0, 3]);
    assert_eq!(subscriber.track("data").stats().frames_dropped_undecryptable, 2);
    let stats = subscriber.manager.stats();
    assert_eq!((stats.delegate_errors, stats.panics), (2, 0));
}

#[test]
fn p11_a_provider_may_call_back() {
    let slot: Arc<Mutex<Option<Arc<Subscriber>>>> = Arc::default();
    let inner = Arc::clone(&slot);
    let (subscriber, stream) = scripted(move |bytes| {
        let held = inner.lock().unwrap().clone();
        let Some(subscriber) = held.filter(|_| bytes[0] == 0) else { return Ok(()) };
        let mut packets = Packets { number: 1, sequence: 1, ..Default::default() };
        subscriber.feed(packets.sealed(&[1; 20], some()));
        subscriber.update(vec![participant("eve", vec![track(1, "DTR_2", "other")])]);
        subscriber.track("data").stats();
        Ok(())
    });
    *slot.lock().unwrap() = Some(Arc::clone(&subscriber));
    subscriber.feed(Packets::default().sealed(&[0; 20], some()));
    *slot.lock().unwrap() = None;
    assert_eq!(read_numbers(&stream), [0, 1], "in order, each once");
}

fn gate() -> (Sender<()>, Mutex<Receiver<()>>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Mutex::new(receiver))
}

#[test]
fn p11_a_provider_that_blocks_holds_up_its_track_only() {
    let (entered, was_entered) = gate();
    let (go, gone) = gate();
    let (subscriber, stream) = scripted(move |bytes| {
        if bytes[0] == 1 {
            entered.send(()).unwrap();
            gone.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        }
        Ok(())
    });
    subscriber.update(vec![participant("eve", vec![track(1, "DTR_2", "other")])]);
    let other = subscriber.subscribe("other", DataTrackSubscribeOptions::default());
    subscriber.handles(&[(7, "DTR_1"), (8, "DTR_2")]);
    let other = other.finish().unwrap();
    let mut packets = Packets::default();
    let blocking = packets.sealed(&[1; 20], some());
    let blocked = Arc::clone(&subscriber);
    let blocked = thread::spawn(move || blocked.feed(blocking));
    was_entered.lock().unwrap().recv().unwrap();
    for _ in 0..9 {
        subscriber.feed(packets.sealed(&[0; 20], some()));
    }
    subscriber.feed(Packets { handle: 8, ..Default::default() }.frame(b"plain"));
    assert_eq!(read_numbers(&other), [0]);
    assert_eq!(read_numbers(&stream), [] as [u64; 0]);
    go.send(()).unwrap();
    blocked.join().unwrap();
    assert_eq!(read_numbers(&stream), (0..10).collect::<Vec<_>>(), "in order");
}

#[test]
fn p10_what_waits_for_a_provider_is_bounded() {
    let (entered, was_entered) = gate();
    let (go, gone) = gate();
    let (subscriber, stream) = scripted(move |bytes| {
        if bytes[0] == 1 {
            entered.send(()).unwrap();
            gone.lock().unwrap().recv_timeout(Duration::from_secs(30)).unwrap();
        }
        Ok(())
    });
    let mut packets = Packets::default();
    let mut while_blocked = |frames: usize, bytes: usize| {
        let first = u64::from(packets.number);
        let blocking = packets.sealed(&[1; 20], some());
        let blocked = Arc::clone(&subscriber);
        let blocked = thread::spawn(move || blocked.feed(blocking));
        was_entered.lock().unwrap().recv().unwrap();
        for _ in 0..frames {
            subscriber.feed(packets.sealed(&vec![0; bytes], some()));
        }
        go.send(()).unwrap();
        blocked.join().unwrap();
        read_numbers(&stream).into_iter().map(|number| number - first).collect::<Vec<u64>>()
    };
    assert_eq!(while_blocked(100, 1 << 20), (0..9).collect::<Vec<_>>(), "8 MiB of them");
    // What has waited is given back: twenty times that much is more than all tracks of a manager may have.
    for _ in 0..20 {
        assert_eq!(while_blocked(8, 1 << 20).len(), 9);
    }
    assert_eq!(subscriber.track("data").stats().frames_dropped_budget, 92);
    while_blocked(5_000, 20);
    let dropped = subscriber.track("data").stats().frames_dropped_budget - 92;
    assert_eq!(dropped, 5_000 - 4_096, "a number of them");
}

#[test]
fn a_frame_opened_after_a_new_beginning_has_no_place_in_it() {
    let slot: Arc<Mutex<Option<Arc<Subscriber>>>> = Arc::default();
    let inner = Arc::clone(&slot);
    let (subscriber, stream) = scripted(move |_| {
        if let Some(subscriber) = inner.lock().unwrap().take() {
            subscriber.handles(&[(9, "DTR_1")]);
        }
        Ok(())
    });
    *slot.lock().unwrap() = Some(Arc::clone(&subscriber));
    let mut former = Packets { number: 500, ..Default::default() };
    subscriber.feed(former.sealed(&[0; 20], some()));
    let mut packets = Packets { handle: 9, ..Default::default() };
    (0..3).for_each(|_| subscriber.feed(packets.sealed(&[0; 20], some())));
    assert_eq!(read_numbers(&stream), [0, 1, 2]);
    assert_eq!(stream.stats().frames_late, 1);
}

#[test]
fn p4_a_frame_opened_after_the_end_reaches_nobody() {
    let slot: Arc<Mutex<Option<Arc<Subscriber>>>> = Arc::default();
    let inner = Arc::clone(&slot);
    let (subscriber, stream) = scripted(move |_| {
        if let Some(subscriber) = inner.lock().unwrap().take() {
            subscriber.update(vec![left("bob")]);
        }
        Ok(())
    });
    *slot.lock().unwrap() = Some(Arc::clone(&subscriber));
    subscriber.feed(Packets::default().sealed(&[0; 20], some()));
    assert_eq!(poll_once(stream.next(None)), Some(Ok(None)));
}

#[test]
fn a_provider_that_always_has_the_same_iv_is_read_all_the_same() {
    let (subscriber, stream) = scripted(|_| Ok(()));
    let mut packets = Packets::default();
    let same = some();
    (0..10_u8).for_each(|number| subscriber.feed(packets.sealed(&[number; 20], same)));
    assert_eq!(read_numbers(&stream), (0..10).collect::<Vec<_>>());
    subscriber.feed(packets.sealed(&[9; 20], same));
    assert_eq!(read_all(&stream), []);
    assert_eq!(subscriber.track("data").stats().frames_dropped_replayed, 1);
}

#[test]
fn p4_a_frame_that_comes_again_under_another_number_is_refused() {
    let (sealed, encryption) = seal(&ring(KEY).encryption_provider(None), b"once");
    let renamed = Encryption { key_index: 1, ..encryption };
    let mut damaged = sealed.clone();
    damaged[0] ^= 1;
    for provider in providers() {
        let subscriber = Subscriber::with(Some(provider), Some("me"));
        let stream = subscriber.reading_track(DataTrackSubscribeOptions::default(), true);
        let mut packets = Packets::default();
        subscriber.feed(packets.sealed(&damaged, encryption));
        subscriber.feed(packets.sealed(&sealed, encryption));
        assert_eq!(read_all(&stream).len(), 1, "what did not open was no frame");
        subscriber.feed(packets.sealed(&sealed, encryption));
        subscriber.feed(packets.sealed(&sealed, renamed));
        subscriber.clock.advance(20 * MS);
        assert_eq!(read_all(&stream), []);
        let stats = subscriber.track("data").stats();
        assert_eq!((stats.frames_dropped_undecryptable, stats.frames_dropped_replayed), (1, 2));
    }
}

#[test]
fn p3_a_sealed_frame_that_is_held_comes_when_its_window_is_over() {
    for provider in providers() {
        let (sealed, encryption) = seal(&ring(KEY).encryption_provider(None), b"secret");
        let subscriber = Subscriber::with(Some(provider), Some("me"));
        let stream = subscriber.reading_track(DataTrackSubscribeOptions::default(), true);
        let mut packets = Packets { number: 9, ..Default::default() };
        subscriber.feed(packets.sealed(&sealed, encryption));
        assert_eq!(read_numbers(&stream), [] as [u64; 0]);
        subscriber.clock.advance(20 * MS);
        assert_eq!(read_numbers(&stream), [9]);
    }
}
