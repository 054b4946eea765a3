//! The key ring as hosts use it: through its providers. The rules are those of protocol §6.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use datatracks::{
    DecryptionError, EncryptedPayload, EncryptionError, KeyDerivation, KeyRing, KeyRingError,
    KeyRingOptions, Payload,
};

#[test]
fn what_one_ring_seals_another_with_the_same_key_opens() {
    for derivation in [KeyDerivation::Pbkdf2, KeyDerivation::Hkdf] {
        let [alice, bob] = [(); 2].map(|()| {
            let ring = ring(KeyRingOptions { derivation, ..hkdf() });
            ring.set_shared_key(b"password".to_vec(), 0).unwrap();
            ring
        });
        for text in [b"".as_slice(), b"hello", &[7; 100_000]] {
            let sealed = seal(&alice, text);
            assert_eq!(sealed.payload.as_ref().len(), text.len() + 16);
            assert_eq!(open(&bob, "alice", &sealed).unwrap(), text);
        }
    }
}

#[test]
fn no_two_frames_share_an_iv_also_of_two_providers() {
    let ring = shared(b"key");
    let providers = [(); 2].map(|()| Arc::clone(&ring).encryption_provider(None));
    let ivs: BTreeSet<Vec<u8>> = (0..1000)
        .map(|frame| providers[frame % 2].encrypt(Payload::default()).unwrap().iv)
        .collect();
    assert_eq!(ivs.len(), 1000);
    assert!(ivs.iter().all(|iv| iv.len() == 12));
}

#[test]
fn frames_are_sealed_with_the_chosen_index_and_opened_with_theirs() {
    let (alice, bob) = (ring(hkdf()), ring(hkdf()));
    for (material, key_index) in [(b"old", 0), (b"new", 15)] {
        alice.set_shared_key(material.to_vec(), key_index).unwrap();
        bob.set_shared_key(material.to_vec(), key_index).unwrap();
    }
    let before = seal(&alice, b"hello");
    alice.set_key_index(15).unwrap();
    let after = seal(&alice, b"hello");
    assert_eq!((before.key_index, after.key_index), (0, 15));
    assert_eq!(open(&bob, "alice", &after).unwrap(), b"hello");
    assert_eq!(open(&bob, "alice", &before).unwrap(), b"hello");
}

#[test]
fn a_participants_own_key_goes_before_the_shared_one() {
    let bob = shared(b"shared");
    bob.set_participant_key("alice".into(), b"hers".to_vec(), 0).unwrap();

    let alice = ring(hkdf());
    alice.set_participant_key("alice".into(), b"hers".to_vec(), 0).unwrap();
    let sealed = Arc::clone(&alice).encryption_provider(Some("alice".into()));
    let sealed = sealed.encrypt(Payload::from(b"hello".to_vec())).unwrap();
    assert_eq!(open(&bob, "alice", &sealed).unwrap(), b"hello");
    assert_eq!(open(&bob, "carol", &sealed), Err(DecryptionError::Failed));

    let with_the_shared_key = seal(&shared(b"shared"), b"hello");
    assert_eq!(open(&bob, "carol", &with_the_shared_key).unwrap(), b"hello");
    assert_eq!(open(&bob, "alice", &with_the_shared_key), Err(DecryptionError::Failed));
}

#[test]
fn without_a_key_nothing_is_sealed_or_opened() {
    let ring = shared(b"key");
    let sealed = seal(&ring, b"hello");
    ring.set_key_index(3).unwrap();
    let provider = Arc::clone(&ring).encryption_provider(Some("alice".into()));
    assert_eq!(
        provider.encrypt(Payload::default()),
        Err(EncryptionError::KeyMissing { key_index: 3 })
    );
    for key_index in [1, 200] {
        let elsewhere = EncryptedPayload { key_index, ..sealed.clone() };
        assert_eq!(
            open(&ring, "alice", &elsewhere),
            Err(DecryptionError::KeyMissing { key_index })
        );
    }
}

