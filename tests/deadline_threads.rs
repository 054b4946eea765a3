//! The one thread that waits for deadlines: it is there while there are managers, and while a host blocks it another one stands in.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "kit/counting.rs"]
mod counting;
mod local_support;

use std::{
    fs,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use counting::alone;
use datatracks::{Environment, WaitError};
use local_support::{pushing::*, *};

fn deadline_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while we look.
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "datatracks-time").count()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "not in 20 s: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_thread_ends_with_the_last_manager_and_comes_back_with_the_next() {
    let _alone = alone();
    let environment = Environment::system();
    for _ in 0..3 {
        let rigs = [(); 2].map(|()| Rig::on(Arc::clone(&environment), None, Some(ALICE)));
        until("one thread for both", || deadline_threads() == 1);
        // Nothing drains from this channel.
        let track = rigs[1].track("a");
        rigs[1].manager.handle_buffered_amount(1 << 20);
        track.try_push(frame(1)).unwrap();
        assert_eq!(wait(flush(&track, 20)), Err(WaitError::TimedOut));
        drop((track, rigs));
        until("the end of the thread", || deadline_threads() == 0);
    }
}

#[test]
fn p12_when_a_callback_that_was_stuck_is_over_one_thread_is_left() {
    let _alone = alone();
    let rig = Rig::on(Environment::system(), None, Some(ALICE));
    let track = rig.track("a");
    let (open, gate) = mpsc::channel::<()>();
    let (gate, reporter) = (Mutex::new(gate), Arc::clone(&rig.manager));
    rig.host.on_every(move |_| {
        if thread::current().name() == Some("datatracks-time") {
            // Once it is open for good there is nobody to wait for.
            let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(20));
        }
        reporter.handle_buffered_amount(0);
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    track.try_push(frame(200_000)).unwrap();
    assert_eq!(wait(flush(&track, 100)), Err(WaitError::TimedOut), "though its thread is stuck");
    assert!(deadline_threads() >= 2);
    drop(open);
    assert_eq!(wait(flush(&track, 20_000)), Ok(()));
    until("the end of all threads but one", || deadline_threads() == 1);
    rig.host.off();
}
