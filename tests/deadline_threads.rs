//! The one thread that waits for deadlines: it is there while there are managers, and while a host blocks it another one stands in.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use datatracks::{Environment, LocalDataTrack, WaitError};
use local_support::*;

/// Threads are counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

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

fn flush(track: &Arc<LocalDataTrack>, timeout_ms: u32) -> Waiting<Result<(), WaitError>> {
    let track = Arc::clone(track);
    Waiting::new(async move { track.flush(timeout_ms.into(), None).await })
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
        let mut flushed = flush(&track, 20);
        until("a timeout", || flushed.look());
        assert_eq!(flushed.ready(), Err(WaitError::TimedOut));
        drop((track, flushed, rigs));
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
    let mut flushed = flush(&track, 100);
    until("a timeout, though the thread for it is stuck", || flushed.look());
    assert_eq!(flushed.ready(), Err(WaitError::TimedOut));
    assert!(deadline_threads() >= 2);
    drop(open);
    let mut flushed = flush(&track, 20_000);
    until("all packets", || flushed.look());
    assert_eq!(flushed.ready(), Ok(()));
    until("the end of all threads but one", || deadline_threads() == 1);
    rig.host.off();
}