#[test]
fn damaged_frames_do_not_open() {
    let ring = shared(b"key");
    let sealed = seal(&ring, b"hello");
    let bytes = sealed.payload.as_ref();
    for at in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1;
        let damaged = EncryptedPayload { payload: damaged.into(), ..sealed.clone() };
        assert_eq!(open(&ring, "alice", &damaged), Err(DecryptionError::Failed), "byte {at}");
    }
    for len in 0..bytes.len() {
        let cut = EncryptedPayload { payload: bytes[..len].to_vec().into(), ..sealed.clone() };
        assert_eq!(open(&ring, "alice", &cut), Err(DecryptionError::Failed), "{len} bytes");
    }
    for iv in [vec![], vec![0; 12], vec![0; 13]] {
        let other = EncryptedPayload { iv, ..sealed.clone() };
        assert_eq!(open(&ring, "alice", &other), Err(DecryptionError::Failed));
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_its_name() {
    for options in [
        KeyRingOptions { ring_size: 0, ..hkdf() },
        KeyRingOptions { ring_size: 257, ..hkdf() },
        KeyRingOptions { ratchet_window: 256, ..hkdf() },
    ] {
        assert_eq!(KeyRing::new(options).unwrap_err(), KeyRingError::InvalidOptions);
    }
    let ring = ring(hkdf());
    let outside = KeyRingError::InvalidKeyIndex { key_index: 16, ring_size: 16 };
    let missing = KeyRingError::KeyMissing { key_index: 15 };
    let alice = || "alice".to_owned();
    assert_eq!(ring.set_key_index(16), Err(outside.clone()));
    assert_eq!(ring.set_shared_key(b"key".to_vec(), 16), Err(outside.clone()));
    assert_eq!(ring.set_participant_key(alice(), b"key".to_vec(), 16), Err(outside.clone()));
    assert_eq!(ring.ratchet_shared_key(16), Err(outside.clone()));
    assert_eq!(ring.ratchet_participant_key(alice(), 16), Err(outside));
    assert_eq!(ring.ratchet_shared_key(15), Err(missing.clone()));
    assert_eq!(ring.ratchet_participant_key(alice(), 15), Err(missing));
    assert_eq!(ring.set_shared_key(vec![], 0), Err(KeyRingError::EmptyKey));
    assert_eq!(ring.set_participant_key(alice(), vec![], 0), Err(KeyRingError::EmptyKey));
}

#[test]
fn the_largest_ring_has_a_place_for_every_index() {
    let ring = ring(KeyRingOptions { ring_size: 256, ratchet_window: 255, ..hkdf() });
    ring.set_shared_key(b"key".to_vec(), 255).unwrap();
    ring.set_key_index(255).unwrap();
    let sealed = seal(&ring, b"hello");
    assert_eq!(open(&ring, "alice", &sealed).unwrap(), b"hello");
}

#[test]
fn rings_with_another_salt_or_derivation_do_not_understand_each_other() {
    let sealed = seal(&shared(b"key"), b"hello");
    for options in [
        KeyRingOptions { salt: Some(b"another".to_vec()), ..hkdf() },
        KeyRingOptions { derivation: KeyDerivation::Pbkdf2, ..hkdf() },
    ] {
        let other = ring(options);
        other.set_shared_key(b"key".to_vec(), 0).unwrap();
        assert_eq!(open(&other, "alice", &sealed), Err(DecryptionError::Failed));
    }
    let named = ring(KeyRingOptions { salt: Some(b"LKFrameEncryptionKey".to_vec()), ..hkdf() });
    named.set_shared_key(b"key".to_vec(), 0).unwrap();
    assert_eq!(open(&named, "alice", &sealed).unwrap(), b"hello");
}

#[test]
fn ratcheted_material_is_handed_to_the_others() {
    let (alice, bob) = (shared(b"key"), shared(b"key"));
    let material = alice.ratchet_shared_key(0).unwrap();
    let sealed = seal(&alice, b"hello");
    assert_eq!(open(&bob, "alice", &sealed), Err(DecryptionError::Failed), "window 0");
    bob.set_shared_key(material, 0).unwrap();
    assert_eq!(open(&bob, "alice", &sealed).unwrap(), b"hello");

    alice.set_participant_key("alice".into(), b"hers".to_vec(), 0).unwrap();
    let material = alice.ratchet_participant_key("alice".into(), 0).unwrap();
    bob.set_participant_key("alice".into(), material, 0).unwrap();
    let provider = Arc::clone(&alice).encryption_provider(Some("alice".into()));
    let sealed = provider.encrypt(Payload::from(b"hers".to_vec())).unwrap();
    assert_eq!(open(&bob, "alice", &sealed).unwrap(), b"hers");
}

#[test]
fn a_receiver_follows_as_far_as_its_window_and_no_further() {
    let alice = shared(b"key");
    let frames: Vec<_> = (0..10)
        .map(|_| {
            let sealed = seal(&alice, b"hello");
            alice.ratchet_shared_key(0).unwrap();
            sealed
        })
        .collect();
    let bob = with_window(3, b"key");
    assert_eq!(open(&bob, "alice", &frames[4]), Err(DecryptionError::Failed));
    assert_eq!(open(&bob, "alice", &frames[0]).unwrap(), b"hello", "the failure moved nothing");
    assert_eq!(open(&bob, "alice", &frames[3]).unwrap(), b"hello");
    assert_eq!(open(&bob, "alice", &frames[2]), Err(DecryptionError::Failed), "no way back");
    assert_eq!(open(&bob, "alice", &frames[7]), Err(DecryptionError::Failed));
    assert_eq!(open(&bob, "alice", &frames[6]).unwrap(), b"hello");
}

#[test]
fn publishers_ratchet_a_shared_key_each_for_itself() {
    let (alice, carol) = (shared(b"key"), shared(b"key"));
    let bob = with_window(2, b"key");
    alice.ratchet_shared_key(0).unwrap();
    assert_eq!(open(&bob, "alice", &seal(&alice, b"ahead")).unwrap(), b"ahead");
    assert_eq!(open(&bob, "carol", &seal(&carol, b"behind")).unwrap(), b"behind");
    let from_bob = seal(&bob, b"not moved");
    assert_eq!(open(&carol, "bob", &from_bob).unwrap(), b"not moved");
}

#[test]
fn a_new_shared_key_holds_for_those_who_had_ratcheted_the_old_one() {
    let alice = shared(b"old");
    let bob = with_window(2, b"old");
    alice.ratchet_shared_key(0).unwrap();
    assert_eq!(open(&bob, "alice", &seal(&alice, b"ahead")).unwrap(), b"ahead");
    bob.set_shared_key(b"new".to_vec(), 0).unwrap();
    alice.set_shared_key(b"new".to_vec(), 0).unwrap();
    assert_eq!(open(&bob, "alice", &seal(&alice, b"again")).unwrap(), b"again");
}

#[test]
fn a_flood_of_frames_that_nobody_can_open_costs_no_derivations() {
    let alice =
        ring(KeyRingOptions { derivation: KeyDerivation::Pbkdf2, ratchet_window: 2, ..hkdf() });
    alice.set_shared_key(b"key".to_vec(), 0).unwrap();
    let strange = seal(&shared(b"another"), b"hello");
    let deadline = Instant::now() + DEADLINE;
    // Deriving two keys for each would take minutes.
    for frame in 0..1000 {
        let publisher = format!("publisher {frame}");
        assert_eq!(open(&alice, &publisher, &strange), Err(DecryptionError::Failed));
        assert!(Instant::now() < deadline, "{frame} frames in {DEADLINE:?}");
    }
}

#[test]
fn frames_are_sealed_while_a_key_is_derived() {
    let ring = ring(KeyRingOptions { derivation: KeyDerivation::Pbkdf2, ..hkdf() });
    ring.set_shared_key(b"key".to_vec(), 0).unwrap();
    // A busy machine may hold a frame up now and then; a lock would hold one up every time.
    let held_up = (0..5)
        .all(|_| sealing_waits_for(&ring, || ring.set_shared_key(b"new".to_vec(), 1).unwrap()));
    assert!(!held_up);
}

/// Whether sealing a frame took more than half of the time that `work` took.
fn sealing_waits_for(ring: &Arc<KeyRing>, work: impl Fn() + Sync) -> bool {
    let done = AtomicBool::new(false);
    let provider = Arc::clone(ring).encryption_provider(None);
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let start = Instant::now();
            work();
            done.store(true, Ordering::Release);
            start.elapsed()
        });
        let mut longest = Duration::ZERO;
        while !done.load(Ordering::Acquire) {
            let start = Instant::now();
            provider.encrypt(Payload::default()).unwrap();
            longest = longest.max(start.elapsed());
        }
        longest > worker.join().unwrap() / 2
    })
}

