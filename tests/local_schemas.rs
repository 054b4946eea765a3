//! Schemas at the SFU: stored and read by request id, with an end to every wait.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::sync::{Arc, atomic::Ordering};

use datatracks::{
    CancelToken, DataTrackSchemaEncoding as Schemas, DataTrackSchemaId, SchemaError, SignalOutcome,
};
use livekit_protocol::{
    self as proto, request_response::Reason, signal_request::Message as Asked,
    signal_response::Message as Answer,
};
use local_support::*;

fn id(name: &str) -> DataTrackSchemaId {
    DataTrackSchemaId { name: name.into(), encoding: Schemas::Protobuf }
}

fn storing(rig: &Rig, name: &str, bytes: usize) -> Waiting<Result<(), SchemaError>> {
    storing_with(rig, name, bytes, None)
}

fn storing_with(
    rig: &Rig,
    name: &str,
    bytes: usize,
    cancel: Option<Arc<CancelToken>>,
) -> Waiting<Result<(), SchemaError>> {
    let (manager, id) = (Arc::clone(&rig.manager), id(name));
    let mut waiting =
        Waiting::new(async move { manager.define_schema(id, vec![1; bytes], cancel).await });
    waiting.look();
    waiting
}

fn reading(rig: &Rig, name: &str) -> Waiting<Result<Vec<u8>, SchemaError>> {
    let (manager, id) = (Arc::clone(&rig.manager), id(name));
    let mut waiting = Waiting::new(async move { manager.get_schema("bob".into(), id, None).await });
    waiting.look();
    waiting
}

fn request_id(rig: &Rig) -> u32 {
    match rig.host.requests().remove(0) {
        Asked::StoreDataBlobRequest(request) => request.request_id,
        Asked::GetDataBlobRequest(request) => {
            assert_eq!(request.participant_identity, "bob");
            request.request_id
        }
        other => panic!("{other:?}"),
    }
}

fn stored(request_id: u32) -> Answer {
    Answer::StoreDataBlobResponse(proto::StoreDataBlobResponse { request_id, key: None })
}

fn found(request_id: u32, contents: &[u8]) -> Answer {
    let blob = Some(proto::DataBlob { key: None, contents: contents.to_vec() });
    Answer::GetDataBlobResponse(proto::GetDataBlobResponse { request_id, blob })
}

fn refused(request_id: u32, reason: Reason) -> Answer {
    Answer::RequestResponse(proto::RequestResponse {
        request_id,
        reason: reason.into(),
        message: "no".into(),
        request: None,
    })
}

#[test]
fn schemas_are_stored_and_read_whatever_the_order_of_the_answers() {
    let rig = Rig::new();
    let mut store = storing(&rig, "pose", 10);
    let store_id = request_id(&rig);
    let mut read = reading(&rig, "pose");
    let read_id = request_id(&rig);
    assert_ne!(store_id, read_id);
    assert_eq!(rig.answer(found(store_id, b"text")), SignalOutcome::Ignored, "it is to be stored");
    assert_eq!(rig.answer(stored(read_id)), SignalOutcome::Ignored, "it is to be read");
    assert_eq!(rig.answer(found(read_id, b"text")), SignalOutcome::Handled);
    assert!(store.is_pending());
    assert_eq!(rig.answer(stored(store_id)), SignalOutcome::Handled);
    assert_eq!(rig.answer(stored(store_id)), SignalOutcome::Ignored);
    assert_eq!((store.ready(), read.ready()), (Ok(()), Ok(b"text".to_vec())));
}

#[test]
fn request_ids_are_not_those_of_the_host() {
    let rig = Rig::new();
    let mut store = storing(&rig, "pose", 10);
    for host_id in 0..1_000 {
        assert_eq!(rig.answer(refused(host_id, Reason::NotFound)), SignalOutcome::Ignored);
    }
    assert!(store.is_pending());
}

#[test]
fn what_the_sfu_would_not_take_is_refused_before_it_is_asked() {
    let rig = Rig::new();
    for (name, bytes) in [("", 1), ("pose", 0), ("pose", 64_000), (&*"x".repeat(257), 1)] {
        assert_eq!(storing(&rig, name, bytes).ready(), Err(SchemaError::InvalidSchema));
    }
    assert_eq!(reading(&rig, "").ready(), Err(SchemaError::InvalidSchema));
    assert!(rig.host.take().is_empty());
}

