//! Random lives of a key ring, held against a few lines that say who ought to open what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{collections::BTreeMap, sync::Arc};

use datatracks::{
    DecryptionError, EncryptedPayload, KeyDerivation, KeyRing, KeyRingOptions, Payload,
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(FileFailurePersistence::WithSource("regressions")))]

    #[test]
    fn a_receiver_opens_what_its_keys_and_window_allow(window in 0_u32..4, steps in prop::collection::vec(steps(), 1..60)) {
        let mut room = Room::new(window);
        for step in steps {
            room.apply(step);
        }
    }

    #[test]
    fn what_nobody_sealed_never_opens(
        payload in prop::collection::vec(any::<u8>(), 0..64),
        iv in prop::collection::vec(any::<u8>(), 0..16),
        key_index in prop_oneof![Just(3), any::<u8>()],
        window in 0_u32..4,
    ) {
        let ring = ring(window);
        ring.set_shared_key(b"key".to_vec(), 3).unwrap();
        let has_key = key_index == 3;
        let frame = EncryptedPayload { payload: payload.into(), iv: iv.clone(), key_index };
        let opened = ring.decryption_provider().decrypt(frame, "alice".into());
        let expected = match has_key || iv.len() != 12 {
            true => DecryptionError::Failed,
            false => DecryptionError::KeyMissing { key_index },
        };
        prop_assert_eq!(opened, Err(expected));
    }
}

/// Three publishers with rings of their own, and the receiver under test.
struct Room {
    window: u32,
    receiver: Arc<KeyRing>,
    senders: [Arc<KeyRing>; 3],
    /// What the senders seal with.
    sealing: [Option<Key>; 3],
    /// What the receiver's host has set, and how far each publisher is from there.
    shared: Option<Key>,
    own: [Option<Key>; 3],
    followed: BTreeMap<usize, Key>,
}

/// A material, and how often it was ratcheted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    material: u8,
    generation: u32,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    SetShared(u8),
    SetOwn(usize, u8),
    SenderSets(usize, u8),
    SenderRatchets(usize),
    ReceiverRatchetsShared,
    ReceiverRatchetsOwn(usize),
    Send(usize),
    SendDamaged(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    // Few materials, so that the two sides often agree.
    let (sender, material) = (0..3_usize, 1..3_u8);
    prop_oneof![
        2 => material.clone().prop_map(Step::SetShared),
        1 => (sender.clone(), material.clone()).prop_map(|(who, material)| Step::SetOwn(who, material)),
        3 => (sender.clone(), material).prop_map(|(who, material)| Step::SenderSets(who, material)),
        4 => sender.clone().prop_map(Step::SenderRatchets),
        1 => Just(Step::ReceiverRatchetsShared),
        1 => sender.clone().prop_map(Step::ReceiverRatchetsOwn),
        8 => sender.clone().prop_map(Step::Send),
        2 => sender.prop_map(Step::SendDamaged),
    ]
}

impl Room {
    fn new(window: u32) -> Self {
        Self {
            window,
            receiver: ring(window),
            senders: [(); 3].map(|()| ring(0)),
            sealing: [None; 3],
            shared: None,
            own: [None; 3],
            followed: BTreeMap::new(),
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::SetShared(material) => {
                self.receiver.set_shared_key(vec![material], 0).unwrap();
                self.shared = Some(Key::new(material));
                self.followed.clear();
            }
            Step::SetOwn(who, material) => {
                self.receiver.set_participant_key(name(who), vec![material], 0).unwrap();
                self.own[who] = Some(Key::new(material));
            }
            Step::SenderSets(who, material) => {
                self.senders[who].set_shared_key(vec![material], 0).unwrap();
                self.sealing[who] = Some(Key::new(material));
            }
            Step::SenderRatchets(who) => {
                let ratcheted = self.senders[who].ratchet_shared_key(0);
                assert_eq!(ratcheted.is_ok(), ratchet(&mut self.sealing[who]));
            }
            Step::ReceiverRatchetsShared => {
                let ratcheted = self.receiver.ratchet_shared_key(0);
                assert_eq!(ratcheted.is_ok(), ratchet(&mut self.shared));
                self.followed.clear();
            }
            Step::ReceiverRatchetsOwn(who) => {
                let ratcheted = self.receiver.ratchet_participant_key(name(who), 0);
                assert_eq!(ratcheted.is_ok(), ratchet(&mut self.own[who]));
            }
            Step::Send(who) => self.send(who),
            Step::SendDamaged(who) => self.send_damaged(who),
        }
    }

    fn send(&mut self, who: usize) {
        let Some((sealed, with)) = self.seal(who) else { return };
        let expected = match self.opening(who) {
            None => Err(DecryptionError::KeyMissing { key_index: 0 }),
            Some(key) if with.is_within(self.window, key) => {
                self.follow(who, with);
                Ok(PLAIN.to_vec())
            }
            Some(_) => Err(DecryptionError::Failed),
        };
        assert_eq!(self.open(who, sealed), expected);
    }

    fn send_damaged(&self, who: usize) {
        let Some((mut sealed, _)) = self.seal(who) else { return };
        sealed.iv[0] ^= 1;
        assert!(self.open(who, sealed).is_err());
    }

    fn seal(&self, who: usize) -> Option<(EncryptedPayload, Key)> {
        let provider = Arc::clone(&self.senders[who]).encryption_provider(None);
        let sealed = provider.encrypt(Payload::from(PLAIN.to_vec()));
        assert_eq!(sealed.is_ok(), self.sealing[who].is_some());
        Some((sealed.ok()?, self.sealing[who]?))
    }

    fn open(&self, who: usize, sealed: EncryptedPayload) -> Result<Vec<u8>, DecryptionError> {
        let provider = Arc::clone(&self.receiver).decryption_provider();
        provider.decrypt(sealed, name(who)).map(|plain| plain.as_ref().to_vec())
    }

    fn opening(&self, who: usize) -> Option<Key> {
        self.own[who].or(self.followed.get(&who).copied()).or(self.shared)
    }

    fn follow(&mut self, who: usize, key: Key) {
        match &mut self.own[who] {
            Some(own) => *own = key,
            None => drop(self.followed.insert(who, key)),
        }
    }
}

impl Key {
    fn new(material: u8) -> Self {
        Self { material, generation: 0 }
    }

    fn is_within(self, window: u32, of: Self) -> bool {
        let ahead = of.generation..=of.generation + window;
        self.material == of.material && ahead.contains(&self.generation)
    }
}

fn ratchet(key: &mut Option<Key>) -> bool {
    key.iter_mut().for_each(|key| key.generation += 1);
    key.is_some()
}

fn name(who: usize) -> String {
    format!("publisher {who}")
}

fn ring(ratchet_window: u32) -> Arc<KeyRing> {
    let options = KeyRingOptions {
        derivation: KeyDerivation::Hkdf,
        ratchet_window,
        ..KeyRingOptions::default()
    };
    Arc::new(KeyRing::new(options).unwrap())
}

const PLAIN: &[u8] = b"hello";
