//! One simulated participant: its managers, its host, and its application.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use datatracks::*;

use super::{
    app::App,
    coverage::{MANAGER_DROP, OTHER_ARROW, OWN_ARROW},
    host::{Delegate, Host},
    kinds,
    ledger::Ledger,
    providers::Encryption,
};

pub struct Participant {
    pub host: Arc<Host>,
    pub local: Arc<LocalDataTrackManager>,
    pub remote: Arc<RemoteDataTrackManager>,
    /// In this session an answer to it got lost, or it gets what it did not ask for.
    pub needs_a_session: bool,
    /// The last packets that came and when, as long as their handles stand for the same tracks.
    pub received: VecDeque<(Bytes, u64)>,
    /// The next answer to a publish is tampered with.
    pub deceived: bool,
}

impl Participant {
    pub fn new(ledger: &Arc<Ledger>, identity: &str, encryption: Encryption, luck: u64) -> Self {
        let host = Arc::new(Host::new(App::new(identity, ledger), luck));
        let (encrypt, decrypt) = encryption.providers(&host);
        let local = Arc::new(LocalDataTrackManager::with_environment(
            Arc::clone(&ledger.environment),
            Arc::new(Delegate(Arc::clone(&host))),
            encrypt,
            Some(identity.to_owned()),
        ));
        let remote = Arc::new(RemoteDataTrackManager::with_environment(
            Arc::clone(&ledger.environment),
            Arc::new(Delegate(Arc::clone(&host))),
            decrypt,
            Some(identity.to_owned()),
        ));
        *host.app.local.lock().unwrap() = Arc::downgrade(&local);
        *host.app.remote.lock().unwrap() = Arc::downgrade(&remote);
        Self {
            host,
            local,
            remote,
            needs_a_session: false,
            received: VecDeque::new(),
            deceived: false,
        }
    }

    pub fn identity(&self) -> &str {
        &self.host.app.identity
    }

    pub fn app(&self) -> &App {
        &self.host.app
    }

    /// Hands a signal message to both managers, as a host does.
    pub fn receive_signal(&mut self, bytes: &[u8]) {
        self.received.clear();
        let taken = [
            self.local.handle_signal_response(bytes.to_vec()),
            self.remote.handle_signal_response(bytes.to_vec()),
        ];
        assert!(!taken.contains(&Err(SignalError::Malformed)));
    }

    pub fn receive_packet(&mut self, packet: Bytes) {
        self.remote.handle_packet_received(&packet);
        let now = self.app().ledger.now_ms();
        self.received.push_back((packet, now));
        if self.received.len() > RECEIVED {
            self.received.pop_front();
        }
    }

    /// At its end: what its managers have come to.
    pub fn tell_what_it_came_to(&self) {
        let ledger = &self.app().ledger;
        let named = |taken: Taken| {
            taken.into_iter().map(|((before, after), times)| (format!("{before} → {after}"), times))
        };
        ledger.add_all(OWN_ARROW, named(self.local.arrows()));
        ledger.add_all(OTHER_ARROW, named(self.remote.arrows()));
        ledger.add_all(MANAGER_DROP, kinds::manager_drops(&self.remote.stats()));
    }

    /// Ends both managers: every call and every stream ends with them.
    pub fn shut_down(&self) {
        self.local.shutdown();
        self.remote.shutdown();
        self.app().poll_calls();
        self.app().read_streams();
        let calls = self.app().calls.lock().unwrap();
        assert!(calls.is_empty(), "a {} outlived its manager", calls[0].what);
        let streams = self.app().streams.lock().unwrap();
        assert!(!streams.iter().any(|reading| reading.is_open()), "a stream outlived its manager");
    }
}

/// Packets that may come again.
const RECEIVED: usize = 64;
