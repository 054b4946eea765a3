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

fn threads_decide_and_drain(panics: bool) {
    let queue = Arc::new(Mutex::new(Queue::default()));
    let work = |queue: Arc<Mutex<Queue>>| {
        thread::spawn(move || {
            for _ in 0..2 {
                decide(&queue);
                let drained = catch_unwind(AssertUnwindSafe(|| {
                    drain(&queue, |output| act(&queue, output, panics))
                }));
                assert!(panics || drained.is_ok());
            }
        })
    };
    let threads: Vec<_> = (0..3).map(|_| work(Arc::clone(&queue))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drain(&queue, |output| act(&queue, output, false));
    let queue = queue.hold();
    assert_eq!(queue.acted, (0..7).collect::<Vec<_>>(), "in the order of the decisions");
    assert!(panics || queue.outputs.is_empty() && !queue.draining);
}

#[test]
fn outputs_leave_in_order() {
    explore("outputs_leave_in_order", || threads_decide_and_drain(false));
}

#[test]
fn outputs_leave_in_order_after_a_panic() {
    explore("outputs_leave_in_order_after_a_panic", || threads_decide_and_drain(true));
}
