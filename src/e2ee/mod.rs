//! End-to-end encryption (protocol §6): AES-128-GCM over whole frames, and the ring that its keys come from.
//!
//! Owns the cipher, the derivations and the rule which key is whose. Draws no random numbers (an IV is an argument) and
//! holds no lock: `ffi::KeyRing` wraps the ring, and seals, opens and derives without its lock. Keys and key material are
//! erased when dropped and have no `Debug`.

mod derivation;
mod ring;

pub use datatracks_aes::{AesKey, IV_LEN, OpenError, SealError, TAG_LEN};
pub use derivation::{Derivation, Generation};
pub use ring::Ring;
