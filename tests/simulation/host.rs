//! The host of one simulated participant: delegates that put everything into queues, that throw and call back when told to.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use datatracks::*;

use super::{
    app::App,
    chance::Chance,
    coverage::{LOCAL_DROP, LOCAL_END, REMOTE_DROP, REMOTE_END, SUBSCRIPTION},
    kinds::{self, Kind},
    reentry::Reentry,
};

/// What a participant's managers handed out, and how its host behaves.
pub struct Host {
    pub app: App,
    pub signals: Mutex<VecDeque<Vec<u8>>>,
    pub packets: Mutex<VecDeque<Bytes>>,
    pub connected: AtomicBool,
    /// Of a thousand callbacks of delegates, how many throw.
    pub throws: AtomicU64,
    /// And of a thousand calls of a provider.
    pub provider_throws: AtomicU64,
    thrown: [AtomicU64; 2],
    luck: Mutex<Chance>,
    /// What the next callback does.
    pub armed: Mutex<Option<(Reentry, u32)>>,
    /// Its managers were shut down from inside a callback.
    pub over: AtomicBool,
}

/// Whose callback it is.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Local,
    Remote,
}

impl Host {
    pub fn new(app: App, luck: u64) -> Self {
        Self {
            app,
            signals: Mutex::default(),
            packets: Mutex::default(),
            connected: AtomicBool::new(true),
            throws: AtomicU64::new(0),
            provider_throws: AtomicU64::new(20),
            thrown: Default::default(),
            luck: Mutex::new(Chance::new(luck)),
            armed: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// How often callbacks of one manager threw.
    pub fn thrown(&self, side: Side) -> u64 {
        self.thrown[side as usize].load(Relaxed)
    }

    /// Nothing more goes wrong here.
    pub fn heal(&self) {
        self.throws.store(0, Relaxed);
        self.provider_throws.store(0, Relaxed);
        self.armed.lock().unwrap().take();
    }

    fn callback(&self, side: Side) -> Result<(), DelegateError> {
        self.go_on();
        if self.fails(self.throws.load(Relaxed)) {
            self.throw(side);
            return Err(DelegateError::Failed);
        }
        Ok(())
    }

    /// What any callback may do.
    pub fn go_on(&self) {
        let armed = self.armed.lock().unwrap().take();
        if let Some((reentry, luck)) = armed {
            self.reenter(reentry, &mut Chance::new(luck.into()));
        }
    }

    /// Draws whether a callback throws.
    pub fn fails(&self, of_a_thousand: u64) -> bool {
        of_a_thousand > 0 && self.draw() % 1_000 < of_a_thousand
    }

    /// Counts an exception that is to be thrown; now and then it is a panic, as a host in Rust may have.
    pub fn throw(&self, side: Side) {
        self.thrown[side as usize].fetch_add(1, Relaxed);
        if self.draw().is_multiple_of(4) {
            // Without a word on the console.
            std::panic::resume_unwind(Box::new("the host"));
        }
    }

    pub fn draw(&self) -> u64 {
        self.luck.lock().unwrap().next()
    }

    fn signal(&self, side: Side, request: Vec<u8>) -> Result<(), DelegateError> {
        self.callback(side)?;
        if !self.connected.load(Relaxed) {
            self.throw(side);
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
        self.0.signal(Side::Local, request)
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        self.0.callback(Side::Local)?;
        if self.0.connected.load(Relaxed) {
            self.0.packets.lock().unwrap().extend(packets.into_packets());
        }
        Ok(())
    }

    fn on_track_published(&self, _: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        self.0.callback(Side::Local)
    }

    fn on_track_unpublished(
        &self,
        track: Arc<LocalDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        let ledger = &self.0.app.ledger;
        ledger.visit(LOCAL_END, reason.kind());
        ledger.add_all(LOCAL_DROP, kinds::local_drops(&track.stats()));
        self.0.callback(Side::Local)
    }
}

impl RemoteDataTrackManagerDelegate for Delegate {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.0.signal(Side::Remote, request)
    }

    fn on_track_published(&self, _: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        self.0.callback(Side::Remote)
    }

    fn on_track_unpublished(
        &self,
        track: Arc<RemoteDataTrack>,
        reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        let ledger = &self.0.app.ledger;
        ledger.visit(REMOTE_END, reason.kind());
        ledger.add_all(REMOTE_DROP, kinds::remote_drops(&track.stats()));
        self.0.callback(Side::Remote)
    }

    fn on_subscription_changed(
        &self,
        _: Arc<RemoteDataTrack>,
        state: SubscriptionState,
    ) -> Result<(), DelegateError> {
        self.0.app.ledger.visit(SUBSCRIPTION, state.kind());
        self.0.callback(Side::Remote)
    }
}
