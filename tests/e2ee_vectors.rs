//! The vectors of protocol §6.6, computed with two other implementations, and the encrypted packet of §1.11.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod hex;

use datatracks::{
    Handle, KeyDerivation, KeyRing, KeyRingOptions,
    e2ee::{AesKey, Derivation, Generation, OpenError, SealError},
    packet::{Encryption, Extensions, Header, Marker, decode},
};
use hex::{bytes, text};

#[test]
fn a_passphrase_becomes_the_keys_of_the_other_sdks() {
    let derivation = Derivation::new(KeyDerivation::Pbkdf2, None);
    let keys = generations(&derivation, b"password");
    assert_is(&keys[0], "421890b1557504a8ea1a90c253b419e4");
    assert_is(&keys[1], "9f3af7c94abca41d79f8c61e8dcff292");
    assert_is(&keys[2], "9e826ab0aea73a248719c524104ed9af");
    let materials = keys.each_ref().map(|key| text(key.next_material()));
    assert_eq!(
        materials[..2],
        [
            "421890b1557504a8ea1a90c253b419e4e1a3a43283f7115909d6fce6926e5e5f",
            "9f3af7c94abca41d79f8c61e8dcff292f77f52d4c0519dbfc6b6c67d35ca705e",
        ]
    );
    assert_eq!(seal(keys[0].key(), b"hello"), "fa75921b5e2c589053628cace5f918743ed12047d6");
    assert_eq!(seal(keys[1].key(), b"hello"), "11afdcbde1552b3e40daf569c7fce011a245ac1d41");
    assert_eq!(seal(keys[0].key(), b""), "f00ed4c94ba03568105524c055656bf7");
}

#[test]
fn raw_bytes_become_the_key_of_the_native_sdks() {
    let derivation = Derivation::new(KeyDerivation::Pbkdf2, None);
    assert_is(&derivation.derive(&raw_key()), "74884f8739e616fffc831a2172ff98b7");
}

#[test]
fn raw_bytes_become_the_keys_of_livekit_client_with_hkdf() {
    let keys = generations(&Derivation::new(KeyDerivation::Hkdf, None), &raw_key());
    assert_is(&keys[0], "6d0dd7b3d6f4efde47ab9a9e15abde76");
    assert_is(&keys[1], "bd83f159cff92bfaf55d2d2409c21221");
    assert_is(&keys[2], "9ff4c538fc78315617b77e6dfff19068");
    assert_eq!(
        text(keys[0].next_material()),
        "6d0dd7b3d6f4efde47ab9a9e15abde7635c45a13bddf5da15eed01f40178d328"
    );
    assert_eq!(seal(keys[0].key(), b"hello"), "9d29611031dd950b87f7aebb39a79ac098bbfacba4");
    assert_eq!(seal(keys[1].key(), b"hello"), "bb4e254c8f27699814d18319f167e882570dfdbfd9");
}

#[test]
fn the_ring_hands_out_the_material_of_the_other_sdks() {
    let ring = KeyRing::new(KeyRingOptions {
        derivation: KeyDerivation::Hkdf,
        ..KeyRingOptions::default()
    });
    let ring = ring.unwrap();
    ring.set_shared_key(raw_key(), 0).unwrap();
    assert_eq!(
        text(&ring.ratchet_shared_key(0).unwrap()),
        "6d0dd7b3d6f4efde47ab9a9e15abde7635c45a13bddf5da15eed01f40178d328"
    );
}

#[test]
fn the_encrypted_packet_is_written_and_read() {
    let key = Derivation::new(KeyDerivation::Pbkdf2, None).derive(b"password");
    let encryption = Encryption { key_index: 0, iv: IV };
    let header = Header {
        marker: Marker::Single,
        handle: Handle::MIN,
        sequence: 0,
        frame_number: 0,
        timestamp: 0,
        extensions: Extensions { encryption: Some(encryption), user_timestamp: None },
    };
    let mut packet = Vec::new();
    header.encode(&mut packet);
    packet.extend_from_slice(&bytes(&seal(key.key(), b"hello")));
    assert_eq!(text(&packet), PACKET);

    let read = decode(&packet).unwrap();
    assert_eq!(read.header, header);
    let mut plain = Vec::new();
    let iv = read.header.extensions.encryption.unwrap().iv;
    key.key().open_into(&iv, read.payload, &mut plain).unwrap();
    assert_eq!(plain, b"hello");
}

#[test]
fn all_ways_to_seal_and_open_agree() {
    let key = AesKey::new(&[7; 16]);
    for len in [0, 1, 15, 16, 17, 4096] {
        let plain: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let mut copy = vec![0; len];
        let tag = key.seal_into(&IV, &plain, &mut copy).unwrap();
        let mut in_place = plain.clone();
        assert_eq!(key.seal_in_place(&IV, &mut in_place).unwrap(), tag);
        assert_eq!(in_place, copy);

        let mut sealed = [copy.as_slice(), &tag].concat();
        let mut opened = vec![9; 99];
        key.open_into(&IV, &sealed, &mut opened).unwrap();
        key.open_in_place(&IV, &mut sealed).unwrap();
        assert_eq!((opened, sealed), (plain.clone(), plain));
    }
}

#[test]
fn what_does_not_open_leaves_nothing_behind() {
    let (key, other) = (AesKey::new(&[7; 16]), AesKey::new(&[8; 16]));
    let mut sealed = bytes(&seal(&key, b"hello"));
    let before = sealed.clone();
    assert_eq!(other.open_in_place(&IV, &mut sealed), Err(OpenError::WrongTag));
    assert_eq!(sealed, before, "another key may be tried");
    let mut out = vec![9; 99];
    assert_eq!(other.open_into(&IV, &sealed, &mut out), Err(OpenError::WrongTag));
    assert!(out.is_empty());
    let mut out = vec![9; 99];
    assert_eq!(key.open_into(&IV, &sealed[..15], &mut out), Err(OpenError::TooShort));
    assert!(out.is_empty());
    assert_eq!(key.open_in_place(&IV, &mut vec![0; 15]), Err(OpenError::TooShort));
}

#[test]
fn buffers_of_different_lengths_are_refused() {
    let key = AesKey::new(&[7; 16]);
    assert_eq!(key.seal_into(&IV, b"hello", &mut [0; 4]), Err(SealError));
}

#[test]
fn nothing_of_a_key_is_shown() {
    let key = Derivation::new(KeyDerivation::Hkdf, None).derive(b"key");
    assert_eq!(format!("{key:?} {:?}", key.key()), "Generation(..) AesKey(..)");
}

/// Key 0, 1 and 2 of a material.
fn generations(derivation: &Derivation, material: &[u8]) -> [Generation; 3] {
    let first = derivation.derive(material);
    let second = derivation.ratchet(&first);
    let third = derivation.ratchet(&second);
    [first, second, third]
}

/// Keys tell nobody their bytes, but two that seal alike are the same.
fn assert_is(generation: &Generation, key: &str) {
    let key = AesKey::new(&bytes(key).try_into().unwrap());
    assert_eq!(seal(generation.key(), b"hello"), seal(&key, b"hello"));
}

fn seal(key: &AesKey, plain: &[u8]) -> String {
    let mut sealed = plain.to_vec();
    let tag = key.seal_in_place(&IV, &mut sealed).unwrap();
    text(&[sealed.as_slice(), &tag].concat())
}

fn raw_key() -> Vec<u8> {
    (0..0x20).collect()
}

const IV: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

const PACKET: &str = "1c00000100000000000000000004010d00000102030405060708090a0b000000fa75921b5e2c589053628cace5f918743ed12047d6";
