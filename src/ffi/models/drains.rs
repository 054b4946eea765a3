//! Decide under the lock, act after it: nothing lost, nothing out of order, nobody waits.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use shuttle::thread;

use super::{
    explore,
    sync::{Mutex, foreign},
};
use crate::ffi::lock::{Drained, Hold, drain};

#[derive(Default)]
struct Queue {
    decided: usize,
    acted: Vec<usize>,
    outputs: VecDeque<usize>,
    draining: bool,
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

fn decide(queue: &Mutex<Queue>) {
    let mut queue = queue.hold();
    let number = queue.decided;
    queue.decided += 1;
    queue.outputs.push_back(number);
}

/// Acts; the first output decides another one from inside, and the second panics when it is told to.
fn act(queue: &Mutex<Queue>, output: usize, panics: bool) {
    foreign("an output");
    thread::yield_now();
    queue.hold().acted.push(output);
    if output == 0 {
        decide(queue);
        drain(queue, |_| panic!("two at once"));
    }
    if panics && output == 1 {
        // Past the panic hook, which would print it.
        resume_unwind(Box::new(()));
    }
}

fn decide_and_drain(queue: &Arc<Mutex<Queue>>, panics: bool) -> thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    thread::spawn(move || {
        decide(&queue);
        let act = |output| act(&queue, output, panics);
        let drained = catch_unwind(AssertUnwindSafe(|| drain(&queue, act)));
        assert!(panics || drained.is_ok());
    })
}

fn assert_all_left(queue: &Mutex<Queue>, count: usize) {
    let queue = queue.hold();
    assert_eq!(queue.acted, (0..count).collect::<Vec<_>>(), "in the order of the decisions");
    assert!(!queue.draining);
}

fn threads_decide_and_drain() {
    let queue = Arc::default();
    let threads = [(); 3].map(|()| decide_and_drain(&queue, false));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_all_left(&queue, 4);
}

/// The last decision comes just when the drain before it finds nothing left.
fn a_thread_decides_while_another_gives_up() {
    let queue = Arc::default();
    let first = decide_and_drain(&queue, false);
    while queue.hold().acted.len() < 2 {
        thread::yield_now();
    }
    decide_and_drain(&queue, false).join().unwrap();
    first.join().unwrap();
    assert_all_left(&queue, 3);
}

fn a_thread_panics_in_its_drain() {
    let queue = Arc::default();
    let threads = [(); 2].map(|()| decide_and_drain(&queue, true));
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // What a thread that panicked left behind waits for the next one that comes.
    drain(&queue, |output| act(&queue, output, false));
    assert_all_left(&queue, 3);
}

#[test]
fn decide_drain() {
    explore("decide_drain", threads_decide_and_drain);
}

#[test]
fn decide_give_up() {
    explore("decide_give_up", a_thread_decides_while_another_gives_up);
}

#[test]
fn decide_drain_panic() {
    explore("decide_drain_panic", a_thread_panics_in_its_drain);
}
