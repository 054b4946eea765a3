//! Futures polled by hand.
#![allow(dead_code, unreachable_pub)]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A call under way.
pub struct Task<T> {
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl<T> Task<T> {
    /// Begins a call: it must not be done at once.
    pub fn begin(future: impl Future<Output = T> + Send + 'static) -> Self {
        let mut task = Self::new(future);
        assert!(task.poll().is_none(), "done at once");
        task
    }

    /// A call that was not polled yet.
    pub fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    /// Its result, if it is done.
    pub fn poll(&mut self) -> Option<T> {
        poll(self.future.as_mut(), &self.wakes)
    }

    /// Waits on with another waker, as on another thread of its executor.
    pub fn moves(&mut self) {
        self.wakes = Arc::default();
        assert!(self.poll().is_none(), "done");
    }

    /// Its result: it must have been woken, and be done.
    pub fn finish(mut self) -> T {
        assert!(self.wakes() > 0, "nobody woke it");
        self.poll().expect("done")
    }

    pub fn wakes(&self) -> usize {
        self.wakes.0.load(SeqCst)
    }
}

/// The result of a call, unless it waits. Then the call is abandoned.
pub fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    poll(std::pin::pin!(future), &Arc::default())
}

/// As an executor does: once, and again where it asks for another turn.
fn poll<F: Future + ?Sized>(mut future: Pin<&mut F>, wakes: &Arc<Wakes>) -> Option<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    loop {
        let before = wakes.0.load(SeqCst);
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if wakes.0.load(SeqCst) == before => return None,
            Poll::Pending => {}
        }
    }
}
