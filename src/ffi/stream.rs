//! stub
#![allow(missing_docs, clippy::unused_async)]
use std::sync::Arc;

use super::*;
use crate::{error::*, frame::*, stats::*, track::*};

#[derive(Debug)]
pub struct DataTrackStream {}
impl DataTrackStream {
    pub async fn next(
        &self,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Option<DataTrackFrame>, WaitError> {
        unimplemented!()
    }
    pub async fn next_batch(
        &self,
        _max: u32,
        _cancel: Option<Arc<CancelToken>>,
    ) -> Result<Vec<DataTrackFrame>, WaitError> {
        unimplemented!()
    }
    pub fn shutdown(&self) {
        unimplemented!()
    }
    pub fn end_reason(&self) -> Option<StreamEndReason> {
        unimplemented!()
    }
    pub fn stats(&self) -> StreamStats {
        unimplemented!()
    }
}
