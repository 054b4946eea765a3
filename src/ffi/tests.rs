//! The shell's own parts: deadlines, drains, waits.
#![cfg(not(models))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use super::{
    environment::Environment,
    lock::{Drained, Hold, drain},
    timers::{Alarm, DeadlineClient},
    wait::{CancelToken, Cancelled, Completion, unless_cancelled},
};
use crate::random::Random;

struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[derive(Default)]
struct Client {
    log: Arc<Mutex<Vec<(&'static str, char)>>>,
    name: char,
    again: Mutex<Option<(Alarm, Instant)>>,
}

impl DeadlineClient for Client {
    fn expire(&self, _: Instant) {
        self.log.hold().push(("expire", self.name));
        if let Some((alarm, at)) = self.again.hold().take() {
            alarm.set(at);
            std::mem::forget(alarm);
        }
    }

    fn drain(&self) {
        self.log.hold().push(("drain", self.name));
    }
}

fn client(log: &Arc<Mutex<Vec<(&'static str, char)>>>, name: char) -> Arc<Client> {
    Arc::new(Client { log: Arc::clone(log), name, again: Mutex::default() })
}

fn weak(client: &Arc<Client>) -> Weak<dyn DeadlineClient> {
    let client: Arc<dyn DeadlineClient> = Arc::clone(client) as _;
    Arc::downgrade(&client)
}

#[test]
fn all_that_is_due_expires_before_anything_calls_out() {
    let environment = Environment::simulated(Box::new(Zeros));
    let log = Arc::default();
    let (a, b) = (client(&log, 'a'), client(&log, 'b'));
    let (alarm_a, alarm_b) = (environment.register(weak(&a)), environment.register(weak(&b)));
    let due = environment.now() + Duration::from_millis(10);
    alarm_a.set(due);
    alarm_b.set(due);
    environment.advance(Duration::from_millis(9));
    assert!(log.hold().is_empty(), "one tick early");
    environment.advance(Duration::from_millis(1));
    assert_eq!(*log.hold(), [("expire", 'a'), ("expire", 'b'), ("drain", 'a'), ("drain", 'b')]);
}

#[test]
fn an_alarm_keeps_the_earliest_of_its_times_and_fires_once() {
    let environment = Environment::simulated(Box::new(Zeros));
    let log = Arc::default();
    let a = client(&log, 'a');
    let alarm = environment.register(weak(&a));
    let start = environment.now();
    alarm.set(start + Duration::from_millis(20));
    alarm.set(start + Duration::from_millis(5));
    alarm.set(start + Duration::from_millis(9));
    assert_eq!(environment.next_deadline(), Some(start + Duration::from_millis(5)));
    environment.advance(Duration::from_secs(1));
    assert_eq!(log.hold().len(), 2, "one expire, one drain");
    assert_eq!(environment.next_deadline(), None);
}

#[test]
fn a_client_can_set_its_alarm_again_while_it_expires() {
    let environment = Environment::simulated(Box::new(Zeros));
    let log = Arc::default();
    let a = client(&log, 'a');
    let alarm = environment.register(weak(&a));
    let start = environment.now();
    alarm.set(start + Duration::from_millis(1));
    *a.again.hold() = Some((alarm, start + Duration::from_millis(2)));
    environment.advance(Duration::from_millis(3));
    assert_eq!(log.hold().len(), 4);
}

#[test]
fn a_dropped_alarm_does_not_fire() {
    let environment = Environment::simulated(Box::new(Zeros));
    let log = Arc::default();
    let a = client(&log, 'a');
    let alarm = environment.register(weak(&a));
    alarm.set(environment.now());
    drop(alarm);
    assert_eq!(environment.next_deadline(), None);
    environment.advance(Duration::from_secs(1));
    assert!(log.hold().is_empty());
}

#[test]
fn the_system_clock_fires_from_its_own_thread() {
    let environment = Environment::system();
    let log = Arc::default();
    let a = client(&log, 'a');
    let alarm = environment.register(weak(&a));
    let start = Instant::now();
    alarm.set(start + Duration::from_millis(20));
    let deadline = start + Duration::from_secs(10);
    while log.hold().len() < 2 {
        assert!(Instant::now() < deadline, "the deadline thread did not fire");
        thread::yield_now();
    }
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[derive(Default)]
struct Queue {
    draining: bool,
    outputs: VecDeque<usize>,
}

impl Drained for Queue {
    type Output = usize;

    fn draining(&mut self) -> &mut bool {
        &mut self.draining
    }

    fn poll_output(&mut self) -> Option<usize> {
        self.outputs.pop_front()
    }
}

#[test]
fn outputs_leave_in_order_whoever_drains_also_when_queued_from_inside() {
    let queue = Mutex::new(Queue::default());
    queue.hold().outputs.extend([0, 1]);
    let mut seen = Vec::new();
    drain(&queue, |output| {
        if output == 0 {
            queue.hold().outputs.push_back(2);
            drain(&queue, |_| panic!("two drainers at once"));
        }
        seen.push(output);
    });
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn no_output_is_lost_or_misplaced_between_threads() {
    const EACH: usize = 20_000;
    let queue = Mutex::new(Queue::default());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    {
                        let mut queue = queue.hold();
                        let number = queue.outputs.len();
                        queue.outputs.push_back(number);
                    }
                    drain(&queue, |_| {
                        next.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    assert_eq!(next.load(Ordering::Relaxed), 4 * EACH);
    assert!(queue.hold().outputs.is_empty());
}

#[test]
fn a_drain_goes_on_after_a_panic() {
    let queue = Mutex::new(Queue::default());
    queue.hold().outputs.extend([0, 1]);
    let first = std::panic::AssertUnwindSafe(|| drain(&queue, |_| panic!("planted")));
    assert!(std::panic::catch_unwind(first).is_err());
    let mut seen = Vec::new();
    drain(&queue, |output| seen.push(output));
    assert_eq!(seen, [1]);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_completion_ends_once_and_wakes_once() {
    let completion = Completion::new();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut wait = pin!(completion.wait());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    completion.complete(1);
    completion.complete(2);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(wait.poll(&mut context), Poll::Ready(1));
}

#[test]
fn a_token_ends_all_its_waits_and_a_finished_one_wins() {
    let token = Arc::new(CancelToken::new());
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let completion = Completion::<u8>::new();
    let mut first = pin!(unless_cancelled(Some(Arc::clone(&token)), completion.wait()));
    let mut second = pin!(unless_cancelled(Some(Arc::clone(&token)), std::future::pending::<u8>()));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    token.cancel();
    token.cancel();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    completion.complete(7);
    assert_eq!(first.poll(&mut context), Poll::Ready(Ok(7)));
    assert_eq!(second.poll(&mut context), Poll::Ready(Err(Cancelled)));
    let mut late = pin!(unless_cancelled(Some(token), std::future::pending::<u8>()));
    assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(Err(Cancelled)));
}

#[test]
fn a_token_keeps_no_waker_of_who_waits_no_more() {
    let token = Arc::new(CancelToken::new());
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    {
        let mut wait =
            pin!(unless_cancelled(Some(Arc::clone(&token)), std::future::pending::<u8>()));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&wakes), 3);
    }
    assert_eq!(Arc::strong_count(&wakes), 2);
}

#[test]
fn a_panic_under_a_lock_does_not_spread() {
    let lock = Mutex::new(7);
    let planted = std::panic::AssertUnwindSafe(|| {
        let _held = lock.hold();
        panic!("planted");
    });
    assert!(std::panic::catch_unwind(planted).is_err());
    assert_eq!(*lock.hold(), 7);
}

#[test]
fn the_deadline_thread_hears_of_an_earlier_time_while_it_sleeps() {
    let environment = Environment::with_thread(Box::new(Zeros));
    let log = Arc::default();
    let a = client(&log, 'a');
    let alarm = environment.register(weak(&a));
    let start = Instant::now();
    alarm.set(start + Duration::from_secs(3_600));
    // Whether it sleeps by then is of no matter to what must follow.
    thread::sleep(Duration::from_millis(100));
    alarm.set(start);
    while log.hold().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(10), "it sleeps on");
        thread::yield_now();
    }
}
