//! The packet side of one track: a lock around its [`Receiver`], its readers' wakers, and the opening of sealed frames.
//!
//! Never takes the control lock. Opens without its own: what comes meanwhile is queued by the receiver.

use std::{
    borrow::Cow,
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    DecryptionProvider, EncryptedPayload, Environment,
    environment::clock_of_the_machine,
    guard::Faults,
    lock::{Hold, Mutex},
    remote_seats::{Seats, Wakes},
};
use crate::{
    e2ee::TAG_LEN,
    frame::{DataTrackFrame, Payload},
    packet::{Encryption, Packet},
    remote::{Budgets, Mark, Next, ReaderId, Receiver, Sealed, StreamOptions},
    stats::{RemoteTrackStats, StreamStats},
    track::StreamEndReason,
};

/// See the module.
pub(super) struct Reception {
    pub(super) faults: Arc<Faults>,
    publisher: Arc<str>,
    provider: Option<Arc<dyn DecryptionProvider>>,
    state: Mutex<State>,
}

struct State {
    receiver: Receiver,
    /// Those of open streams: at the end of one nobody waits any more.
    readers: Vec<(ReaderId, Seats)>,
    /// The alarm is set for this, or earlier.
    armed: Option<Instant>,
}

impl Reception {
    pub(super) fn new(
        publisher: Arc<str>,
        encrypted: bool,
        provider: Option<Arc<dyn DecryptionProvider>>,
        budgets: &Budgets,
        faults: Arc<Faults>,
    ) -> Self {
        let receiver = Receiver::new(encrypted, budgets);
        let state = State { receiver, readers: Vec::new(), armed: None };
        Self { faults, publisher, provider, state: Mutex::new(state) }
    }

    /// Takes a packet in, and opens what it completes. Answers when to call [`expire`](Self::expire), if that is new.
    pub(super) fn receive(
        &self,
        packet: &Packet<'_>,
        message_len: usize,
        environment: &Environment,
        now: Instant,
    ) -> Option<Instant> {
        let (mut sealed, mut deadline) =
            self.change(|receiver| receiver.receive(packet, message_len, now));
        while let Some(Sealed { encryption, bytes, ticket }) = sealed {
            let (mark, opened) = self.open(&encryption, bytes);
            let now = environment.now();
            let take = |receiver: &mut Receiver| receiver.opened(mark, ticket, opened, now);
            let next;
            (sealed, next) = self.change(take);
            deadline = deadline.into_iter().chain(next).min();
        }
        deadline
    }

    /// Does what is due. Answers when to call it again.
    pub(super) fn expire(&self, now: Instant) -> Option<Instant> {
        let (next, wakes) = {
            let mut state = self.state.hold();
            if state.armed.is_some_and(|armed| armed <= now) {
                state.receiver.handle_timeout(now);
                state.armed = state.receiver.poll_timeout();
            }
            (state.armed, state.wakes())
        };
        wakes.wake();
        next
    }

    /// Lets a reader have the frames from now on.
    pub(super) fn attach(&self, reader: ReaderId, options: &StreamOptions) {
        let mut state = self.state.hold();
        state.receiver.attach(reader, options);
        state.readers.reserve_exact(1);
        state.readers.push((reader, Seats::default()));
    }

    /// Ends all streams. What is answered is to be woken without the control lock.
    pub(super) fn end(&self, reason: StreamEndReason) -> Wakes {
        let mut state = self.state.hold();
        state.receiver.end(reason);
        let wakes = state.wakes();
        state.readers.clear();
        wakes
    }

    /// Packets of a new subscription come next. What is answered is to be woken without the control lock.
    pub(super) fn restart(&self) -> Wakes {
        let mut state = self.state.hold();
        state.receiver.restart();
        state.wakes()
    }

    /// Ends one stream and wakes its readers.
    pub(super) fn close(&self, reader: ReaderId) {
        let wakes = {
            let mut state = self.state.hold();
            state.receiver.close(reader);
            let wakes = state.wakes();
            state.readers.retain(|(known, _)| *known != reader);
            wakes
        };
        wakes.wake();
    }

    /// The stream is gone, and so are its readers.
    pub(super) fn forget(&self, reader: ReaderId) {
        let mut state = self.state.hold();
        state.receiver.forget(reader);
        state.readers.retain(|(known, _)| *known != reader);
    }

    pub(super) fn leave(&self, reader: ReaderId, seat: u64) {
        let waker = self.state.hold().seats(reader).and_then(|seats| seats.leave(seat));
        drop(waker);
    }

