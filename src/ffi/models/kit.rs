//! Hosts, waiters and an SFU's answers for models.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex as Unscheduled},
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use shuttle::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use super::sync::foreign;
use crate::{
    error::DelegateError,
    ffi::{
        EncryptionProvider, Environment, LocalDataTrack, LocalDataTrackManager,
        LocalDataTrackManagerDelegate, RemoteDataTrack, RemoteDataTrackManager,
        RemoteDataTrackManagerDelegate,
    },
    frame::PacketBatch,
    options::DataTrackOptions,
    random::Random,
    signal::session::{
        self, DataTrackInfo, DataTrackResponse, DataTrackSubscriberHandles, ParticipantInfo,
        ParticipantUpdate, PublishedDataTrack, Request, Response,
    },
    track::{SubscriptionState, UnpublishReason},
};

/// Waits for a future on this thread of the model.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let woken = Arc::new(Woken { flag: AtomicBool::new(false), sleeper: thread::current() });
    loop {
        if let Some(output) = poll(future.as_mut(), &woken) {
            return output;
        }
        while !woken.flag.swap(false, SeqCst) {
            thread::park();
        }
    }
}

/// Polls once, and abandons the future when it is not done.
pub(super) fn wait_briefly<F: Future>(future: F) -> Option<F::Output> {
    let woken = Arc::new(Woken { flag: AtomicBool::new(false), sleeper: thread::current() });
    poll(pin!(future), &woken)
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>, woken: &Arc<Woken>) -> Option<F::Output> {
    // Another waker each time: that of the last poll ends when it is replaced.
    let waker = Waker::from(Arc::new(Witness(Arc::clone(woken))));
    match future.poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

struct Woken {
    flag: AtomicBool,
    sleeper: thread::Thread,
}

/// A waker that knows when it may run.
struct Witness(Arc<Woken>);

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        foreign("a waker");
        self.0.flag.store(true, SeqCst);
        self.0.sleeper.unpark();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        foreign("the end of a waker");
    }
}

/// Records what it is told; each callback is a point of choice.
#[derive(Default)]
pub(super) struct Host {
    pub(super) requests: Unscheduled<Vec<Vec<u8>>>,
    pub(super) packets: Unscheduled<Vec<Bytes>>,
    pub(super) events: Unscheduled<Vec<&'static str>>,
}

impl Host {
    fn told(&self, event: &'static str) -> Result<(), DelegateError> {
        foreign(event);
        self.events.lock().unwrap().push(event);
        thread::yield_now();
        Ok(())
    }

    /// What the SFU answers to all requests so far.
    pub(super) fn answers(&self) -> Vec<Vec<u8>> {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        requests.iter().filter_map(|request| answer(request)).collect()
    }

    /// Publications that the SFU would hold: asked for, and not undone.
    pub(super) fn held_at_sfu(&self) -> isize {
        let requests = self.requests.lock().unwrap();
        let change = |request: &Vec<u8>| match session::decode_request(request) {
            Ok(Some(Request::PublishDataTrack(_))) => 1,
            Ok(Some(Request::UnpublishDataTrack(_))) => -1,
            _ => 0,
        };
        requests.iter().map(change).sum()
    }

    pub(super) fn count(&self, event: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|told| **told == event).count()
    }
}

impl LocalDataTrackManagerDelegate for Host {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.requests.lock().unwrap().push(request);
        self.told("request")
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        self.packets.lock().unwrap().extend(packets.into_packets());
        self.told("packets")
    }

    fn on_track_published(&self, _: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        self.told("published")
    }

    fn on_track_unpublished(
        &self,
        _: Arc<LocalDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.told("unpublished")
    }
}

impl RemoteDataTrackManagerDelegate for Host {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.requests.lock().unwrap().push(request);
        self.told("request")
    }

    fn on_track_published(&self, _: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        self.told("published")
    }

    fn on_track_unpublished(
        &self,
        _: Arc<RemoteDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.told("unpublished")
    }

    fn on_subscription_changed(
        &self,
        _: Arc<RemoteDataTrack>,
        _: SubscriptionState,
    ) -> Result<(), DelegateError> {
        self.told("changed")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        foreign("the end of a delegate");
    }
}

/// Random numbers that are not.
pub(super) struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

pub(super) fn environment() -> Arc<Environment> {
    Environment::simulated(Box::new(Zeros))
}

pub(super) fn local(
    environment: &Arc<Environment>,
    host: &Arc<Host>,
    provider: Option<Arc<dyn EncryptionProvider>>,
) -> Arc<LocalDataTrackManager> {
    Arc::new(LocalDataTrackManager::with_environment(
        Arc::clone(environment),
        host.clone(),
        provider,
        Some("alice".into()),
    ))
}

pub(super) fn remote(
    environment: &Arc<Environment>,
    host: &Arc<Host>,
) -> Arc<RemoteDataTrackManager> {
    Arc::new(RemoteDataTrackManager::with_environment(
        Arc::clone(environment),
        host.clone(),
        None,
        Some("bob".into()),
    ))
}

/// Publishes a track, with an SFU that answers at once.
pub(super) fn published(
    manager: &Arc<LocalDataTrackManager>,
    host: &Host,
    options: DataTrackOptions,
) -> Arc<LocalDataTrack> {
    let publishing = Arc::clone(manager);
    let publishing = thread::spawn(move || wait(publishing.publish_track(options, None)));
    let mut answers = Vec::new();
    while answers.is_empty() {
        thread::yield_now();
        answers = host.answers();
    }
    for answer in answers {
        manager.handle_signal_response(answer).unwrap();
    }
    publishing.join().unwrap().unwrap()
}

fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let Ok(Some(Request::PublishDataTrack(request))) = session::decode_request(request) else {
        return None;
    };
    let info =
        DataTrackInfo { encryption: request.encryption, ..info(request.pub_handle, &request.name) };
    let response = Response::PublishDataTrack(DataTrackResponse { info: Some(info) });
    Some(session::encode_response(response))
}

fn info(handle: u32, name: &str) -> DataTrackInfo {
    let sid = format!("DTR_{handle}");
    DataTrackInfo { pub_handle: handle, sid, name: name.into(), ..Default::default() }
}

/// What the SFU tells of alice: one track, or none.
pub(super) fn update(tracks: &[&str]) -> Vec<u8> {
    let data_tracks = (1..).zip(tracks).map(|(handle, name)| info(handle, name)).collect();
    let alice = ParticipantInfo {
        sid: "PA_alice".into(),
        identity: "alice".into(),
        state: 2,
        data_tracks,
        ..Default::default()
    };
    session::encode_response(Response::Update(ParticipantUpdate { participants: vec![alice] }))
}

/// Alice's first track has handle 1.
pub(super) fn handles() -> Vec<u8> {
    let track = PublishedDataTrack {
        publisher_identity: "alice".into(),
        publisher_sid: "PA_alice".into(),
        track_sid: "DTR_1".into(),
    };
    session::encode_response(Response::DataTrackSubscriberHandles(DataTrackSubscriberHandles {
        sub_handles: [(1, track)].into(),
    }))
}
