//! Deadlines: each alarm fires once, none is lost, and the thread ends with the last of them.

use std::{
    sync::{Arc, Mutex as Unscheduled, Weak},
    time::{Duration, Instant},
};

use shuttle::thread;

use super::{
    explore,
    kit::{Zeros, environment},
    sync::foreign,
};
use crate::ffi::{Environment, timers::DeadlineClient};

/// Counts what happens to it. What it is due for follows it out of the lock.
#[derive(Default)]
struct Client {
    fired: Unscheduled<(usize, usize)>,
}

impl DeadlineClient for Client {
    fn expire(&self, _: Instant) {
        foreign("expire");
        self.fired.lock().unwrap().0 += 1;
        thread::yield_now();
    }

    fn drain(&self) {
        foreign("drain");
        thread::yield_now();
        self.fired.lock().unwrap().1 += 1;
    }
}

fn weak(client: &Arc<Client>) -> Weak<dyn DeadlineClient> {
    let client: Arc<dyn DeadlineClient> = Arc::clone(client) as _;
    Arc::downgrade(&client)
}

fn time_passes_while_alarms_are_set_and_dropped() {
    let environment = environment();
    let (kept, dropped) = (Arc::new(Client::default()), Arc::new(Client::default()));
    let alarm = environment.register(weak(&kept));
    let other = environment.register(weak(&dropped));
    let start = environment.now();
    let clock = Arc::clone(&environment);
    let time = thread::spawn(move || {
        clock.advance(Duration::from_millis(5));
        clock.advance(Duration::from_millis(5));
    });
    let setter = thread::spawn(move || {
        alarm.set(start + Duration::from_millis(20));
        alarm.set(start + Duration::from_millis(4));
        alarm
    });
    other.set(start + Duration::from_millis(3));
    drop(other);
    let alarm = setter.join().unwrap();
    time.join().unwrap();
    environment.advance(Duration::ZERO);
    assert_eq!(*kept.fired.lock().unwrap(), (1, 1), "once, however late it was set");
    environment.advance(Duration::from_millis(20));
    let (expired, drained) = *dropped.fired.lock().unwrap();
    assert!(expired == drained && expired <= 1);
    assert_eq!(environment.next_deadline(), None);
    drop(alarm);
}

/// The thread of the system's clock, for alarms that are due when they are set: no time limit ever wakes it.
fn the_thread_hears_of_every_alarm_and_ends() {
    let environment = Environment::with_thread(Box::new(Zeros));
    let client = Arc::new(Client::default());
    let setters: Vec<_> = (0..2)
        .map(|_| {
            let (environment, client) = (Arc::clone(&environment), Arc::clone(&client));
            thread::spawn(move || {
                let alarm = environment.register(weak(&client));
                alarm.set(Instant::now());
                // Until it has fired; the scheduler finds out when it never does.
                while environment.next_deadline().is_some() {
                    thread::yield_now();
                }
                drop(alarm);
            })
        })
        .collect();
    setters.into_iter().for_each(|setter| setter.join().unwrap());
    while environment.is_running() {
        thread::yield_now();
    }
    let (expired, drained) = *client.fired.lock().unwrap();
    // It has two alarms: when both are due at once, one call does for both.
    assert!((expired > 0) == (drained > 0) && drained <= expired && expired <= 2);
}

#[test]
fn advance_set_drop() {
    explore("advance_set_drop", time_passes_while_alarms_are_set_and_dropped);
}

#[test]
fn thread_set_drop() {
    explore("thread_set_drop", the_thread_hears_of_every_alarm_and_ends);
}
