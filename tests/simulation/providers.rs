//! How frames are encrypted in the simulated room.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use datatracks::*;

use super::host::{Host, Side};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Off,
    KeyRing,
    Provider,
}

type Providers = (Option<Arc<dyn EncryptionProvider>>, Option<Arc<dyn DecryptionProvider>>);

impl Encryption {
    pub fn providers(self, host: &Arc<Host>) -> Providers {
        match self {
            Self::Off => (None, None),
            Self::Provider => {
                let mirror =
                    Arc::new(Mirror { host: Arc::clone(host), sealed: host.draw().into() });
                (Some(Arc::clone(&mirror) as _), Some(mirror))
            }
            Self::KeyRing => {
                let options =
                    KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() };
                let ring = Arc::new(KeyRing::new(options).unwrap());
                ring.set_shared_key(b"one key for all".to_vec(), 0).unwrap();
                let encryption = Arc::clone(&ring).encryption_provider(None);
                (Some(encryption), Some(ring.decryption_provider()))
            }
        }
    }
}

/// A provider as an application may write one: it hides the plain text and marks what it sealed. Now and then it throws, or makes
/// an IV that is none.
struct Mirror {
    host: Arc<Host>,
    sealed: AtomicU64,
}

impl Mirror {
    /// What a call of a provider may do; true when it is to fail.
    fn fails(&self, side: Side) -> bool {
        self.host.go_on();
        let fails = self.host.fails(self.host.provider_throws.load(Relaxed));
        if fails {
            self.host.throw(side);
        }
        fails
    }
}

impl EncryptionProvider for Mirror {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        if self.fails(Side::Local) {
            return Err(EncryptionError::Failed);
        }
        let number = self.sealed.fetch_add(1, Relaxed);
        let mut iv = vec![7; 12];
        iv[..8].copy_from_slice(&number.to_be_bytes());
        if self.host.fails(self.host.provider_throws.load(Relaxed)) {
            iv.pop();
        }
        let mut sealed = turned(payload.as_ref());
        sealed.extend_from_slice(MARK);
        Ok(EncryptedPayload { payload: sealed.into(), iv, key_index: 3 })
    }
}

impl DecryptionProvider for Mirror {
    fn decrypt(&self, sealed: EncryptedPayload, _: String) -> Result<Payload, DecryptionError> {
        if self.fails(Side::Remote) {
            return Err(DecryptionError::Failed);
        }
        let Some(bytes) = sealed.payload.as_ref().strip_suffix(MARK) else {
            self.host.throw(Side::Remote);
            return Err(DecryptionError::Failed);
        };
        Ok(turned(bytes).into())
    }
}

fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

const MARK: &[u8] = b"mirrored";
