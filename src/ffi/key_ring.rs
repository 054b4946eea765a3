//! The key ring that hosts hold, and the two providers that it makes.
//!
//! The lock is held to look keys up and to put them in; deriving, sealing and opening run without it. A manager that is
//! given one of the providers finds the ring through `key_ring()` and seals and opens in its own buffers; `encrypt` and
//! `decrypt` do the same for whoever calls them as a foreign provider would be called.

mod providers;

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use self::providers::{Opener, Sealer};
use super::{
    DecryptionProvider, EncryptionProvider,
    lock::{Hold, Mutex},
};
use crate::{
    e2ee::{AesKey, Derivation, Generation, OpenError, Ring},
    error::{DecryptionError, EncryptionError, KeyRingError},
    options::KeyRingOptions,
    packet::Encryption,
};

/// AES-128-GCM keys, by index, shared by all or per participant.
pub struct KeyRing {
    derivation: Derivation,
    window: usize,
    ring: Mutex<Ring>,
}

impl KeyRing {
    /// A ring without keys.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::InvalidOptions`] when an option is out of its range.
    pub fn new(options: KeyRingOptions) -> Result<Self, KeyRingError> {
        let ring = Ring::new(&options)?;
        Ok(Self {
            derivation: Derivation::new(options.derivation, options.salt),
            window: ring.window(),
            ring: Mutex::new(ring),
        })
    }

    /// Sets the key that all participants share. With PBKDF2 this takes 10 to 100 ms.
    ///
    /// # Errors
    ///
    /// When the material is empty or the ring has no such index.
    pub fn set_shared_key(&self, material: Vec<u8>, key_index: u8) -> Result<(), KeyRingError> {
        self.set(None, material, key_index)
    }

    /// Sets the key under which the frames of one participant are opened, and sealed if that is the local one.
    ///
    /// # Errors
    ///
    /// As [`set_shared_key`](Self::set_shared_key).
    pub fn set_participant_key(
        &self,
        identity: String,
        material: Vec<u8>,
        key_index: u8,
    ) -> Result<(), KeyRingError> {
        self.set(Some(&identity), material, key_index)
    }

    /// Chooses the index with which frames are sealed from now on; 0 at first.
    ///
    /// # Errors
    ///
    /// When the ring has no such index.
    pub fn set_key_index(&self, key_index: u8) -> Result<(), KeyRingError> {
        self.ring.hold().set_key_index(key_index)
    }

    /// Moves the shared key one ratchet step on and answers the new material.
    ///
    /// # Errors
    ///
    /// When there is no such key.
    pub fn ratchet_shared_key(&self, key_index: u8) -> Result<Vec<u8>, KeyRingError> {
        self.ratchet(None, key_index)
    }

    /// Moves a participant's key one ratchet step on and answers the new material.
    ///
    /// # Errors
    ///
    /// When there is no such key.
    pub fn ratchet_participant_key(
        &self,
        identity: String,
        key_index: u8,
    ) -> Result<Vec<u8>, KeyRingError> {
        self.ratchet(Some(&identity), key_index)
    }

    /// A provider that seals with this ring: with the key of `local_identity` where there is one, else with the shared key.
    pub fn encryption_provider(
        self: Arc<Self>,
        local_identity: Option<String>,
    ) -> Arc<dyn EncryptionProvider> {
        Arc::new(Sealer::new(self, local_identity))
    }

    /// A provider that opens with this ring.
    pub fn decryption_provider(self: Arc<Self>) -> Arc<dyn DecryptionProvider> {
        Arc::new(Opener::new(self))
    }

    /// The key to seal the next frame with, and its index.
    pub(crate) fn sealing_key(
        &self,
        identity: Option<&str>,
    ) -> Result<(u8, Arc<AesKey>), EncryptionError> {
        self.ring.hold().sealing_key(identity)
    }

