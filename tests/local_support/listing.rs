//! Alice's tracks as the SFU lists them, and how they end.

use std::sync::Arc;

use datatracks::{LocalDataTrack, SignalOutcome, UnpublishReason, WaitError};
use livekit_protocol as proto;

use super::{ALICE, Rig, Waiting, info, participant, update};

pub fn request(handle: u32, name: &str) -> proto::PublishDataTrackRequest {
    proto::PublishDataTrackRequest { pub_handle: handle, name: name.into(), ..Default::default() }
}

pub fn listed(handle: u32, name: &str, sid: &str) -> proto::DataTrackInfo {
    info(&request(handle, name), sid)
}

pub fn told(rig: &Rig, sid: &str, tracks: Vec<proto::DataTrackInfo>) -> SignalOutcome {
    rig.answer(update(vec![participant("bob", "PA_b", vec![]), participant(ALICE, sid, tracks)]))
}

pub fn ending(track: &Arc<LocalDataTrack>) -> Waiting<Result<UnpublishReason, WaitError>> {
    let same = Arc::clone(track);
    Waiting::new(async move { same.wait_for_unpublish(None).await })
}
