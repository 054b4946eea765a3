//! What a remote manager, its tracks and its streams share: the locks, the alarm, the drain.
//!
//! ```text
//!  signals, verbs, deadlines ─► control lock: decide; routes and streams change at once ─► unlock: wake, replay, drain
//!  packets ─► routing lock: whose? ─► that track's lock: reassemble ─► unlock: open, wake
//! ```
//! Locks nest in one direction: control, then routing or one track's; packets never take the first one. No foreign code runs
//! under any of them.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use super::{
    DecryptionProvider, Environment, RemoteDataTrackManagerDelegate,
    guard::Faults,
    lock::{Hold, Mutex, drain},
    remote_effects::{After, State},
    remote_reception::Reception,
    timers::{Alarm, DeadlineClient},
};
use crate::{
    packet::{self, Packet},
    remote::{Budgets, Control, Destination, ReaderId, Request, Routing, TrackId},
    stats::RemoteManagerStats,
};

/// See the module.
pub(super) struct Remote {
    pub(super) environment: Arc<Environment>,
    pub(super) provider: Option<Arc<dyn DecryptionProvider>>,
    pub(super) budgets: Budgets,
    pub(super) faults: Arc<Faults>,
    pub(super) routing: Mutex<Routing<Arc<Reception>>>,
    pub(super) this: Weak<Self>,
    state: Mutex<State>,
    alarm: Alarm,
    counters: Counters,
    /// Keeps this alive from the drop of the manager until the deadline thread has ended everything.
    afterlife: Mutex<Option<Arc<Self>>>,
}

#[derive(Default)]
struct Counters {
    signals_sent: AtomicU64,
    signals_not_sent: AtomicU64,
    entries_skipped: AtomicU64,
    packets_malformed: AtomicU64,
}

