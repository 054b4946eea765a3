//! stub
#![allow(missing_docs, clippy::unused_async)]
use std::sync::Arc;

use super::*;
use crate::{error::*, frame::*, stats::*, track::*};

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LocalDataTrack {}
impl LocalDataTrack {
    pub fn info(&self) -> DataTrackInfo {
        unimplemented!()
    }
    pub fn is_published(&self) -> bool {
        unimplemented!()
    }
    pub fn try_push(&self, _frame: DataTrackFrame) -> Result<(), PushFrameError> {
        unimplemented!()
    }
    pub fn try_push_bytes(
        &self,
        _payload: &[u8],
        _user_timestamp: Option<u64>,
    ) -> Result<(), PushFrameError> {
        unimplemented!()
    }
    pub async fn send(
        &self,
        _frame: DataTrackFrame,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), PushFrameError> {
        unimplemented!()
    }
    pub async fn flush(
        &self,
        _timeout_ms: u64,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), WaitError> {
        unimplemented!()
    }
    pub fn unpublish(&self) {
        unimplemented!()
    }
    pub async fn wait_for_unpublish(
        &self,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<UnpublishReason, WaitError> {
        unimplemented!()
    }
    pub fn stats(&self) -> LocalTrackStats {
        unimplemented!()
    }
}
