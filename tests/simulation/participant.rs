//! One simulated participant: its managers, what its application holds, and what the application knows to be true.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
};

use datatracks::*;

use super::{
    host::{Delegate, Host, Mirror},
    message::Message,
};

/// How frames are encrypted in the simulated room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Off,
    KeyRing,
    Provider,
}

/// A call that has not ended yet.
pub struct Pending<T> {
    pub future: Pin<Box<dyn Future<Output = T>>>,
    pub cancel: Arc<CancelToken>,
    /// Simulated milliseconds at which it must have ended.
    pub deadline: u64,
}

impl<T> Pending<T> {
    /// Polls once, without a runtime.
    pub fn poll(&mut self) -> Option<T> {
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// A track of this participant, as its application knows it.
pub struct Published {
    pub track: Arc<LocalDataTrack>,
    pub publication: u64,
    pub next_number: u64,
    pub accepted: u64,
    pub refused: u64,
    pub unpublished_by_us: bool,
    pub sends: Vec<(Pending<Result<(), PushFrameError>>, u64)>,
}

/// A stream of this participant, as its application knows it.
pub struct Reading {
    pub track: Arc<RemoteDataTrack>,
    pub stream: Arc<DataTrackStream>,
    /// Newest frame number per publication.
    pub newest: BTreeMap<u64, u64>,
    pub taken: u64,
    pub ended: bool,
}

pub struct Participant {
    pub identity: String,
    pub host: Arc<Host>,
    pub local: Arc<LocalDataTrackManager>,
    pub remote: Arc<RemoteDataTrackManager>,
    pub tracks: Vec<Published>,
    pub streams: Vec<Reading>,
    pub publishes: Vec<(Pending<Result<Arc<LocalDataTrack>, PublishError>>, u64)>,
    pub subscribes:
        Vec<(Pending<Result<Arc<DataTrackStream>, SubscribeError>>, Arc<RemoteDataTrack>)>,
    pub waits: Vec<Pending<String>>,
    pub frames_read: u64,
    /// Since it joined, an answer to it got lost.
    pub lost_a_reply: bool,
}

impl Participant {
    pub fn new(environment: &Arc<Environment>, identity: &str, encryption: Encryption) -> Self {
        let host = Arc::new(Host::default());
        host.connected.store(true, Relaxed);
        let (encrypt, decrypt) = providers(encryption);
        let local = Arc::new(LocalDataTrackManager::with_environment(
            Arc::clone(environment),
            Arc::new(Delegate(Arc::clone(&host))),
            encrypt,
            Some(identity.to_owned()),
        ));
        let remote = Arc::new(RemoteDataTrackManager::with_environment(
            Arc::clone(environment),
            Arc::new(Delegate(Arc::clone(&host))),
            decrypt,
            Some(identity.to_owned()),
        ));
        *host.local.lock().unwrap() = Arc::downgrade(&local);
        *host.remote.lock().unwrap() = Arc::downgrade(&remote);
        Self {
            identity: identity.to_owned(),
            host,
            local,
            remote,
            tracks: Vec::new(),
            streams: Vec::new(),
            publishes: Vec::new(),
            subscribes: Vec::new(),
            waits: Vec::new(),
            frames_read: 0,
            lost_a_reply: false,
        }
    }

    /// Hands a signal message to both managers, as a host does.
    pub fn receive_signal(&self, bytes: &[u8]) {
        let taken = (
            self.local.handle_signal_response(bytes.to_vec()),
            self.remote.handle_signal_response(bytes.to_vec()),
        );
        assert!(!matches!(
            taken,
            (Err(SignalError::Malformed), _) | (_, Err(SignalError::Malformed))
        ));
    }

    /// Takes what the streams have, and checks every frame of it.
    pub fn read_streams(&mut self) {
        for reading in &mut self.streams {
            while !reading.ended {
                match poll_once(&reading.stream) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(Some(frame))) => {
                        reading.taken += 1;
                        self.frames_read += 1;
                        check(reading, &frame);
                    }
                    Poll::Ready(Ok(None) | Err(_)) => reading.ended = true,
                }
            }
        }
    }
}

fn poll_once(stream: &DataTrackStream) -> Poll<Result<Option<DataTrackFrame>, WaitError>> {
    let next = std::pin::pin!(stream.next(None));
    next.poll(&mut Context::from_waker(Waker::noop()))
}

/// Delivered payloads are published payloads, whole, in order, once.
fn check(reading: &mut Reading, frame: &DataTrackFrame) {
    let message = Message::read(frame.payload.as_ref()).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(frame.user_timestamp, Some(message.number), "the timestamp of another frame");
    let newest = reading.newest.insert(message.publication, message.number);
    assert!(newest < Some(message.number), "{message:?} after {newest:?}: out of order or twice");
    if let Some((last, _)) = reading.newest.last_key_value() {
        assert_eq!(*last, message.publication, "a frame of an earlier publication came back");
    }
}

type Providers = (Option<Arc<dyn EncryptionProvider>>, Option<Arc<dyn DecryptionProvider>>);

fn providers(encryption: Encryption) -> Providers {
    match encryption {
        Encryption::Off => (None, None),
        Encryption::Provider => {
            (Some(Arc::new(Mirror(0.into()))), Some(Arc::new(Mirror(0.into()))))
        }
        Encryption::KeyRing => {
            let options =
                KeyRingOptions { derivation: KeyDerivation::Hkdf, ..KeyRingOptions::default() };
            let ring = Arc::new(KeyRing::new(options).unwrap());
            ring.set_shared_key(b"one key for all".to_vec(), 0).unwrap();
            (Some(Arc::clone(&ring).encryption_provider(None)), Some(ring.decryption_provider()))
        }
    }
}
