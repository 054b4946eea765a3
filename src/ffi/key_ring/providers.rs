//! A key ring as a host's provider: what foreign code calls when it is handed one, and how a manager finds the ring in it.

use std::sync::Arc;

use bytes::Bytes;

use super::KeyRing;
use crate::{
    e2ee::{IV_LEN, TAG_LEN},
    error::{DecryptionError, EncryptionError},
    ffi::{
        DecryptionProvider, EncryptedPayload, EncryptionProvider,
        lock::{Hold, Mutex},
        random::SystemRandom,
    },
    frame::Payload,
    packet::Encryption,
    random::Random,
};

/// Seals with a ring.
pub(super) struct Sealer {
    ring: Arc<KeyRing>,
    local_identity: Option<String>,
    random: Mutex<SystemRandom>,
}

impl Sealer {
    pub(super) fn new(ring: Arc<KeyRing>, local_identity: Option<String>) -> Self {
        Self { ring, local_identity, random: Mutex::default() }
    }
}

impl EncryptionProvider for Sealer {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        let (key_index, key) = self.ring.sealing_key(self.local_identity.as_deref())?;
        let mut iv = [0; IV_LEN];
        self.random.hold().fill(&mut iv);
        let plain = payload.as_ref();
        let mut sealed = vec![0; plain.len() + TAG_LEN];
        let (cipher_text, tag) = sealed.split_last_chunk_mut().ok_or(EncryptionError::Failed)?;
        *tag = key.seal_into(&iv, plain, cipher_text).map_err(|_| EncryptionError::Failed)?;
        Ok(EncryptedPayload { payload: Bytes::from(sealed).into(), iv: iv.to_vec(), key_index })
    }

    fn key_ring(&self) -> Option<(&Arc<KeyRing>, Option<&str>)> {
        Some((&self.ring, self.local_identity.as_deref()))
    }
}

/// Opens with a ring.
pub(super) struct Opener {
    ring: Arc<KeyRing>,
}

impl Opener {
    pub(super) fn new(ring: Arc<KeyRing>) -> Self {
        Self { ring }
    }
}

impl DecryptionProvider for Opener {
    fn decrypt(
        &self,
        payload: EncryptedPayload,
        publisher_identity: String,
    ) -> Result<Payload, DecryptionError> {
        let EncryptedPayload { payload, iv, key_index } = payload;
        let iv = iv.try_into().map_err(|_| DecryptionError::Failed)?;
        let encryption = Encryption { key_index, iv };
        let mut plain = Vec::new();
        self.ring.open_into(&publisher_identity, &encryption, payload.as_ref(), &mut plain)?;
        Ok(Payload::from(plain))
    }

    fn key_ring(&self) -> Option<&Arc<KeyRing>> {
        Some(&self.ring)
    }
}
