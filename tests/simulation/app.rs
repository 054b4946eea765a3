//! The application of one participant: its calls, its tracks, its streams. Callbacks share it, so that it may go on from within one.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use datatracks::*;

use super::{
    coverage::{FRAMES, PUBLISH, PUSH, SCHEMA, STREAM_END, SUBSCRIBE, WAIT},
    hostile,
    kinds::{Kind, ending},
    ledger::{Ledger, Origin},
    message::Message,
};

/// See the module.
pub struct App {
    pub identity: String,
    pub ledger: Arc<Ledger>,
    pub local: Mutex<Weak<LocalDataTrackManager>>,
    pub remote: Mutex<Weak<RemoteDataTrackManager>>,
    pub calls: Mutex<Vec<Call>>,
    pub tracks: Mutex<Vec<Arc<Published>>>,
    pub streams: Mutex<Vec<Arc<Reading>>>,
}

/// A call that has not ended yet.
pub struct Call {
    future: Pin<Box<dyn Future<Output = Ended> + Send>>,
    pub what: &'static str,
    pub cancel: Arc<CancelToken>,
    /// Simulated milliseconds at which it must have ended.
    deadline: u64,
}

/// What a call came to.
pub enum Ended {
    Publish(Result<Arc<LocalDataTrack>, PublishError>, u64),
    Subscribe(Result<Arc<DataTrackStream>, SubscribeError>, Arc<RemoteDataTrack>),
    Send(Result<(), PushFrameError>, Arc<Published>),
    Wait(Result<(), WaitError>),
    Schema(Result<(), SchemaError>),
}

/// A track of this participant.
pub struct Published {
    track: Mutex<Arc<LocalDataTrack>>,
    publication: u64,
    next_number: AtomicU64,
    accepted: AtomicU64,
    /// Calls of `send` that wait. Numbers must leave in order: one takes the track for itself until it ends.
    pub sending: AtomicU64,
}

/// A stream of this participant.
pub struct Reading {
    pub track: Arc<RemoteDataTrack>,
    pub stream: Arc<DataTrackStream>,
    pub seen: Mutex<Seen>,
}

/// What a stream has brought.
#[derive(Debug, Default)]
pub struct Seen {
    /// Newest frame number per publication.
    pub newest: BTreeMap<u64, u64>,
    /// Publication and number of each frame.
    pub frames: BTreeSet<(u64, u64)>,
    /// Sealed packets came again after a silence: frames that could not be opened at their time may be now, behind others.
    pub replayed: bool,
    pub taken: u64,
    pub ended: bool,
}

impl App {
    pub fn new(identity: &str, ledger: &Arc<Ledger>) -> Self {
        Self {
            identity: identity.to_owned(),
            ledger: Arc::clone(ledger),
            local: Mutex::default(),
            remote: Mutex::default(),
            calls: Mutex::default(),
            tracks: Mutex::default(),
            streams: Mutex::default(),
        }
    }

    pub fn local(&self) -> Option<Arc<LocalDataTrackManager>> {
        self.local.lock().unwrap().upgrade()
    }

    pub fn remote(&self) -> Option<Arc<RemoteDataTrackManager>> {
        self.remote.lock().unwrap().upgrade()
    }

    /// Begins a call that must end within so many milliseconds, and polls it for the first time.
    pub fn begin<F: Future<Output = Ended> + Send + 'static>(
        &self,
        what: &'static str,
        within: u64,
        future: impl FnOnce(Arc<CancelToken>) -> F,
    ) {
        if self.calls.lock().unwrap().len() >= MOST_CALLS {
            return;
        }
        let cancel = Arc::new(CancelToken::new());
        let future = Box::pin(future(Arc::clone(&cancel)));
        let deadline = self.ledger.now_ms().saturating_add(within);
        let mut call = Call { future, what, cancel, deadline };
        match call.poll() {
            Some(ended) => self.take(ended),
            None => self.calls.lock().unwrap().push(call),
        }
    }

    /// Polls every call; each must end once, and in time.
    pub fn poll_calls(&self) {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.retain_mut(|call| match call.poll() {
            Some(ended) => {
                self.take(ended);
                false
            }
            None => call.in_time(self.ledger.now_ms()),
        });
        self.calls.lock().unwrap().splice(0..0, calls);
    }

    fn take(&self, ended: Ended) {
        match ended {
            Ended::Publish(result, publication) => {
                self.ledger.visit(PUBLISH, ending(&result));
                let published = result.ok().map(|track| Published::new(track, publication));
                let mut tracks = self.tracks.lock().unwrap();
                if tracks.len() > MOST_KEPT {
                    tracks.retain(|published| published.is_of_use());
                }
                tracks.extend(published.map(Arc::new));
            }
            Ended::Subscribe(result, track) => {
                self.ledger.visit(SUBSCRIBE, ending(&result));
                let reading = result.ok().map(|stream| Reading::new(track, stream));
                let mut streams = self.streams.lock().unwrap();
                if streams.len() > MOST_KEPT {
                    streams.retain(|reading| reading.is_open());
                }
                streams.extend(reading.map(Arc::new));
            }
            Ended::Send(result, published) => {
                published.sending.fetch_sub(1, Relaxed);
                published.count(&result, &self.ledger);
            }
            Ended::Wait(result) => self.ledger.visit(WAIT, ending(&result)),
            Ended::Schema(result) => self.ledger.visit(SCHEMA, ending(&result)),
        }
    }

    /// Takes what the streams have, and checks every frame of it.
    pub fn read_streams(&self) {
        let streams = self.streams.lock().unwrap().clone();
        streams.iter().for_each(|reading| reading.read(&self.ledger));
    }

    /// Tells the readers of sealed frames that old ones come again.
    pub fn expect_replays(&self) {
        let streams = self.streams.lock().unwrap();
        let sealed = streams.iter().filter(|reading| reading.track.info().uses_e2ee);
        sealed.for_each(|reading| reading.seen.lock().unwrap().replayed = true);
    }

    /// Lets everything go, as an application does that ends without a word.
    pub fn forget(&self) {
        let calls = std::mem::take(&mut *self.calls.lock().unwrap());
        let tracks = std::mem::take(&mut *self.tracks.lock().unwrap());
        let streams = std::mem::take(&mut *self.streams.lock().unwrap());
        drop((calls, tracks, streams));
    }
}

