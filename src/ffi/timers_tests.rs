//! The threads that wait for deadlines.
#![allow(clippy::expect_used, clippy::panic)]

use std::sync::{
    atomic::{AtomicUsize, Ordering::SeqCst},
    mpsc,
};

use super::{table::MAX_LATE, *};

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
        Self::on(Arc::default(), clients)
    }

    fn on(timers: Arc<Timers>, clients: usize) -> Self {
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
fn hosts_that_have_come_back_do_not_count_among_those_that_have_not() {
    let mut first = Jam::of(MAX_LATE + 1);
    (0..=MAX_LATE).for_each(|_| first.wait_for_call());
    first.gates.clear();
    let second = Jam::on(Arc::clone(&first.timers), MAX_LATE);
    (0..MAX_LATE).for_each(|_| second.wait_for_call());
}

/// Takes its time, is counted, and is due again at once.
struct Slow(Arc<AtomicUsize>, Mutex<Option<Alarm>>);

impl DeadlineClient for Slow {
    fn expire(&self, now: Instant) {
        self.1.hold().as_ref().inspect(|alarm| alarm.set(now));
    }

    fn drain(&self) {
        std::thread::sleep(Duration::from_millis(2));
        self.0.fetch_add(1, SeqCst);
    }
}

/// Says how many slow ones were called until it was due.
struct Watching(Arc<AtomicUsize>, mpsc::Sender<usize>);

impl DeadlineClient for Watching {
    fn expire(&self, _: Instant) {
        self.1.send(self.0.load(SeqCst)).ok();
    }
    fn drain(&self) {}
}

#[test]
fn hosts_that_take_a_little_long_do_not_add_up_for_the_waits_of_others() {
    let timers = Arc::<Timers>::default();
    let calls = Arc::<AtomicUsize>::default();
    let slow = || Arc::new(Slow(Arc::clone(&calls), Mutex::new(None)));
    let slow: Vec<_> = std::iter::repeat_with(slow).take(100).collect();
    let now = Instant::now();
    for client in &slow {
        let weak: Weak<Slow> = Arc::downgrade(client);
        let alarm = timers.register(weak);
        alarm.set(now);
        *client.1.hold() = Some(alarm);
    }
    let (told, called) = mpsc::channel();
    let other: Arc<dyn DeadlineClient> = Arc::new(Watching(Arc::clone(&calls), told));
    let alarm = timers.register(Arc::downgrade(&other));
    for _ in 0..5 {
        alarm.set(Instant::now());
        let before = calls.load(SeqCst);
        let after = called.recv_timeout(LIMIT).expect("it is due");
        assert!(after < before + slow.len() / 2, "not after all of them");
    }
    assert!(timers.table.hold().draining.len() <= slow.len() + 1, "each waits once");
    slow.iter().for_each(|client| drop(client.1.hold().take()));
}

/// What panics where it ends, and ends when it has called out.
struct Brittle(mpsc::Sender<()>, Mutex<Option<Arc<Self>>>);

impl DeadlineClient for Brittle {
    fn expire(&self, _: Instant) {}

    fn drain(&self) {
        drop(self.1.hold().take());
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        self.0.send(()).ok();
        panic!("planted");
    }
}

#[test]
fn a_panic_where_one_ends_takes_no_thread_along() {
    let timers = Arc::<Timers>::default();
    let (told, called) = mpsc::channel();
    let brittle = Arc::new(Brittle(told.clone(), Mutex::new(None)));
    let weak: Weak<Brittle> = Arc::downgrade(&brittle);
    let alarm = timers.register(weak);
    *brittle.1.hold() = Some(Arc::clone(&brittle));
    drop(brittle);
    alarm.set(Instant::now());
    called.recv_timeout(LIMIT).expect("it ends");
    let other: Arc<dyn DeadlineClient> = Arc::new(Loud(false, told));
    let others = timers.register(Arc::downgrade(&other));
    others.set(Instant::now());
    called.recv_timeout(LIMIT).expect("the thread comes");
    let end = Instant::now() + LIMIT;
    while timers.table.hold().late > 0 {
        assert!(Instant::now() < end, "a thread never came back");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn who_stands_by_goes_when_the_last_deadline_does() {
    let jam = Jam::of(1);
    jam.wait_for_call();
    let timers = Arc::clone(&jam.timers);
    drop(jam);
    ends(&timers);
}

#[test]
fn the_thread_goes_with_the_last_that_it_waits_for() {
    let timers = Arc::<Timers>::default();
    let client: Arc<dyn DeadlineClient> = Arc::new(Idle);
    let alarm = timers.register(Arc::downgrade(&client));
    // Nothing tells when a thread has begun to wait. If it has not by then, it ends by itself, and less is shown.
    std::thread::sleep(Duration::from_millis(50));
    drop(alarm);
    ends(&timers);
}

fn ends(timers: &Arc<Timers>) {
    let end = Instant::now() + LIMIT;
    while Arc::strong_count(timers) > 1 {
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
    timers.table.hold().watched_in = Some(u32::MAX); // another fork
    let (told, called) = mpsc::channel();
    let client: Arc<dyn DeadlineClient> = Arc::new(Loud(false, told));
    let own = timers.register(Arc::downgrade(&client));
    assert_eq!(timers.next_due(), None);
    own.set(Instant::now());
    called.recv_timeout(LIMIT).expect("the thread comes");
}

#[test]
fn a_fork_does_not_call_out_what_its_parent_had_to() {
    let timers = Arc::<Timers>::default();
    let (told, parents_called) = mpsc::channel();
    let parents: Arc<dyn DeadlineClient> = Arc::new(Stuck(told, Mutex::new(mpsc::channel().1)));
    let parents_alarm = timers.register(Arc::downgrade(&parents));
    {
        let mut table = timers.table.hold();
        table.draining.push(parents);
        table.watched_in = Some(u32::MAX); // another fork
    }
    let (told, called) = mpsc::channel();
    let client: Arc<dyn DeadlineClient> = Arc::new(Loud(false, told));
    let own = timers.register(Arc::downgrade(&client));
    for _ in 0..2 {
        own.set(Instant::now());
        called.recv_timeout(LIMIT).expect("the thread comes");
    }
    assert!(parents_called.try_recv().is_err(), "the parent calls its hosts itself");
    drop(parents_alarm);
}

#[test]
fn one_thread_stands_by_however_many_call_out() {
    let timers = Arc::<Timers>::default();
    let (told, called) = mpsc::channel();
    let clients: Vec<Arc<dyn DeadlineClient>> = (0..20)
        .map(|_| Arc::new(Stuck(told.clone(), Mutex::new(mpsc::channel().1))) as _)
        .collect();
    let due = Instant::now() + Duration::from_millis(20);
    let alarms: Vec<_> =
        clients.iter().map(|client| timers.register(Arc::downgrade(client))).collect();
    alarms.iter().for_each(|alarm| alarm.set(due));
    (0..alarms.len()).for_each(|_| called.recv_timeout(LIMIT).expect("it is called"));
    let threads = Arc::strong_count(&timers) - 1 - alarms.len();
    assert!(threads < 10, "{threads}: who stands by for one call does so for the others");
}

#[test]
fn there_is_one_thread_whoever_waits() {
    let timers = Arc::<Timers>::default();
    let client: Arc<dyn DeadlineClient> = Arc::new(Idle);
    let alarms: Vec<_> = (0..3).map(|_| timers.register(Arc::downgrade(&client))).collect();
    assert_eq!(Arc::strong_count(&timers), 1 + alarms.len() + 1, "ours, theirs, its");
}

const LIMIT: Duration = Duration::from_secs(10);
