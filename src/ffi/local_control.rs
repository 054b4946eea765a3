//! The control half of a local manager: publications under one lock, and what follows from them.
//!
//! ```text
//!  call ──► decide: [lock: publications change; settle: tracks begin, pause and end] ──► ends of waits ──► drain: callbacks
//! ```
//! What was decided has taken effect when the lock is released: tracks and the send queue are changed under it. Waits end at once,
//! on the thread that decided. Callbacks leave in order, one thread at a time, so that a delegate that is stuck in one holds up
//! neither. Order of locks: this one, then a track's, then the outbox.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use super::{
    EncryptionProvider, Environment, LocalDataTrackManagerDelegate,
    local_push::Sealing,
    local_sending::{Host, Sending},
    local_state::{Action, Deeds, Ends, Kept, State},
    lock::{Hold, Mutex, drain},
    timers::{Alarm, DeadlineClient},
    wait::wake,
};
use crate::{
    error::SignalError,
    local::output::{Cause, LocalKey},
    signal::{self, SignalOut, tag},
    stats::LocalManagerStats,
    track::SignalOutcome,
};

/// See the module.
pub(crate) struct Control {
    pub(super) environment: Arc<Environment>,
    pub(super) alarm: Alarm,
    pub(super) sending: Arc<Sending>,
    state: Mutex<State>,
    signals_sent: AtomicU64,
    signals_not_sent: AtomicU64,
    entries_skipped: AtomicU64,
}

impl Control {
    pub(super) fn new(
        environment: Arc<Environment>,
        delegate: Arc<dyn LocalDataTrackManagerDelegate>,
        provider: Option<Arc<dyn EncryptionProvider>>,
        local_identity: Option<String>,
    ) -> Arc<Self> {
        let sealing = Sealing::of(provider.as_ref());
        Arc::new_cyclic(|control: &Weak<Self>| {
            let client: Weak<dyn DeadlineClient> = control.clone();
            let alarm = environment.register(client);
            let host = Host { delegate: Arc::clone(&delegate), provider };
            let sending = Sending::new(Arc::clone(&environment), host, control.clone());
            Self {
                environment,
                alarm,
                sending: Arc::new(sending),
                state: Mutex::new(State::new(delegate, local_identity, sealing)),
                signals_sent: AtomicU64::new(0),
                signals_not_sent: AtomicU64::new(0),
                entries_skipped: AtomicU64::new(0),
            }
        })
    }

