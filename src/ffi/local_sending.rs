//! How packets leave: the send queue under its lock, and the calls that hand its packets to the host under none.
//!
//! Outlives the manager as long as a track is held, so that a push needs no detour; without manager nothing leaves any more.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Waker,
    time::Instant,
};

use super::{
    EncryptionProvider, Environment, LocalDataTrackManagerDelegate,
    guard::Faults,
    local_control::Control,
    local_waits::Seats,
    lock::{Hold, Mutex, MutexGuard},
    payload,
    wait::wake,
};
use crate::{
    frame::PacketBatch,
    local::{
        numbers::Unnumbered,
        send_queue::{Handover, LaneId, SendQueue},
    },
};

/// The sending half of a local manager.
pub(crate) struct Sending {
    pub(super) environment: Arc<Environment>,
    pub(super) faults: Faults,
    control: Weak<Control>,
    /// What the queue said last: a push needs it before it has the lock.
    packet_len: AtomicUsize,
    outbox: Mutex<Outbox>,
}

/// What the lock guards.
pub(super) struct Outbox {
    pub(super) queue: SendQueue,
    pub(super) seats: Seats,
    pub(super) host: Option<Host>,
}

/// Whom packets are handed to and who seals them; gone after the shutdown.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) delegate: Arc<dyn LocalDataTrackManagerDelegate>,
    pub(super) provider: Option<Arc<dyn EncryptionProvider>>,
}

/// Packets on their way to the delegate.
pub(super) struct Call {
    pub(super) lane: LaneId,
    pub(super) packets: PacketBatch,
    pub(super) delegate: Arc<dyn LocalDataTrackManagerDelegate>,
}

/// Whom to wake without the lock; mostly nobody.
pub(super) type Wakers = Option<Vec<Waker>>;

/// Whose packets a thread goes on with after a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of the same track.
    Track,
    /// Everybody's, in turn.
    All,
}

impl Sending {
    pub(super) fn new(environment: Arc<Environment>, host: Host, control: Weak<Control>) -> Self {
        let outbox =
            Outbox { queue: SendQueue::default(), seats: Seats::default(), host: Some(host) };
        let packet_len = AtomicUsize::new(outbox.queue.packet_len());
        let (faults, outbox) = (Faults::default(), Mutex::new(outbox));
        Self { environment, faults, control, packet_len, outbox }
    }

    pub(super) fn control(&self) -> Option<Arc<Control>> {
        self.control.upgrade()
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.hold()
    }

    /// Changes the outbox, then wakes whom that concerns.
    pub(super) fn with_outbox<T>(&self, change: impl FnOnce(&mut Outbox) -> T) -> T {
        let (answer, wakers) = {
            let mut outbox = self.outbox();
            let answer = change(&mut outbox);
            (answer, outbox.wakers())
        };
        wake_all(wakers);
        answer
    }

    /// The host says how many bytes wait in the channel.
    pub(super) fn report(&self, bytes: u64) {
        let waiting = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.change_channel(|queue| queue.report(waiting, self.environment.now()));
        self.send_all();
    }

    /// A full reconnect brings another channel.
    pub(super) fn renew_channel(&self, now: Instant) {
        self.change_channel(|queue| queue.renew_channel(now));
    }

    fn change_channel(&self, change: impl FnOnce(&mut SendQueue)) {
        let mut outbox = self.outbox();
        change(&mut outbox.queue);
        self.packet_len.store(outbox.queue.packet_len(), Relaxed);
    }

    /// How large packets should be at most.
    pub(super) fn packet_len(&self) -> usize {
        self.packet_len.load(Relaxed)
    }

    /// Hands out everything that may leave now, whosever it is.
    pub(super) fn send_all(&self) {
        let now = self.environment.now();
        let (call, deadline) = self.with_outbox(|outbox| {
            let call = outbox.next(now);
            (call, outbox.queue.next_deadline(now))
        });
        self.wake_at(deadline);
        self.send(call, Scope::All);
    }

    /// Hands packets out until there are none that may leave. A second thread that comes for the same track finds nothing to
    /// do: what it brought leaves here.
    pub(super) fn send(&self, mut next: Option<Call>, scope: Scope) {
        while let Some(call) = next {
            next = self.send_one(call, scope);
        }
    }

    fn send_one(&self, call: Call, scope: Scope) -> Option<Call> {
        let Call { lane, packets, delegate } = call;
        let call = || delegate.on_packets_available(packets);
        let lent = payload::make_room();
        let sent = self.faults.call_out("on_packets_available", call).is_ok();
        payload::take_back(lent);
        let mut outbox = self.outbox();
        let none_waits = outbox.queue.finish(lane, sent);
        if none_waits && scope == Scope::Track && outbox.is_at_rest() {
            return None;
        }
        self.go_on(outbox, lane, scope)
    }

    /// After a call: wakes whom it concerns, and looks for the next.
    #[inline(never)]
    fn go_on(
        &self,
        mut outbox: MutexGuard<'_, Outbox>,
        lane: LaneId,
        scope: Scope,
    ) -> Option<Call> {
        let now = self.environment.now();
        let next = match scope {
            Scope::Track => outbox.continue_with(lane, now),
            Scope::All => outbox.next(now),
        };
        let deadline = outbox.queue.next_deadline(now);
        let wakers = outbox.wakers();
        drop(outbox);
        wake_all(wakers);
        self.wake_at(deadline);
        next
    }

    /// Asks the deadline thread to look after the queue.
    pub(super) fn wake_at(&self, deadline: Option<Instant>) {
        if let Some(at) = deadline
            && let Some(control) = self.control()
        {
            control.alarm.set(at);
        }
    }
}

/// Calls foreign code: never under a lock.
pub(super) fn wake_all(wakers: Wakers) {
    if let Some(wakers) = wakers {
        wakers.into_iter().for_each(wake);
    }
}

impl Outbox {
    /// The call for a frame that may leave at once, since nothing waits and nothing is paced. Else gives the frame back.
    pub(super) fn pass(&mut self, lane: LaneId, packets: Unnumbered) -> Result<Call, Unnumbered> {
        let Some(host) = &self.host else { return Err(packets) };
        let packets = self.queue.pass(lane, packets)?;
        Ok(Call { lane, packets, delegate: Arc::clone(&host.delegate) })
    }

    /// Nothing waits, and nobody waits for anything.
    fn is_at_rest(&self) -> bool {
        self.seats.is_empty() && self.queue.is_idle()
    }

    /// The next track's turn.
    fn next(&mut self, now: Instant) -> Option<Call> {
        let handover = self.queue.next(now);
        self.call(handover)
    }

    /// More of the same track.
    pub(super) fn continue_with(&mut self, lane: LaneId, now: Instant) -> Option<Call> {
        let handover = self.queue.continue_with(lane, now);
        self.call(handover)
    }

    /// Without host there is nothing to call, and all lanes have ended.
    pub(super) fn call(&self, handover: Option<Handover>) -> Option<Call> {
        let Handover { lane, packets } = handover?;
        let delegate = Arc::clone(&self.host.as_ref()?.delegate);
        Some(Call { lane, packets, delegate })
    }

    /// Takes out who waits for what has happened. Wake them without the lock.
    pub(super) fn wakers(&mut self) -> Wakers {
        if self.seats.is_empty() {
            return None;
        }
        let progress = self.queue.progress();
        let wakers = self.seats.take(&progress);
        self.queue.watch(!self.seats.is_empty());
        Some(wakers)
    }
}
