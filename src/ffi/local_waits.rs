//! Waiting for room, and for frames to be gone.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    CancelToken, LocalDataTrack, local_push::Pushed, local_sending::Sending, wait::unless_cancelled,
};
use crate::{
    error::{PushFrameError, WaitError},
    local::{send_queue::LaneId, waiting_room::Admission},
    sorted::{SortedMap, SortedSet},
};

/// Who waits for something to happen in the send queue.
#[derive(Default)]
pub(super) struct Seats {
    next_id: u64,
    waiting: SortedMap<Seat, Waker>,
    deadlines: SortedSet<(Instant, Seat)>,
}

/// One waiter's place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    /// Whose progress; `None`: anybody's.
    lane: Option<LaneId>,
    id: u64,
}

impl Seats {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those who wait for any of these lanes.
    pub(super) fn take(&mut self, progress: &[LaneId]) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if !progress.is_empty() {
            self.take_all_of(None, &mut wakers);
        }
        for lane in progress {
            self.take_all_of(Some(*lane), &mut wakers);
        }
        wakers
    }

    /// Those whose time is over.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while let Some((_, seat)) = self.pop_due(now) {
            wakers.extend(self.waiting.remove(&seat));
        }
        wakers
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|((at, _), ())| *at)
    }

    fn pop_due(&mut self, now: Instant) -> Option<(Instant, Seat)> {
        self.deadlines.pop_first_if(|(at, _)| *at <= now).map(|(due, ())| due)
    }

    fn take_all_of(&mut self, lane: Option<LaneId>, wakers: &mut Vec<Waker>) {
        let first = Seat { lane, id: 0 };
        let seats = self.waiting.range_from(&first).map(|(seat, _)| *seat);
        let seats: Vec<Seat> = seats.take_while(|seat| seat.lane == lane).collect();
        wakers.extend(seats.iter().filter_map(|seat| self.waiting.remove(seat)));
    }
}

/// A place that is given up when dropped.
struct Taken<'a> {
    sending: &'a Sending,
    lane: LaneId,
    deadline: Option<Instant>,
    seat: Option<Seat>,
}

impl<'a> Taken<'a> {
    fn new(sending: &'a Sending, lane: LaneId, deadline: Option<Instant>) -> Self {
        Self { sending, lane, deadline, seat: None }
    }

    /// Asks to be woken. Look again after it: what was waited for may have happened before.
    fn take(&mut self, context: &Context<'_>) {
        let waker = context.waker().clone();
        let replaced = {
            let mut outbox = self.sending.outbox();
            let lane = (!outbox.queue.is_crowded(self.lane)).then_some(self.lane);
            let before = self.seat.and_then(|seat| outbox.seats.waiting.remove(&seat));
            outbox.seats.next_id += 1;
            let seat = Seat { lane, id: outbox.seats.next_id };
            if let Some(at) = self.deadline {
                self.seat.map(|seat| outbox.seats.deadlines.remove(&(at, seat)));
                outbox.seats.deadlines.insert((at, seat), ());
            }
            outbox.seats.waiting.insert(seat, waker);
            outbox.queue.watch(true);
            self.seat = Some(seat);
            before
        };
        drop(replaced);
        self.sending.wake_at(self.deadline);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let Some(seat) = self.seat else { return };
        let mut outbox = self.sending.outbox();
        let waker = outbox.seats.waiting.remove(&seat);
        if let Some(at) = self.deadline {
            outbox.seats.deadlines.remove(&(at, seat));
        }
        if outbox.seats.is_empty() {
            outbox.queue.watch(false);
        }
        drop(outbox);
        drop(waker);
    }
}

impl LocalDataTrack {
    /// Pushes as soon as there is room.
    pub(super) async fn push_when_room(
        &self,
        frame: Pushed<'_>,
        user_timestamp: Option<u64>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), PushFrameError> {
        let mut seat = Taken::new(&self.sending, self.lane, None);
        let push = || self.push(frame, user_timestamp, Admission::WaitForRoom);
        let work = poll_fn(|context| match push() {
            Err(PushFrameError::QueueFull) => {
                seat.take(context);
                pending_while(push(), |result| *result == Err(PushFrameError::QueueFull))
            }
            result => Poll::Ready(result),
        });
        unless_cancelled(cancel, work).await.unwrap_or(Err(PushFrameError::Cancelled))
    }

    /// Waits until nothing waits.
    pub(super) async fn flushed(
        &self,
        timeout: Option<Duration>,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<(), WaitError> {
        let environment = &self.sending.environment;
        let deadline = timeout.and_then(|timeout| environment.now().checked_add(timeout));
        let mut seat = Taken::new(&self.sending, self.lane, deadline);
        let work = poll_fn(|context| {
            seat.take(context);
            let over = deadline.is_some_and(|at| at <= environment.now());
            let outbox = self.sending.outbox();
            if outbox.queue.is_ended(self.lane) {
                Poll::Ready(Err(WaitError::Closed))
            } else if outbox.queue.waiting(self.lane) == 0 {
                Poll::Ready(Ok(()))
            } else if over {
                Poll::Ready(Err(WaitError::TimedOut))
            } else {
                Poll::Pending
            }
        });
        unless_cancelled(cancel, work).await.unwrap_or(Err(WaitError::Cancelled))
    }
}

fn pending_while<T>(result: T, waits: impl FnOnce(&T) -> bool) -> Poll<T> {
    if waits(&result) { Poll::Pending } else { Poll::Ready(result) }
}
