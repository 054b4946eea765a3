//! AES-128-GCM as frames are sealed with it: one key, and what it does to a frame (protocol §6.1).
//!
//! A package of its own, since an `opt-level` belongs to a package: this one is compiled for speed where the rest is for size.

use std::fmt;

use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit, Tag, aead::inout::InOutBuf};
use thiserror::Error;

/// An AES-128-GCM key. Erased when dropped.
pub struct AesKey {
    cipher: Aes128Gcm,
}

/// A frame was not sealed: the two buffers differ in length, or hold more than GCM can seal (64 GiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("buffers of different lengths, or longer than GCM can seal")]
pub struct SealError;

/// A frame was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Fewer bytes than a tag: no key can open it.
    #[error("fewer bytes than a tag")]
    TooShort,
    /// The tag does not fit: another key, or damaged bytes.
    #[error("the tag does not fit")]
    WrongTag,
}

impl AesKey {
    /// The key of these bytes.
    #[inline(never)]
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        Self { cipher: Aes128Gcm::new(key.into()) }
    }

    /// Encrypts `plain` into `out`, of the same length, and answers the tag. The copy and the encryption are one pass.
    ///
    /// # Errors
    ///
    /// When the lengths differ.
    #[inline(never)]
    pub fn seal_into(
        &self,
        iv: &[u8; IV_LEN],
        plain: &[u8],
        out: &mut [u8],
    ) -> Result<[u8; TAG_LEN], SealError> {
        let buffers = InOutBuf::new(plain, out).map_err(|_| SealError)?;
        self.seal(iv, buffers)
    }

    /// Encrypts `buffer` where it is, and answers the tag.
    ///
    /// # Errors
    ///
    /// When it is longer than GCM can seal.
    #[inline(never)]
    pub fn seal_in_place(
        &self,
        iv: &[u8; IV_LEN],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], SealError> {
        self.seal(iv, buffer.into())
    }

    /// Decrypts `sealed` (ciphertext, then tag) into `out`, whose former contents are lost. `out` is empty after a failure.
    ///
    /// # Errors
    ///
    /// When the tag is missing or does not fit.
    #[inline(never)]
    pub fn open_into(
        &self,
        iv: &[u8; IV_LEN],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let opened = self.decrypt(iv, sealed, out);
        if opened.is_err() {
            out.clear();
        }
        opened
    }

    /// Decrypts `sealed` (ciphertext, then tag) where it is and cuts the tag off. `sealed` is unchanged after a failure, so that
    /// another key may be tried.
    ///
    /// # Errors
    ///
    /// When the tag is missing or does not fit.
    #[inline(never)]
    pub fn open_in_place(&self, iv: &[u8; IV_LEN], sealed: &mut Vec<u8>) -> Result<(), OpenError> {
        let (cipher_text, tag) = sealed.split_last_chunk_mut().ok_or(OpenError::TooShort)?;
        let plain_len = cipher_text.len();
        self.open(iv, cipher_text.into(), tag)?;
        sealed.truncate(plain_len);
        Ok(())
    }

    fn seal(
        &self,
        iv: &[u8; IV_LEN],
        buffers: InOutBuf<'_, '_, u8>,
    ) -> Result<[u8; TAG_LEN], SealError> {
        let tag = self.cipher.encrypt_inout_detached(iv.into(), NO_DATA, buffers);
        tag.map(Into::into).map_err(|_| SealError)
    }

    /// Does not clear `out` first: only what it has to grow by is filled with zeros, just to be overwritten.
    fn decrypt(
        &self,
        iv: &[u8; IV_LEN],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let (cipher_text, tag) = sealed.split_last_chunk().ok_or(OpenError::TooShort)?;
        out.resize(cipher_text.len(), 0);
        let buffers = InOutBuf::new(cipher_text, out).map_err(|_| OpenError::WrongTag)?;
        self.open(iv, buffers, tag)
    }

    fn open(
        &self,
        iv: &[u8; IV_LEN],
        buffers: InOutBuf<'_, '_, u8>,
        tag: &[u8; TAG_LEN],
    ) -> Result<(), OpenError> {
        let tag: &Tag = tag.into();
        let opened = self.cipher.decrypt_inout_detached(iv.into(), NO_DATA, buffers, tag);
        opened.map_err(|_| OpenError::WrongTag)
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(..)")
    }
}

/// Bytes of a key: native SDKs know no other length (protocol §6.1).
pub const KEY_LEN: usize = 16;

/// Bytes of an initialization vector (protocol §6.1).
pub const IV_LEN: usize = 12;

/// Bytes of the tag after the ciphertext (protocol §6.1).
pub const TAG_LEN: usize = 16;

/// Headers are not authenticated (protocol §6.1): the SFU rewrites them.
const NO_DATA: &[u8] = &[];

/// The cipher erases the key schedule when dropped: a feature of `aes-gcm` that must not get lost.
const _: fn() = || {
    fn erased_on_drop<T: zeroize::ZeroizeOnDrop>() {}
    erased_on_drop::<Aes128Gcm>();
};