    /// Changes the state, and does what follows.
    pub(super) fn decide<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (answer, ends) = self.change(change);
        let resumed = ends.resumed;
        ends.end();
        if resumed {
            // Should a callback below be stuck, the deadline thread sends.
            self.alarm.set(self.environment.now());
        }
        self.act();
        if resumed {
            self.sending.send_all();
        }
        answer
    }

    /// Changes the state from a `Drop`, which must not call anybody: the deadline thread does what follows.
    pub(super) fn decide_silently(&self, change: impl FnOnce(&mut State, Instant)) {
        let ((), ends) = self.change(change);
        self.state.hold().left.append(ends);
        self.alarm.set(self.environment.now());
    }

    /// Looks at the state, or changes it so that nothing follows.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.hold())
    }

    /// Takes a message of the SFU of one of these kinds.
    pub(super) fn handle(
        &self,
        res: &[u8],
        wanted: impl Fn(u32) -> bool,
    ) -> Result<Received, SignalError> {
        let decoded = signal::decode(res, wanted)?;
        self.entries_skipped.fetch_add(decoded.skipped.into(), Relaxed);
        let outcome = self.decide(|state, now| {
            if state.publications.is_closed() {
                return Err(SignalError::Closed);
            }
            let message = decoded.message;
            Ok(message.map(|message| state.publications.handle_signal(message, now)))
        })?;
        Ok(Received { tag: decoded.tag, outcome: outcome.unwrap_or(SignalOutcome::Ignored) })
    }

    pub(super) fn unpublish(&self, key: LocalKey) {
        self.decide(|state, now| state.publications.unpublish(key, now));
    }

    pub(super) fn republish(&self) {
        self.decide(|state, now| {
            state.publications.republish(now);
            self.sending.renew_channel(now);
        });
    }

    /// Ends every publication and every wait, and lets the host go.
    pub(super) fn shutdown(&self) {
        self.decide(|state, now| state.publications.shutdown(now));
        let host = self.sending.outbox().host.take();
        drop(host);
        self.decide(|state, _| state.let_go());
    }

    /// The manager was dropped: every wait ends, and nobody is called.
    pub(super) fn orphan(self: &Arc<Self>) {
        let host = self.sending.outbox().host.take();
        let kept = Kept { _control: Arc::clone(self), _host: host };
        self.decide_silently(|state, now| state.orphan(kept, &self.sending, now));
    }

    pub(super) fn stats(&self) -> LocalManagerStats {
        let (published, pending) = {
            let state = self.state.hold();
            (state.tracks.len(), state.publications.pending())
        };
        LocalManagerStats {
            signals_sent: self.signals_sent.load(Relaxed),
            signals_not_sent: self.signals_not_sent.load(Relaxed),
            entries_skipped: self.entries_skipped.load(Relaxed),
            delegate_errors: self.sending.faults.delegate_errors(),
            panics: self.sending.faults.panics(),
            tracks_published: published as u64,
            tracks_pending: pending as u64,
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> (T, Ends) {
        let now = self.environment.now();
        let mut state = self.state.hold();
        let answer = change(&mut state, now);
        let ends = state.settle(&self.sending);
        if let Some(at) = state.publications.poll_timeout() {
            self.alarm.set(at);
        }
        (answer, ends)
    }

    /// Calls out what was decided.
    fn act(&self) {
        drain(&self.state, |deeds| self.do_one(deeds));
    }

    fn do_one(&self, Deeds { action, delegate }: Deeds) {
        let Some(delegate) = delegate else { return };
        let faults = &self.sending.faults;
        // What it throws is counted; nothing else follows from it.
        let _ = match action {
            Action::Request { signal, cause } => {
                self.request(&*delegate, &signal, cause);
                return;
            }
            Action::Published(track) => {
                tracing::info!(handle = track.handle(), "track published");
                faults.call_out("on_track_published", || delegate.on_track_published(track))
            }
            Action::Unpublished(track, reason) => {
                tracing::info!(handle = track.handle(), ?reason, "track unpublished");
                let unpublished = || delegate.on_track_unpublished(track, reason);
                faults.call_out("on_track_unpublished", unpublished)
            }
            Action::LetGo => return,
        };
    }

    fn request(
        &self,
        delegate: &dyn LocalDataTrackManagerDelegate,
        signal: &SignalOut,
        cause: Cause,
    ) {
        tracing::debug!(?cause, "request");
        let send = || delegate.on_signal_request(signal.encode());
        if self.sending.faults.call_out("on_signal_request", send).is_ok() {
            self.signals_sent.fetch_add(1, Relaxed);
        } else {
            self.signals_not_sent.fetch_add(1, Relaxed);
            // What follows from it leaves with the drain that this is part of.
            let ((), ends) =
                self.change(|state, now| state.publications.request_not_sent(cause, now));
            ends.end();
        }
    }
}

impl DeadlineClient for Control {
    fn expire(&self, now: Instant) {
        let ((), ends) = self.change(|state, _| state.publications.handle_timeout(now));
        let left = std::mem::take(&mut self.state.hold().left);
        left.end();
        ends.end();
        let (wakers, next) = {
            let mut outbox = self.sending.outbox();
            (outbox.seats.take_due(now), outbox.seats.next_deadline())
        };
        wakers.into_iter().for_each(wake);
        self.sending.wake_at(next);
    }

    fn has_calls(&self) -> bool {
        self.state.hold().has_actions() || !self.sending.outbox().queue.is_idle()
    }

    fn drain(&self) {
        self.act();
        self.sending.send_all();
    }
}

/// What a message was, and what became of it.
pub(super) struct Received {
    pub(super) tag: u32,
    pub(super) outcome: SignalOutcome,
}

/// What a local manager has to do with.
pub(super) fn is_for_publishers(number: u32) -> bool {
    matches!(
        number,
        tag::JOIN
            | tag::UPDATE
            | tag::REQUEST_RESPONSE
            | tag::ROOM_MOVED
            | tag::PUBLISH_RESPONSE
            | tag::UNPUBLISH_RESPONSE
            | tag::STORE_DATA_BLOB_RESPONSE
            | tag::GET_DATA_BLOB_RESPONSE
    )
}
