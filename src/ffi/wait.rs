//! Waiting without a runtime: completions, cancel tokens, and the two together.
//!
//! Wakers are foreign code: they are taken out under a lock, and woken or dropped after it.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::lock::{Hold, Mutex};
use crate::sorted::SortedMap;

/// Wakes one of perhaps many: should its waker panic, the others are woken all the same, and what was decided is done. The panic
/// hook has told of it. Calls foreign code: never under a lock.
pub(crate) fn wake(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

/// A result that arrives once, for one waiter.
pub(crate) struct Completion<T>(Mutex<State<T>>);

enum State<T> {
    Waiting(Option<Waker>),
    Done(T),
    Taken,
}

impl<T> Completion<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Waiting(None))))
    }

    /// Stores the result unless there was one, and wakes the waiter. Never call it under a lock.
    pub(crate) fn complete(&self, result: T) {
        let waker = {
            let mut state = self.0.hold();
            let State::Waiting(waker) = &mut *state else { return };
            let waker = waker.take();
            *state = State::Done(result);
            waker
        };
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Waits for the result.
    pub(crate) async fn wait(&self) -> T {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<T> {
        let waker = context.waker().clone();
        let mut state = self.0.hold();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Poll::Ready(result),
            State::Waiting(former) => {
                *state = State::Waiting(Some(waker));
                drop(state);
                drop(former);
                Poll::Pending
            }
            State::Taken => Poll::Pending,
        }
    }
}

/// Ends calls early.
#[derive(Default)]
pub struct CancelToken(Mutex<Token>);

#[derive(Default)]
struct Token {
    cancelled: bool,
    next_id: u64,
    waiting: SortedMap<u64, Waker>,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all calls that have this token, now and later.
    pub fn cancel(&self) {
        let waiting = {
            let mut token = self.0.hold();
            token.cancelled = true;
            std::mem::take(&mut token.waiting)
        };
        waiting.into_values().for_each(wake);
    }

    /// True after `cancel`.
    pub fn is_cancelled(&self) -> bool {
        self.0.hold().cancelled
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}

/// The caller gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Waits for `work` or for the token, whichever comes first; `work` that is finished wins, and does not begin when the token is
/// cancelled already. `work` is dropped when cancelled.
pub(crate) async fn unless_cancelled<F: Future>(
    token: Option<Arc<CancelToken>>,
    work: F,
) -> Result<F::Output, Cancelled> {
    let mut work = pin!(work);
    let Some(token) = token else { return Ok(work.await) };
    if token.is_cancelled() {
        return Err(Cancelled);
    }
    let seat = Seat::new(&token);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if seat.cancelled(context) => Poll::Ready(Err(Cancelled)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// One waiter's place in a token; given up when dropped.
struct Seat<'a> {
    token: &'a CancelToken,
    id: u64,
}

impl<'a> Seat<'a> {
    fn new(token: &'a CancelToken) -> Self {
        let mut state = token.0.hold();
        state.next_id += 1;
        Self { token, id: state.next_id }
    }

    fn cancelled(&self, context: &Context<'_>) -> bool {
        let waker = context.waker().clone();
        let mut state = self.token.0.hold();
        if state.cancelled {
            return true;
        }
        let former = state.waiting.insert(self.id, waker);
        drop(state);
        drop(former);
        false
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let waker = self.token.0.hold().waiting.remove(&self.id);
        drop(waker);
    }
}
