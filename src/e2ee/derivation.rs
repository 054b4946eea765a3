//! From key material to keys, and from one key to the next (protocol §6.2, 6.3).
//!
//! ```text
//!  material 0 ──KDF──► 32 bytes ─┬─► first 16: AES key 0
//!                                └─► all 32:   material 1 ──KDF──► AES key 1, material 2 …
//! ```
//! The SDKs run the derivation twice a step, once for 128 and once for 256 bits. Both begin with the same bytes, so once is enough.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::options::KeyDerivation;
use datatracks_aes::{AesKey, KEY_LEN};

/// How keys are made from key material. All participants of a room must agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    kind: KeyDerivation,
    salt: Vec<u8>,
}

/// A key, and the material of the next.
pub struct Generation {
    key: Arc<AesKey>,
    next_material: Zeroizing<[u8; MATERIAL_LEN]>,
}

impl Derivation {
    /// A derivation with this salt, or with that of the SDKs.
    pub fn new(kind: KeyDerivation, salt: Option<Vec<u8>>) -> Self {
        Self { kind, salt: salt.unwrap_or_else(|| DEFAULT_SALT.to_vec()) }
    }

    /// The key of `material`. With PBKDF2 this takes 10 to 100 ms.
    pub fn derive(&self, material: &[u8]) -> Generation {
        let mut derived = Zeroizing::new([0; MATERIAL_LEN]);
        match self.kind {
            KeyDerivation::Pbkdf2 => {
                pbkdf2_hmac::<Sha256>(material, &self.salt, ITERATIONS, derived.as_mut());
            }
            KeyDerivation::Hkdf => self.expand(material, &mut derived),
        }
        Generation::of(derived)
    }

    /// The key one ratchet step after `generation`. As slow as [`derive`](Self::derive).
    pub fn ratchet(&self, generation: &Generation) -> Generation {
        self.derive(generation.next_material())
    }

    #[expect(clippy::expect_used, reason = "going on with a key of zeros would be worse")]
    fn expand(&self, material: &[u8], derived: &mut [u8; MATERIAL_LEN]) {
        Hkdf::<Sha256>::new(Some(&self.salt), material)
            .expand(HKDF_INFO, derived)
            .expect("HKDF-SHA-256 gives up to 8160 bytes");
    }
}

impl Generation {
    fn of(derived: Zeroizing<[u8; MATERIAL_LEN]>) -> Self {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        key.iter_mut().zip(derived.iter()).for_each(|(to, from)| *to = *from);
        Self { key: Arc::new(AesKey::new(&key)), next_material: derived }
    }

    /// The key.
    pub fn key(&self) -> &Arc<AesKey> {
        &self.key
    }

    /// The material of the key one ratchet step on.
    pub fn next_material(&self) -> &[u8] {
        self.next_material.as_slice()
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generation(..)")
    }
}

/// The salt of all SDKs (protocol §6.2).
const DEFAULT_SALT: &[u8] = b"LKFrameEncryptionKey";

/// Iterations of PBKDF2 in all SDKs (protocol §6.2).
const ITERATIONS: u32 = 100_000;

/// What the SDKs give HKDF as info (protocol §6.2).
const HKDF_INFO: &[u8] = &[0; 128];

/// Bytes of ratcheted material (protocol §6.3).
const MATERIAL_LEN: usize = 32;
