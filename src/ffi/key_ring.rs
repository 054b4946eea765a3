//! The key ring's foreign face.
#![allow(missing_docs)]
use std::sync::Arc;

use super::{DecryptionProvider, EncryptionProvider};
use crate::{error::KeyRingError, options::KeyRingOptions};

#[derive(Debug)]
pub struct KeyRing {}
impl KeyRing {
    pub fn new(_options: KeyRingOptions) -> Result<Self, KeyRingError> {
        unimplemented!()
    }
    pub fn set_shared_key(&self, _material: Vec<u8>, _key_index: u8) -> Result<(), KeyRingError> {
        unimplemented!()
    }
    pub fn set_participant_key(
        &self,
        _identity: String,
        _material: Vec<u8>,
        _key_index: u8,
    ) -> Result<(), KeyRingError> {
        unimplemented!()
    }
    pub fn set_key_index(&self, _key_index: u8) -> Result<(), KeyRingError> {
        unimplemented!()
    }
    pub fn ratchet_shared_key(&self, _key_index: u8) -> Result<Vec<u8>, KeyRingError> {
        unimplemented!()
    }
    pub fn ratchet_participant_key(
        &self,
        _identity: String,
        _key_index: u8,
    ) -> Result<Vec<u8>, KeyRingError> {
        unimplemented!()
    }
    pub fn encryption_provider(
        self: Arc<Self>,
        _local_identity: Option<String>,
    ) -> Arc<dyn EncryptionProvider> {
        unimplemented!()
    }
    pub fn decryption_provider(self: Arc<Self>) -> Arc<dyn DecryptionProvider> {
        unimplemented!()
    }
}
