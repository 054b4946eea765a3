//! stub
#![allow(missing_docs, clippy::unused_async)]
use std::sync::Arc;

use super::*;
use crate::{error::*, options::*, stats::*, track::*};

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RemoteDataTrack {}
impl RemoteDataTrack {
    pub fn info(&self) -> DataTrackInfo {
        unimplemented!()
    }
    pub fn publisher_identity(&self) -> String {
        unimplemented!()
    }
    pub fn is_published(&self) -> bool {
        unimplemented!()
    }
    pub fn subscription_state(&self) -> SubscriptionState {
        unimplemented!()
    }
    pub async fn subscribe(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<DataTrackStream>, SubscribeError> {
        self.subscribe_with_options(DataTrackSubscribeOptions::default(), cancel).await
    }
    pub async fn subscribe_with_options(
        &self,
        _options: DataTrackSubscribeOptions,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Arc<DataTrackStream>, SubscribeError> {
        unimplemented!()
    }
    pub async fn wait_for_unpublish(
        &self,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<UnpublishReason, WaitError> {
        unimplemented!()
    }
    pub fn stats(&self) -> RemoteTrackStats {
        unimplemented!()
    }
}
