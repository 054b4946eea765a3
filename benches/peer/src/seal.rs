//! AES-128-GCM for the peer, which has none of its own: the least that a provider can do, one copy and one pass each way.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit, aead::inout::InOutBuf};
use bytes::Bytes;
use datatracks_bench_side::KEY;
use livekit_datatrack::backend::{
    DecryptionError, DecryptionProvider, EncryptedPayload, EncryptionError, EncryptionProvider,
};

/// One key, and a count for the IVs.
pub(crate) struct Cipher {
    gcm: Aes128Gcm,
    count: AtomicU64,
}

impl Cipher {
    pub(crate) fn new() -> Self {
        Self { gcm: Aes128Gcm::new(&KEY.into()), count: AtomicU64::new(0) }
    }

    /// Ciphertext and tag.
    fn seal(&self, iv: &[u8; 12], plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() + TAG);
        out.resize(plain.len(), 0);
        let buffers = InOutBuf::new(plain, &mut out).unwrap();
        let tag = self.gcm.encrypt_inout_detached(iv.into(), &[], buffers).unwrap();
        out.extend_from_slice(&tag);
        out
    }

    fn open(&self, iv: &[u8; 12], sealed: &[u8]) -> Vec<u8> {
        let (text, tag) = sealed.split_last_chunk::<TAG>().unwrap();
        let mut out = vec![0; text.len()];
        let buffers = InOutBuf::new(text, &mut out).unwrap();
        self.gcm.decrypt_inout_detached(iv.into(), &[], buffers, tag.into()).unwrap();
        out
    }

    fn iv(&self) -> [u8; 12] {
        let mut iv = [0; 12];
        iv[4..].copy_from_slice(&self.count.fetch_add(1, Relaxed).to_be_bytes());
        iv
    }
}

impl EncryptionProvider for Cipher {
    fn encrypt(&self, payload: Bytes) -> Result<EncryptedPayload, EncryptionError> {
        let iv = self.iv();
        Ok(EncryptedPayload { payload: self.seal(&iv, &payload).into(), iv, key_index: 0 })
    }
}

impl DecryptionProvider for Cipher {
    fn decrypt(&self, sealed: EncryptedPayload, _: String) -> Result<Bytes, DecryptionError> {
        Ok(self.open(&sealed.iv, &sealed.payload).into())
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher")
    }
}

const TAG: usize = 16;
