//! stub
#![allow(missing_docs, clippy::unused_async)]
use std::sync::Arc;

use super::*;
use crate::{error::*, stats::*, track::*};

#[derive(Debug)]
pub struct RemoteDataTrackManager {}
impl RemoteDataTrackManager {
    pub fn new(
        delegate: Arc<dyn RemoteDataTrackManagerDelegate>,
        decryption_provider: Option<Arc<dyn DecryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        Self::with_environment(Environment::system(), delegate, decryption_provider, local_identity)
    }
    pub fn with_environment(
        _environment: Arc<Environment>,
        _delegate: Arc<dyn RemoteDataTrackManagerDelegate>,
        _decryption_provider: Option<Arc<dyn DecryptionProvider>>,
        _local_identity: Option<String>,
    ) -> Self {
        unimplemented!()
    }
    pub fn handle_signal_response(&self, _res: Vec<u8>) -> Result<SignalOutcome, SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_join_response(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_participant_update(
        &self,
        _res: Vec<u8>,
        _local_participant_identity: String,
    ) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_subscriber_handles(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_subscriber_handles(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_packet_received(&self, _packet: &[u8]) {
        unimplemented!()
    }
    pub fn resend_subscription_updates(&self) {
        unimplemented!()
    }
    pub fn tracks(&self) -> Vec<Arc<RemoteDataTrack>> {
        unimplemented!()
    }
    pub fn tracks_by_publisher(&self, _publisher_identity: String) -> Vec<Arc<RemoteDataTrack>> {
        unimplemented!()
    }
    pub async fn wait_for_track(
        &self,
        _name: String,
        _publisher_identity: Option<String>,
        _timeout_ms: u64,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<RemoteDataTrack>, WaitError> {
        unimplemented!()
    }
    pub fn stats(&self) -> RemoteManagerStats {
        unimplemented!()
    }
    pub fn shutdown(&self) {
        unimplemented!()
    }
}