#[test]
fn two_ratchets_at_once_are_two_steps() {
    // The slow derivation, so that both are under way together.
    let alice = ring(KeyRingOptions::default());
    alice.set_shared_key(b"key".to_vec(), 0).unwrap();
    let together = Barrier::new(2);
    let ratchet = || {
        together.wait();
        alice.ratchet_shared_key(0).unwrap()
    };
    let materials = thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(ratchet));
        workers.map(|worker| worker.join().unwrap())
    });
    assert_ne!(materials[0], materials[1]);
}

#[test]
fn nothing_of_a_key_is_shown() {
    assert_eq!(format!("{:?}", shared(b"secret")), "KeyRing(..)");
}

fn ring(options: KeyRingOptions) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(options).unwrap())
}

fn shared(material: &[u8]) -> Arc<KeyRing> {
    with_window(0, material)
}

fn with_window(ratchet_window: u32, material: &[u8]) -> Arc<KeyRing> {
    let ring = ring(KeyRingOptions { ratchet_window, ..hkdf() });
    ring.set_shared_key(material.to_vec(), 0).unwrap();
    ring
}

/// PBKDF2 takes its time; where the derivation does not matter, this one is used.
fn hkdf() -> KeyRingOptions {
    KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() }
}

fn seal(ring: &Arc<KeyRing>, plain: &[u8]) -> EncryptedPayload {
    let provider = Arc::clone(ring).encryption_provider(None);
    provider.encrypt(Payload::from(plain.to_vec())).unwrap()
}

fn open(
    ring: &Arc<KeyRing>,
    publisher: &str,
    sealed: &EncryptedPayload,
) -> Result<Vec<u8>, DecryptionError> {
    let provider = Arc::clone(ring).decryption_provider();
    provider.decrypt(sealed.clone(), publisher.into()).map(|plain| plain.as_ref().to_vec())
}

const DEADLINE: Duration = Duration::from_secs(30);