    /// The next frame, or `None` at the end of the stream. Takes a seat among those who wait where there is neither; where
    /// frames come faster than readers wake up, only after a rest in which the sender need not wake anybody.
    pub(super) fn poll_next(
        &self,
        reader: ReaderId,
        wait: &mut Wait,
        waker: &Waker,
    ) -> Poll<Option<DataTrackFrame>> {
        if wait.passes_a_turn(waker) {
            return Poll::Pending;
        }
        let mut state = self.state.hold();
        if wait.for_a_batch && state.receiver.is_worth_a_rest(reader) {
            drop(state);
            return wait.rest(waker);
        }
        match state.receiver.next(reader) {
            Next::Frame(frame) => Poll::Ready(Some(frame)),
            Next::Ended => Poll::Ready(None),
            Next::Empty { was_behind: true } => {
                drop(state);
                wait.rest(waker)
            }
            Next::Empty { was_behind: false } => {
                let seats = state.seats(reader);
                let former = seats.and_then(|seats| seats.wait(&mut wait.seat, waker));
                drop(state);
                drop(former);
                Poll::Pending
            }
        }
    }

    /// Adds frames that are there to `frames`, until it holds `max`: all under one lock.
    pub(super) fn take(&self, reader: ReaderId, max: usize, frames: &mut Vec<DataTrackFrame>) {
        self.state.hold().receiver.take(reader, max, frames);
    }

    pub(super) fn end_reason(&self, reader: ReaderId) -> Option<StreamEndReason> {
        self.state.hold().receiver.end_reason(reader)
    }

    pub(super) fn stats(&self) -> RemoteTrackStats {
        self.state.hold().receiver.stats()
    }

    pub(super) fn stream_stats(&self, reader: ReaderId) -> StreamStats {
        self.state.hold().receiver.stream_stats(reader)
    }

    /// Changes the receiver and wakes who has something to read. Answers a new deadline, too.
    fn change<T>(&self, change: impl FnOnce(&mut Receiver) -> T) -> (T, Option<Instant>) {
        let mut state = self.state.hold();
        let answer = change(&mut state.receiver);
        let deadline = state.arm();
        let wakes = state.wakes();
        drop(state);
        wakes.wake();
        (answer, deadline)
    }

    /// Answers what tells the frame from others as well.
    fn open(&self, encryption: &Encryption, bytes: Cow<'_, [u8]>) -> (Mark, Option<Payload>) {
        let Some(provider) = &self.provider else { return (Mark::of_iv(encryption), None) };
        let Some(ring) = provider.key_ring() else {
            let mark = Mark::of_contents(encryption, &bytes);
            let sealed = EncryptedPayload {
                payload: Payload::from(bytes.into_owned()),
                iv: encryption.iv.to_vec(),
                key_index: encryption.key_index,
            };
            let publisher = self.publisher.to_string();
            let decrypt = || provider.decrypt(sealed, publisher);
            return (mark, self.faults.call_out("decrypt", decrypt).ok());
        };
        let opened = match bytes {
            Cow::Owned(sealed) => ring.open(&self.publisher, encryption, sealed).ok(),
            Cow::Borrowed(sealed) => {
                let mut plain = Vec::with_capacity(sealed.len().saturating_sub(TAG_LEN));
                let opened = ring.open_into(&self.publisher, encryption, sealed, &mut plain);
                opened.ok().map(|()| plain)
            }
        };
        (Mark::of_iv(encryption), opened.map(Payload::from))
    }
}

/// One call that waits for a frame.
pub(super) struct Wait {
    pub(super) seat: Option<u64>,
    /// Lets some more frames come first, once.
    for_a_batch: bool,
    /// Lets turns pass until then, before it looks again.
    until: Option<Instant>,
}

impl Wait {
    pub(super) fn new(for_a_batch: bool) -> Self {
        Self { seat: None, for_a_batch, until: None }
    }

    /// Looks again after a rest, of one turn at least. Calls foreign code: never under a lock.
    fn rest<T>(&mut self, waker: &Waker) -> Poll<T> {
        self.for_a_batch = false;
        self.until = Some(clock_of_the_machine() + REST);
        waker.wake_by_ref();
        Poll::Pending
    }

    /// Asks its executor for another turn, if it lets this one pass. Calls foreign code: never under a lock.
    fn passes_a_turn(&mut self, waker: &Waker) -> bool {
        let passes = self.until.is_some_and(|until| clock_of_the_machine() < until);
        if passes {
            waker.wake_by_ref();
        }
        passes
    }
}

impl State {
    fn seats(&mut self, reader: ReaderId) -> Option<&mut Seats> {
        self.readers.iter_mut().find(|(known, _)| *known == reader).map(|(_, seats)| seats)
    }

    fn wakes(&mut self) -> Wakes {
        let mut wakes = Wakes::default();
        for (reader, seats) in &mut self.readers {
            if seats.are_taken() && self.receiver.is_readable(*reader) {
                seats.call(&mut wakes);
            }
        }
        wakes
    }

    /// The deadline for which the alarm must be set, unless it is.
    fn arm(&mut self) -> Option<Instant> {
        let at = self.receiver.poll_timeout()?;
        if self.armed.is_some_and(|armed| armed <= at) {
            return None;
        }
        self.armed = Some(at);
        self.armed
    }
}

/// Less than what waking a thread takes, and some dozen frames come meanwhile. A model has no clock.
const REST: Duration = if cfg!(models) { Duration::ZERO } else { Duration::from_micros(10) };
