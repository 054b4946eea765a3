//! Hosts that block in a callback, on whatever thread: they hold up themselves, and nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use datatracks::{DataTrackOptions, Environment, WaitError};
use local_support::{pushing::*, *};

/// A gate that callbacks can be stopped at.
#[derive(Default)]
struct Gate {
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    /// Waits in the gate until it is open.
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        let limit = Duration::from_secs(20);
        let waited = self.changed.wait_timeout_while(state, limit, |state| !state.0).unwrap();
        assert!(waited.0.0, "nobody opened the gate");
    }

    /// Waits until so many are in it.
    fn wait_for(&self, waiting: usize) {
        let state = self.state.lock().unwrap();
        let limit = Duration::from_secs(20);
        let waited =
            self.changed.wait_timeout_while(state, limit, |state| state.1 < waiting).unwrap();
        assert!(waited.0.1 >= waiting, "nobody came");
    }

    fn open(&self) {
        self.state.lock().unwrap().0 = true;
        self.changed.notify_all();
    }
}

/// Stops callbacks that are of a kind in a gate.
fn stop(rig: &Rig, is_stopped: impl Fn(&Event) -> bool + Send + Sync + 'static) -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    let inside = Arc::clone(&gate);
    rig.host.on_every(move |event| {
        if is_stopped(event) {
            inside.pass();
        }
        Ok(())
    });
    gate
}

fn is_of(event: &Event, handle: u16) -> bool {
    matches!(event, Event::Packets(packets) if header(&packets[0]).handle.get() == handle)
}

#[test]
fn p12_a_callback_that_blocks_holds_up_its_own_track_only() {
    let rig = Rig::new();
    let (stuck, free) = (rig.track("stuck"), rig.track("free"));
    let gate = stop(&rig, |event| is_of(event, 1));
    thread::scope(|scope| {
        scope.spawn(|| stuck.try_push(frame(1)).unwrap());
        gate.wait_for(1);
        assert_eq!(stuck.try_push(frame(2)), Ok(()), "it waits, the pusher does not");
        free.try_push(frame(3)).unwrap();
        assert_eq!(free.stats().frames_sent, 1);
        assert_eq!((stuck.stats().frames_waiting, stuck.stats().frames_sent), (2, 0));
        let mut publishing = rig.publishing(DataTrackOptions::new("new"));
        let request = only_publish(&rig.host.requests());
        rig.answer(published(&request, "DTR_n"));
        assert!(publishing.ready().is_ok(), "p1: signals pass packets");
        stuck.unpublish();
        assert_eq!(unpublishes(&rig.host.requests()), [1]);
        gate.open();
    });
    let stats = stuck.stats();
    assert_eq!((stats.frames_sent, stats.frames_dropped_unpublished), (1, 1));
    assert_adds_up(&stuck);
}

#[test]
fn p1_a_signal_has_taken_effect_while_another_thread_is_stuck_in_a_callback() {
    let rig = Rig::new();
    let track = rig.track("a");
    let mut pending = rig.publishing(DataTrackOptions::new("b"));
    let request = only_publish(&rig.host.requests());
    let gate = stop(&rig, |event| matches!(event, Event::Unpublished(..)));
    thread::scope(|scope| {
        scope.spawn(|| track.unpublish());
        gate.wait_for(1);
        rig.answer(published(&request, "DTR_b"));
        let other = pending.ready().expect("the wait ends though callbacks are stuck");
        other.try_push(frame(1)).unwrap();
        assert_eq!(other.stats().frames_sent, 1);
        let events = rig.host.take();
        assert!(!events.iter().any(|event| matches!(event, Event::Published(_))), "p11: in order");
        gate.open();
    });
    let events = rig.host.take();
    assert!(
        matches!(&events[..], [Event::Unpublished(..), Event::Published(_)]),
        "what was left was called out by the stuck thread: {events:?}"
    );
}

#[test]
fn p12_tracks_that_are_ready_behind_a_stuck_one_are_helped_by_the_deadline_thread() {
    let rig = Rig::new();
    let tracks = ["a", "b"].map(|name| rig.track(name));
    rig.manager.handle_buffered_amount(1 << 20);
    tracks.iter().for_each(|track| track.try_push(frame(1)).unwrap());
    let gate = stop(&rig, |event| is_of(event, 1));
    thread::scope(|scope| {
        scope.spawn(|| rig.manager.handle_buffered_amount(0));
        gate.wait_for(1);
        rig.advance_ms(5);
        assert_eq!(tracks[1].stats().frames_sent, 1);
        gate.open();
    });
    assert_eq!(tracks[0].stats().frames_sent, 1);
}

/// Where packets of a large frame leave later, and what timeouts come from.
#[test]
fn p12_a_host_that_blocks_the_deadline_thread_holds_up_no_other_track_and_no_timeout() {
    let rig = Rig::on(Environment::system(), None, Some(ALICE));
    let (stuck, free) = (rig.track("stuck"), rig.track("free"));
    let gate = Arc::new(Gate::default());
    let (inside, reporter) = (Arc::clone(&gate), Arc::clone(&rig.manager));
    rig.host.on_every(move |event| {
        let is_late = thread::current().name() == Some("datatracks-time");
        if is_late && is_of(event, 1) {
            inside.pass();
        }
        reporter.handle_buffered_amount(0);
        Ok(())
    });
    rig.manager.handle_buffered_amount(0);
    stuck.try_push(frame(200_000)).unwrap();
    gate.wait_for(1);
    free.try_push(frame(200_000)).unwrap();
    assert_eq!(wait(flush(&free, 10_000)), Ok(()));
    assert_eq!(wait(flush(&stuck, 50)), Err(WaitError::TimedOut));
    assert_eq!(stuck.stats().frames_sent, 0);
    gate.open();
    assert_eq!(wait(flush(&stuck, 10_000)), Ok(()));
    rig.host.off();
}