    /// Opens a frame where it is.
    pub(crate) fn open(
        &self,
        publisher: &str,
        encryption: &Encryption,
        mut sealed: Vec<u8>,
    ) -> Result<Vec<u8>, DecryptionError> {
        self.open_with(publisher, encryption.key_index, |key| {
            key.open_in_place(&encryption.iv, &mut sealed)
        })?;
        Ok(sealed)
    }

    /// Opens a frame into `out`, which is empty when no key opens it.
    pub(crate) fn open_into(
        &self,
        publisher: &str,
        encryption: &Encryption,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), DecryptionError> {
        self.open_with(publisher, encryption.key_index, |key| {
            key.open_into(&encryption.iv, sealed, out)
        })
    }

    fn set(
        &self,
        identity: Option<&str>,
        material: Vec<u8>,
        key_index: u8,
    ) -> Result<(), KeyRingError> {
        let material = Zeroizing::new(material);
        self.ring.hold().check_index(key_index)?;
        if material.is_empty() {
            return Err(KeyRingError::EmptyKey);
        }
        let key = self.derivation.derive(&material);
        self.ring.hold().set(identity, key_index, key)
    }

    /// Steps on from what the ring holds at the end: of two calls at once, the later one moves on from where the other got to.
    fn ratchet(&self, identity: Option<&str>, key_index: u8) -> Result<Vec<u8>, KeyRingError> {
        loop {
            let from = Arc::clone(self.ring.hold().key(identity, key_index)?);
            let next = self.derivation.ratchet(&from);
            let mut ring = self.ring.hold();
            if Arc::ptr_eq(ring.key(identity, key_index)?, &from) {
                ring.set(identity, key_index, next)?;
                return Ok(from.next_material().to_vec());
            }
        }
    }

    /// Tries the publisher's key, then those ahead of it within the ratchet window.
    fn open_with(
        &self,
        publisher: &str,
        key_index: u8,
        mut open: impl FnMut(&AesKey) -> Result<(), OpenError>,
    ) -> Result<(), DecryptionError> {
        let mut key = Arc::clone(self.ring.hold().opening_key(publisher, key_index)?);
        let mut opened = open(key.key());
        for _ in 0..self.window {
            if opened != Err(OpenError::WrongTag) {
                break;
            }
            key = self.after(publisher, key_index, &key);
            opened = open(key.key());
            if opened.is_ok() {
                self.ring.hold().advance(publisher, key_index, &key);
                tracing::debug!(publisher, key_index, "a publisher has ratcheted its key");
            }
        }
        opened.map_err(|_| DecryptionError::Failed)
    }

    /// The key one ratchet step after `key`, derived when nobody has done so before.
    fn after(&self, publisher: &str, key_index: u8, key: &Arc<Generation>) -> Arc<Generation> {
        let known = self.ring.hold().known_after(publisher, key_index, key).cloned();
        known.unwrap_or_else(|| {
            let next = Arc::new(self.derivation.ratchet(key));
            self.ring.hold().learn(publisher, key_index, key, &next);
            next
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{e2ee::IV_LEN, options::KeyDerivation};

    #[test]
    fn a_frame_is_opened_where_it_is_also_by_a_key_ahead() {
        let options = KeyRingOptions {
            derivation: KeyDerivation::Hkdf,
            ratchet_window: 1,
            ..KeyRingOptions::default()
        };
        let [alice, bob] = [options.clone(), options].map(|options| KeyRing::new(options).unwrap());
        alice.set_shared_key(b"key".to_vec(), 0).unwrap();
        bob.set_shared_key(b"key".to_vec(), 0).unwrap();
        for _step in 0..3 {
            let (key_index, key) = alice.sealing_key(None).unwrap();
            let encryption = Encryption { key_index, iv: [7; IV_LEN] };
            let mut sealed = b"hello".to_vec();
            let tag = key.seal_in_place(&encryption.iv, &mut sealed).unwrap();
            sealed.extend_from_slice(&tag);
            assert_eq!(bob.open("alice", &encryption, sealed).unwrap(), b"hello");
            alice.ratchet_shared_key(0).unwrap();
        }
    }
}