impl Remote {
    pub(super) fn new(
        environment: Arc<Environment>,
        delegate: Arc<dyn RemoteDataTrackManagerDelegate>,
        provider: Option<Arc<dyn DecryptionProvider>>,
        local_identity: Option<String>,
    ) -> Arc<Self> {
        let control = Control::new(provider.is_some(), local_identity);
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            alarm: environment.register(this.clone()),
            environment,
            provider,
            budgets: Budgets::default(),
            faults: Arc::default(),
            routing: Mutex::new(Routing::new()),
            this: this.clone(),
            state: Mutex::new(State::new(control, delegate)),
            counters: Counters::default(),
            afterlife: Mutex::new(None),
        })
    }

    /// Decides something, and does what follows from it on this thread.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (answer, after) = self.decide(change);
        self.finish(after);
        self.drain_calls();
        answer
    }

    /// As [`change`](Self::change) for a `Drop`: the deadline thread does what follows.
    pub(super) fn change_later(&self, change: impl FnOnce(&mut State, Instant)) {
        let ((), after) = self.decide(change);
        if self.state.hold().leave_for_later(after) {
            self.alarm.set(self.environment.now());
        }
    }

    /// Reads the state.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.hold())
    }

    /// A reader of a track is gone, or nobody waits for it any more.
    pub(super) fn release(&self, track: TrackId, reader: ReaderId) {
        self.change(|state, _| state.release(track, reader));
    }

    /// As [`release`](Self::release), for a `Drop`.
    pub(super) fn release_later(&self, track: TrackId, reader: ReaderId) {
        self.change_later(|state, _| state.release(track, reader));
    }

    /// The manager was dropped without having been shut down: the same, without the delegate, on the deadline thread.
    pub(super) fn abandon(self: &Arc<Self>) {
        if self.read(|state| state.control.is_closed()) {
            return;
        }
        *self.afterlife.hold() = Some(Arc::clone(self));
        self.change_later(|state, _| state.dismiss());
    }

    pub(super) fn count_skipped(&self, entries: u32) {
        self.counters.entries_skipped.fetch_add(entries.into(), Relaxed);
    }

    /// Takes a packet as it came from the data channel.
    pub(super) fn receive(&self, bytes: &[u8]) {
        let Ok(packet) = packet::decode(bytes) else {
            self.counters.packets_malformed.fetch_add(1, Relaxed);
            return;
        };
        let now = self.environment.now();
        let destination = self.routing.hold().route(packet.header.handle, bytes, now);
        match destination {
            Destination::Track(reception) => self.deliver(&reception, &packet, bytes.len(), now),
            Destination::Kept(until) => self.alarm.set(until),
            Destination::Nobody => {}
        }
    }

    /// The host has sent a request, or could not.
    pub(super) fn note_request(&self, track: TrackId, kind: Request, sent: bool) {
        if sent {
            self.counters.signals_sent.fetch_add(1, Relaxed);
            return;
        }
        self.counters.signals_not_sent.fetch_add(1, Relaxed);
        let ((), after) = self.decide(|state, now| state.control.not_sent(track, kind, now));
        self.finish(after);
    }

    pub(super) fn stats(&self) -> RemoteManagerStats {
        let (published, active, skipped) = self.read(|state| {
            (state.control.published(), state.control.active(), state.control.skipped())
        });
        let (routed, unknown, early) = {
            let routing = self.routing.hold();
            (routing.packets(), routing.unknown(), routing.early_bytes())
        };
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        let malformed = count(&self.counters.packets_malformed);
        RemoteManagerStats {
            signals_sent: count(&self.counters.signals_sent),
            signals_not_sent: count(&self.counters.signals_not_sent),
            entries_skipped: skipped + count(&self.counters.entries_skipped),
            packets_received: routed + malformed,
            packets_malformed: malformed,
            packets_unknown_handle: unknown as u64,
            delegate_errors: self.faults.delegate_errors(),
            panics: self.faults.panics(),
            tracks_published: published as u64,
            subscriptions_active: active as u64,
            bytes_stashed: early as u64,
        }
    }

    fn drain_calls(&self) {
        drain(&self.state, |call| self.tell(call));
    }

    fn decide<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> (T, After) {
        let now = self.environment.now();
        let mut state = self.state.hold();
        let answer = change(&mut state, now);
        let after = state.take_effect(self, now);
        (answer, after)
    }

    /// What must follow without the lock, and wait for no delegate.
    fn finish(&self, after: After) {
        if let Some(deadline) = after.deadline {
            self.alarm.set(deadline);
        }
        for (reception, packets) in after.complete() {
            for bytes in &packets {
                if let Ok(packet) = packet::decode(bytes) {
                    self.deliver(&reception, &packet, bytes.len(), self.environment.now());
                }
            }
        }
    }

    fn deliver(
        &self,
        reception: &Reception,
        packet: &Packet<'_>,
        message_len: usize,
        now: Instant,
    ) {
        if let Some(deadline) = reception.receive(packet, message_len, &self.environment, now) {
            self.alarm.set(deadline);
        }
    }
}

impl DeadlineClient for Remote {
    fn expire(&self, now: Instant) {
        let (left, after) = self.decide(|state, _| {
            state.control.handle_timeout(now);
            state.take_what_was_left()
        });
        left.into_iter().for_each(|after| self.finish(after));
        self.finish(after);
        let next = {
            let mut routing = self.routing.hold();
            routing.handle_timeout(now);
            routing.poll_timeout()
        };
        let receptions = self.read(State::receptions);
        let deadlines = receptions.iter().filter_map(|reception| reception.expire(now));
        if let Some(deadline) = deadlines.chain(next).min() {
            self.alarm.set(deadline);
        }
    }

    fn has_calls(&self) -> bool {
        self.read(State::has_calls) || self.afterlife.hold().is_some()
    }

    fn drain(&self) {
        self.drain_calls();
        let afterlife = self.afterlife.hold().take();
        drop(afterlife);
    }
}