#[test]
fn each_refusal_has_its_own_error() {
    let rejected =
        SchemaError::Rejected { code: Reason::InvalidRequest.into(), detail: "no".into() };
    let cases = [
        (Reason::NotAllowed, SchemaError::NotAllowed),
        (Reason::NotFound, SchemaError::NotFound),
        (Reason::LimitExceeded, SchemaError::LimitReached),
        (Reason::InvalidRequest, rejected),
    ];
    for (reason, error) in cases {
        let rig = Rig::new();
        let mut read = reading(&rig, "pose");
        let request_id = request_id(&rig);
        rig.answer(refused(request_id, Reason::Queued));
        assert!(read.is_pending());
        assert_eq!(rig.answer(refused(request_id, reason)), SignalOutcome::Handled);
        assert_eq!(read.ready(), Err(error));
    }
}

#[test]
fn p6_a_schema_times_out_at_five_seconds_and_no_earlier() {
    let rig = Rig::new();
    let mut read = reading(&rig, "pose");
    let request_id = request_id(&rig);
    rig.advance_ms(4_999);
    assert!(read.is_pending());
    rig.advance_ms(1);
    assert_eq!(read.ready(), Err(SchemaError::TimedOut));
    assert_eq!(rig.answer(found(request_id, b"late")), SignalOutcome::Ignored);
}

#[test]
fn p6_every_wait_for_a_schema_ends() {
    let rig = Rig::new();
    rig.host.refuses_signals.store(true, Ordering::SeqCst);
    assert_eq!(storing(&rig, "pose", 1).ready(), Err(SchemaError::SignalNotSent));
    rig.host.refuses_signals.store(false, Ordering::SeqCst);
    let cancel = Arc::new(CancelToken::new());
    let mut cancelled = storing_with(&rig, "pose", 1, Some(Arc::clone(&cancel)));
    let mut closed = storing(&rig, "pose", 1);
    cancel.cancel();
    assert_eq!(cancelled.ready(), Err(SchemaError::Cancelled));
    rig.manager.shutdown();
    assert_eq!(closed.ready(), Err(SchemaError::Closed));
    assert_eq!(storing(&rig, "pose", 1).ready(), Err(SchemaError::Closed));
}

#[test]
fn p8_a_request_is_made_again_in_a_new_session() {
    let rig = Rig::new();
    let mut read = reading(&rig, "pose");
    let first = request_id(&rig);
    rig.manager.republish_tracks();
    assert_eq!(request_id(&rig), first);
    rig.answer(found(first, b"text"));
    assert!(read.ready().is_ok());
    drop(reading(&rig, "twist"));
    rig.host.take();
    rig.manager.republish_tracks();
    assert!(rig.host.take().is_empty(), "nobody waits for that one");
}

#[test]
fn p8_what_was_stored_is_stored_again_before_its_tracks_are_published() {
    let rig = Rig::new();
    let mut store = storing(&rig, "pose", 10);
    rig.answer(stored(request_id(&rig)));
    assert_eq!(store.ready(), Ok(()));
    rig.track("a");
    rig.manager.republish_tracks();
    let requests = rig.host.requests();
    let [Asked::StoreDataBlobRequest(again), Asked::PublishDataTrackRequest(_)] = &requests[..]
    else {
        panic!("{requests:?}")
    };
    let blob = again.blob.as_ref().unwrap();
    assert_eq!(blob.contents, vec![1; 10]);
    assert_eq!(rig.answer(stored(again.request_id)), SignalOutcome::Ignored, "nobody waits");
    let refused_schema = storing(&rig, "twist", 10);
    rig.answer(refused(request_id(&rig), Reason::NotAllowed));
    drop(refused_schema);
    rig.manager.republish_tracks();
    let requests = rig.host.requests();
    assert_eq!(requests.len(), 2, "what was refused is not stored: {requests:?}");
}

#[test]
fn a_new_session_is_asked_under_ids_that_no_later_request_has() {
    let rig = Rig::new();
    let mut store = storing(&rig, "pose", 10);
    rig.answer(stored(request_id(&rig)));
    assert_eq!(store.ready(), Ok(()));
    rig.manager.republish_tracks();
    let again = request_id(&rig);
    let mut other = storing(&rig, "twist", 10);
    rig.answer(stored(again));
    assert!(other.is_pending(), "that was the answer of another request");
    rig.answer(stored(request_id(&rig)));
    assert_eq!(other.ready(), Ok(()));
}

#[test]
fn the_words_of_the_sfu_are_cut() {
    let rig = Rig::new();
    let mut read = reading(&rig, "pose");
    let Answer::RequestResponse(mut response) = refused(request_id(&rig), Reason::InvalidRequest)
    else {
        panic!()
    };
    response.message = "x".repeat(1 << 20);
    rig.answer(Answer::RequestResponse(response));
    let Err(SchemaError::Rejected { detail, .. }) = read.ready() else { panic!() };
    assert_eq!(detail.len(), 1_024);
}
