//! Completions and tokens: every wait ends, once.

use std::{
    future::{pending, poll_fn},
    sync::Arc,
    task::Poll,
};

use shuttle::thread;

use super::{
    explore,
    kit::{wait, wait_briefly},
};
use crate::ffi::wait::{CancelToken, Cancelled, Completion, unless_cancelled};

fn a_wait_that_is_completed_and_cancelled() {
    let completion = Completion::new();
    let token = Arc::new(CancelToken::new());
    let waiter = {
        let (completion, token) = (Arc::clone(&completion), Arc::clone(&token));
        thread::spawn(move || wait(unless_cancelled(Some(token), completion.wait())))
    };
    let canceller = {
        let token = Arc::clone(&token);
        thread::spawn(move || token.cancel())
    };
    completion.complete(1);
    completion.complete(2);
    let outcome = waiter.join().unwrap();
    assert!(outcome == Ok(1) || outcome == Err(Cancelled), "{outcome:?}");
    canceller.join().unwrap();
}

/// Wakes itself once, and then waits forever.
async fn polled_twice() {
    let mut woken = false;
    poll_fn(|context| {
        if !std::mem::replace(&mut woken, true) {
            context.waker().wake_by_ref();
        }
        Poll::<()>::Pending
    })
    .await;
}

fn one_token_for_waits_that_come_and_go() {
    let token = Arc::new(CancelToken::new());
    let forever =
        |token: &Arc<CancelToken>| unless_cancelled(Some(Arc::clone(token)), pending::<()>());
    let waiters = [token.clone(), token.clone()].map(|token| {
        thread::spawn(move || {
            let _ = wait_briefly(forever(&token));
            wait(forever(&token))
        })
    });
    let twice = {
        let token = Arc::clone(&token);
        thread::spawn(move || wait(unless_cancelled(Some(token), polled_twice())))
    };
    token.cancel();
    for waiter in waiters.into_iter().chain([twice]) {
        assert_eq!(waiter.join().unwrap(), Err(Cancelled));
    }
}

#[test]
fn wait_complete_cancel() {
    explore("wait_complete_cancel", a_wait_that_is_completed_and_cancelled);
}

#[test]
fn many_waits_one_cancel() {
    explore("many_waits_one_cancel", one_token_for_waits_that_come_and_go);
}
