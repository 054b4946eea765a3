//! The host of one simulated participant: delegates that put everything into queues, and fail when told to.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use datatracks::*;

/// What a participant's managers handed out, and how its host behaves.
#[derive(Default)]
pub struct Host {
    pub signals: Mutex<VecDeque<Vec<u8>>>,
    pub packets: Mutex<VecDeque<Bytes>>,
    pub connected: AtomicBool,
    /// Every n-th callback throws; 0: none.
    pub throws: AtomicU64,
    callbacks: AtomicU64,
    pub published: Mutex<Vec<String>>,
    pub appeared: Mutex<VecDeque<Arc<RemoteDataTrack>>>,
    pub local: Mutex<Weak<LocalDataTrackManager>>,
    pub remote: Mutex<Weak<RemoteDataTrackManager>>,
}

impl Host {
    fn callback(&self) -> Result<(), DelegateError> {
        let count = self.callbacks.fetch_add(1, Relaxed) + 1;
        self.reenter(count);
        let throws = self.throws.load(Relaxed);
        if throws != 0 && count.is_multiple_of(throws) {
            Err(DelegateError::Failed)
        } else {
            Ok(())
        }
    }

    /// Any method may be called from any callback.
    fn reenter(&self, count: u64) {
        let local = self.local.lock().unwrap().upgrade();
        let remote = self.remote.lock().unwrap().upgrade();
        match count % 4 {
            0 => drop(local.map(|manager| (manager.stats(), manager.tracks()))),
            1 => drop(remote.map(|manager| (manager.stats(), manager.tracks()))),
            2 => {
                let track = local.and_then(|manager| manager.tracks().pop());
                drop(track.map(|track| (track.info(), track.stats(), track.is_published())));
            }
            _ => {}
        }
    }

    fn signal(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.callback()?;
        if !self.connected.load(Relaxed) {
            return Err(DelegateError::Failed);
        }
        self.signals.lock().unwrap().push_back(request);
        Ok(())
    }
}

/// A delegate that shares its host.
pub struct Delegate(pub Arc<Host>);

impl LocalDataTrackManagerDelegate for Delegate {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.0.signal(request)
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        self.0.callback()?;
        if self.0.connected.load(Relaxed) {
            self.0.packets.lock().unwrap().extend(packets.into_packets());
        }
        Ok(())
    }

    fn on_track_published(&self, track: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        self.0.published.lock().unwrap().push(track.info().name);
        self.0.callback()
    }

    fn on_track_unpublished(
        &self,
        _: Arc<LocalDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.0.callback()
    }
}

impl RemoteDataTrackManagerDelegate for Delegate {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.0.signal(request)
    }

    fn on_track_published(&self, track: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        self.0.appeared.lock().unwrap().push_back(track);
        self.0.callback()
    }

    fn on_track_unpublished(
        &self,
        _: Arc<RemoteDataTrack>,
        _: UnpublishReason,
    ) -> Result<(), DelegateError> {
        self.0.callback()
    }

    fn on_subscription_changed(
        &self,
        _: Arc<RemoteDataTrack>,
        _: SubscriptionState,
    ) -> Result<(), DelegateError> {
        self.0.callback()
    }
}

/// A provider as an application may write one: it hides the plain text, marks what it sealed, and throws now and then.
pub struct Mirror(pub AtomicU64);

impl Mirror {
    fn turned(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| !byte).collect()
    }
}

impl EncryptionProvider for Mirror {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        let number = self.0.fetch_add(1, Relaxed);
        if number % 50 == 49 {
            return Err(EncryptionError::Failed);
        }
        let mut iv = vec![7; 12];
        iv[..8].copy_from_slice(&number.to_be_bytes());
        let mut sealed = Self::turned(payload.as_ref());
        sealed.extend_from_slice(b"mirrored");
        Ok(EncryptedPayload { payload: sealed.into(), iv, key_index: 3 })
    }
}

impl DecryptionProvider for Mirror {
    fn decrypt(&self, sealed: EncryptedPayload, _: String) -> Result<Payload, DecryptionError> {
        if self.0.fetch_add(1, Relaxed) % 50 == 49 {
            return Err(DecryptionError::Failed);
        }
        let bytes = sealed.payload.as_ref();
        let plain = bytes.strip_suffix(b"mirrored").ok_or(DecryptionError::Failed)?;
        Ok(Self::turned(plain).into())
    }
}
