//! stub
#![allow(missing_docs, clippy::unused_async)]
use std::sync::Arc;

use super::*;
use crate::{error::*, options::*, stats::*, track::*};

#[derive(Debug)]
pub struct LocalDataTrackManager {}
impl LocalDataTrackManager {
    pub fn new(
        delegate: Arc<dyn LocalDataTrackManagerDelegate>,
        encryption_provider: Option<Arc<dyn EncryptionProvider>>,
        local_identity: Option<String>,
    ) -> Self {
        Self::with_environment(Environment::system(), delegate, encryption_provider, local_identity)
    }
    pub fn with_environment(
        _environment: Arc<Environment>,
        _delegate: Arc<dyn LocalDataTrackManagerDelegate>,
        _encryption_provider: Option<Arc<dyn EncryptionProvider>>,
        _local_identity: Option<String>,
    ) -> Self {
        unimplemented!()
    }
    pub async fn publish_track(
        &self,
        _options: DataTrackOptions,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<LocalDataTrack>, PublishError> {
        unimplemented!()
    }
    pub fn handle_signal_response(&self, _res: Vec<u8>) -> Result<SignalOutcome, SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_publish_response(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_unpublish_response(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_request_response(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn handle_sfu_participant_update(&self, _res: Vec<u8>) -> Result<(), SignalError> {
        unimplemented!()
    }
    pub fn publish_responses_for_sync_state(&self) -> Vec<Vec<u8>> {
        unimplemented!()
    }
    pub fn republish_tracks(&self) {
        unimplemented!()
    }
    pub fn handle_buffered_amount(&self, _bytes: u64) {
        unimplemented!()
    }
    pub fn tracks(&self) -> Vec<Arc<LocalDataTrack>> {
        unimplemented!()
    }
    pub async fn define_schema(
        &self,
        _id: DataTrackSchemaId,
        _contents: Vec<u8>,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), SchemaError> {
        unimplemented!()
    }
    pub async fn get_schema(
        &self,
        _participant_identity: String,
        _id: DataTrackSchemaId,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<u8>, SchemaError> {
        unimplemented!()
    }
    pub fn stats(&self) -> LocalManagerStats {
        unimplemented!()
    }
    pub fn shutdown(&self) {
        unimplemented!()
    }
}
