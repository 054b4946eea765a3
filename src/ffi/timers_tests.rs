//! The threads that wait for deadlines.
#![allow(clippy::expect_used)]

use std::sync::mpsc;

use super::*;

struct Idle;

impl DeadlineClient for Idle {
    fn expire(&self, _: Instant) {}
    fn drain(&self) {}
}

/// Panics where it is told to, and says when it was called.
struct Loud(bool, mpsc::Sender<()>);

impl DeadlineClient for Loud {
    fn expire(&self, _: Instant) {
        self.1.send(()).ok();
        assert!(!self.0, "planted");
    }
    fn drain(&self) {}
}

#[test]
fn a_panic_of_one_takes_no_deadline_of_another_along() {
    let timers = Arc::<Timers>::default();
    for panics in [true, false] {
        let (told, called) = mpsc::channel();
        let client: Arc<dyn DeadlineClient> = Arc::new(Loud(panics, told));
        let alarm = timers.register(Arc::downgrade(&client));
        alarm.set(Instant::now());
        called.recv_timeout(LIMIT).expect("the thread comes");
    }
}

/// Says when it is called, and does not come back until it is let go.
struct Stuck(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);

impl DeadlineClient for Stuck {
    fn expire(&self, _: Instant) {}

    fn drain(&self) {
        self.0.send(()).ok();
        self.1.hold().recv_timeout(LIMIT).ok();
    }
}

/// Clients that are due at once, none of which comes back; how many of them were called says `called`.
struct Jam {
    timers: Arc<Timers>,
    called: mpsc::Receiver<()>,
    told: mpsc::Sender<()>,
    _clients: Vec<(Arc<dyn DeadlineClient>, Alarm)>,
    gates: Vec<mpsc::Sender<()>>,
}

impl Jam {
    fn of(clients: usize) -> Self {
        let timers = Arc::<Timers>::default();
        let (told, called) = mpsc::channel();
        let due = Instant::now() + Duration::from_millis(20);
        let (clients, gates) = (0..clients)
            .map(|_| {
                let (gate, opened) = mpsc::channel();
                let stuck = Stuck(told.clone(), Mutex::new(opened));
                let client: Arc<dyn DeadlineClient> = Arc::new(stuck);
                let alarm = timers.register(Arc::downgrade(&client));
                alarm.set(due);
                ((client, alarm), gate)
            })
            .unzip();
        Self { timers, called, told, _clients: clients, gates }
    }

    fn wait_for_call(&self) {
        self.called.recv_timeout(LIMIT).expect("somebody watches on");
    }
}

#[test]
fn a_host_that_does_not_come_back_holds_up_no_deadline_of_another() {
    let jam = Jam::of(2);
    (0..2).for_each(|_| jam.wait_for_call());
    let other: Arc<dyn DeadlineClient> = Arc::new(Loud(false, jam.told.clone()));
    let alarm = jam.timers.register(Arc::downgrade(&other));
    for _ in 0..2 {
        alarm.set(Instant::now());
        jam.wait_for_call();
    }
}

#[test]
fn hosts_that_do_not_come_back_get_no_more_than_some_threads() {
    let mut jam = Jam::of(MAX_LATE + 2);
    (0..=MAX_LATE).for_each(|_| jam.wait_for_call());
    assert!(jam.called.recv_timeout(5 * PATIENCE).is_err(), "the last one has to wait");
    jam.gates.truncate(1);
    jam.wait_for_call();
}

#[test]
fn who_stands_by_goes_when_the_last_deadline_does() {
    let jam = Jam::of(1);
    jam.wait_for_call();
    let timers = Arc::clone(&jam.timers);
    drop(jam);
    let end = Instant::now() + LIMIT;
    while Arc::strong_count(&timers) > 1 {
        assert!(Instant::now() < end, "a thread is left");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_fork_has_a_thread_of_its_own_and_no_deadline_of_its_parent() {
    let timers = Arc::<Timers>::default();
    let idle: Arc<dyn DeadlineClient> = Arc::new(Idle);
    let parents = timers.register(Arc::downgrade(&idle));
    parents.set(Instant::now() + Duration::from_secs(3600));
    timers.table.hold().watched_in = Some(0); // no process of ours
    let (told, called) = mpsc::channel();
    let client: Arc<dyn DeadlineClient> = Arc::new(Loud(false, told));
    let own = timers.register(Arc::downgrade(&client));
    assert_eq!(timers.next_due(), None);
    own.set(Instant::now());
    called.recv_timeout(LIMIT).expect("the thread comes");
}

#[test]
fn there_is_one_thread_whoever_waits() {
    let timers = Arc::<Timers>::default();
    let client: Arc<dyn DeadlineClient> = Arc::new(Idle);
    let alarms: Vec<_> = (0..3).map(|_| timers.register(Arc::downgrade(&client))).collect();
    assert_eq!(Arc::strong_count(&timers), 1 + alarms.len() + 1, "ours, theirs, its");
}

const LIMIT: Duration = Duration::from_secs(10);
