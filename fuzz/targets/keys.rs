//! Sequences of calls to two key rings: what one seals, the other opens exactly when it has that key.
#![no_main]

use std::sync::Arc;

use arbitrary::Arbitrary;
use datatracks::{EncryptedPayload, KeyDerivation, KeyRing, KeyRingOptions, Payload};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    salt: Option<Vec<u8>>,
    ring_size: u16,
    ratchet_window: u8,
    calls: Vec<Call>,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Shared { both: bool, material: Vec<u8>, index: u8 },
    Participant { both: bool, alice: bool, material: Vec<u8>, index: u8 },
    Select { index: u8 },
    Ratchet { index: u8 },
    RatchetParticipant { alice: bool, index: u8 },
    Seal { alice: Option<bool>, payload: Vec<u8> },
    Open { payload: Vec<u8>, iv: Vec<u8>, key_index: u8, alice: bool },
}

fuzz_target!(|input: Input| {
    let options = || KeyRingOptions {
        derivation: KeyDerivation::Hkdf,
        salt: input.salt.clone(),
        ring_size: input.ring_size.into(),
        ratchet_window: input.ratchet_window.into(),
    };
    let (Ok(ours), Ok(theirs)) = (KeyRing::new(options()), KeyRing::new(options())) else { return };
    let rings = [Arc::new(ours), Arc::new(theirs)];
    let mut same = true;
    input.calls.into_iter().take(MOST_CALLS).for_each(|call| make(call, &rings, &mut same));
});

/// `same`: both rings were told the same so far.
fn make(call: Call, rings: &[Arc<KeyRing>; 2], same: &mut bool) {
    let told = |both: bool| &rings[..if both { 2 } else { 1 }];
    match call {
        Call::Shared { both, material, index } => {
            for ring in told(both) {
                *same &= ring.set_shared_key(material.clone(), index).is_err() || both;
            }
        }
        Call::Participant { both, alice, material, index } => {
            for ring in told(both) {
                let set = ring.set_participant_key(name(alice), material.clone(), index);
                *same &= set.is_err() || both;
            }
        }
        Call::Select { index } => rings.iter().for_each(|ring| drop(ring.set_key_index(index))),
        Call::Ratchet { index } => {
            let made: Vec<_> = rings.iter().map(|ring| ring.ratchet_shared_key(index)).collect();
            assert!(!*same || made[0] == made[1]);
        }
        Call::RatchetParticipant { alice, index } => {
            let ratchet = |ring: &Arc<KeyRing>| ring.ratchet_participant_key(name(alice), index);
            let made: Vec<_> = rings.iter().map(ratchet).collect();
            assert!(!*same || made[0] == made[1]);
        }
        Call::Seal { alice, payload } => seal(alice, payload, rings, *same),
        Call::Open { payload, iv, key_index, alice } => {
            let sealed = EncryptedPayload { payload: Payload::from(payload), iv, key_index };
            let opened = rings[1].clone().decryption_provider().decrypt(sealed, name(alice));
            assert!(opened.is_err(), "bytes that nobody sealed");
        }
    }
}

fn seal(alice: Option<bool>, payload: Vec<u8>, rings: &[Arc<KeyRing>; 2], same: bool) {
    let sealer = Arc::clone(&rings[0]).encryption_provider(alice.map(name));
    let Ok(sealed) = sealer.encrypt(Payload::from(payload.clone())) else { return };
    let publisher = alice.map_or_else(|| "carol".into(), name);
    let opened = Arc::clone(&rings[1]).decryption_provider().decrypt(sealed, publisher);
    if let Ok(opened) = &opened {
        assert_eq!(opened.as_ref(), payload);
    }
    assert!(!same || opened.is_ok(), "{opened:?}");
}

fn name(alice: bool) -> String {
    if alice { "alice".into() } else { "bob".into() }
}

/// Longer sequences say nothing new, and cost time.
const MOST_CALLS: usize = 32;