impl Call {
    /// Polls once, without a runtime.
    fn poll(&mut self) -> Option<Ended> {
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// It may go on for as long as there is something to wait for.
    pub fn waits_for_an_end(&self) -> bool {
        self.what.starts_with("wait for the end")
    }

    fn in_time(&self, now: u64) -> bool {
        let Self { what, deadline, .. } = self;
        assert!(now <= *deadline, "a {what} did not end: now {now}, deadline {deadline}");
        true
    }
}

impl Published {
    fn new(track: Arc<LocalDataTrack>, publication: u64) -> Self {
        Self {
            track: Mutex::new(track),
            publication,
            next_number: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            sending: AtomicU64::new(0),
        }
    }

    pub fn track(&self) -> Arc<LocalDataTrack> {
        Arc::clone(&self.track.lock().unwrap())
    }

    pub fn replace(&self, track: &Arc<LocalDataTrack>) {
        *self.track.lock().unwrap() = Arc::clone(track);
    }

    pub fn next_message(&self) -> Message {
        let number = self.next_number.fetch_add(1, Relaxed);
        Message { publication: self.publication, number }
    }

    fn is_of_use(&self) -> bool {
        self.sending.load(Relaxed) > 0 || self.track().is_published()
    }

    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    pub fn count(&self, pushed: &Result<(), PushFrameError>, ledger: &Ledger) {
        ledger.visit(PUSH, ending(pushed));
        if pushed.is_ok() {
            self.accepted.fetch_add(1, Relaxed);
        }
    }
}

impl Reading {
    fn new(track: Arc<RemoteDataTrack>, stream: Arc<DataTrackStream>) -> Self {
        Self { track, stream, seen: Mutex::default() }
    }

    pub fn read(&self, ledger: &Ledger) {
        let mut seen = self.seen.lock().unwrap();
        let before = seen.taken;
        while !seen.ended {
            match poll_once(&self.stream) {
                Poll::Pending => break,
                Poll::Ready(Ok(Some(frame))) => {
                    seen.taken += 1;
                    self.check(&frame, &mut seen, ledger);
                }
                Poll::Ready(Ok(None) | Err(_)) => {
                    seen.ended = true;
                    let reason = self.stream.end_reason().expect("why it ended");
                    ledger.visit(STREAM_END, reason.kind());
                }
            }
        }
        ledger.add_all(FRAMES, [("in all", seen.taken - before)]);
    }

    /// Whether frames may still come.
    pub fn is_open(&self) -> bool {
        !self.seen.lock().unwrap().ended
    }

    /// Delivered payloads are payloads published on this very track, whole, in order, once.
    fn check(&self, frame: &DataTrackFrame, seen: &mut Seen, ledger: &Ledger) {
        let publisher = self.track.publisher_identity();
        let payload = frame.payload.as_ref();
        if hostile::is_hostile(&publisher) {
            return hostile::check(payload, self.track.info().uses_e2ee);
        }
        let message = Message::read(payload).unwrap_or_else(|wrong| panic!("{wrong}"));
        let origin = Origin { publisher, name: self.track.info().name };
        assert_eq!(ledger.origin(message.publication), Some(origin), "read on another track");
        assert_eq!(frame.user_timestamp, Some(message.number), "the timestamp of another frame");
        assert!(seen.frames.insert((message.publication, message.number)), "{message:?}: twice");
        let newest = seen.newest.entry(message.publication).or_default();
        let in_order = *newest <= message.number || seen.replayed;
        assert!(in_order, "{message:?} after {newest}: out of order");
        *newest = message.number.max(*newest);
        let last = seen.newest.last_key_value().map(|(last, _)| *last);
        assert_eq!(last, Some(message.publication), "a frame of an earlier publication came back");
    }
}

fn poll_once(stream: &DataTrackStream) -> Poll<Result<Option<DataTrackFrame>, WaitError>> {
    let next = std::pin::pin!(stream.next(None));
    next.poll(&mut Context::from_waker(Waker::noop()))
}

/// Tracks and streams of one application, until those that are over are let go.
const MOST_KEPT: usize = 10;

/// Calls of one application at a time.
const MOST_CALLS: usize = 24;
