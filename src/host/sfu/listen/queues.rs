//! From the room to a participant's task: a line of signals for each signalling connection, packets in a queue of their own.
//!
//! What waits in a line is bounded by its bytes. A line that overflowed takes nothing more: its connection has missed something and
//! is of no use; who comes back is told everything.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    super::rooms::Member,
    http::Socket,
    outlet::{Outlet, Pump, outlet},
};
use crate::host::waiting::{MESSAGE_COST, Waiting};

/// What a participant's task is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Send this SignalResponse.
    Signal(Bytes),
    /// End what the room has ended.
    Close,
}

/// A signalling connection to go on with, and as this member. Its orders are those from now on.
pub(super) struct Attachment {
    pub(super) socket: Box<Socket>,
    pub(super) member: Member,
    pub(super) orders: Orders,
    /// The end of the line before, which would be taken for the end of the participant, comes after this.
    _former: Line,
}

/// Where a participant's outputs go.
pub(in crate::host::sfu) struct Queues {
    line: Line,
    attachments: mpsc::UnboundedSender<Attachment>,
    packets: Outlet,
}

/// The other ends.
pub(super) struct Outputs {
    pub(super) orders: Orders,
    pub(super) attachments: mpsc::UnboundedReceiver<Attachment>,
    pub(super) packets: Pump,
}

/// A participant's queues, and where they lead to.
pub(super) fn queues() -> (Queues, Outputs) {
    let (line, orders) = line();
    let (attached, attachments) = mpsc::unbounded_channel();
    let (outlet, packets) = outlet();
    let queues = Queues { line, attachments: attached, packets: outlet };
    (queues, Outputs { orders, attachments, packets })
}

impl Queues {
    /// From now on everything is said to this signalling connection.
    pub(super) fn attach(&mut self, socket: Socket, member: Member) -> bool {
        let (line, orders) = line();
        let former = std::mem::replace(&mut self.line, line);
        let socket = Box::new(socket);
        self.attachments.send(Attachment { socket, member, orders, _former: former }).is_ok()
    }

    pub(in crate::host::sfu) fn signal(&self, bytes: Bytes) {
        self.line.signal(bytes);
    }

    pub(in crate::host::sfu) fn packet(&self, bytes: Bytes) -> bool {
        self.packets.send(bytes)
    }

    pub(in crate::host::sfu) fn close(&self) {
        self.line.orders.send(Order::Close).ok();
    }
}

/// The way to one signalling connection.
struct Line {
    orders: mpsc::UnboundedSender<Order>,
    load: Arc<Load>,
}

/// What comes out of a line.
pub(super) struct Orders {
    orders: mpsc::UnboundedReceiver<Order>,
    load: Arc<Load>,
}

struct Load {
    waiting: Waiting,
    overflowed: AtomicBool,
}

fn line() -> (Line, Orders) {
    let (sender, orders) = mpsc::unbounded_channel();
    let waiting = Waiting::up_to(MAX_WAITING_BYTES);
    let load = Arc::new(Load { waiting, overflowed: AtomicBool::new(false) });
    (Line { orders: sender, load: Arc::clone(&load) }, Orders { orders, load })
}

impl Line {
    fn signal(&self, bytes: Bytes) {
        let Load { waiting, overflowed } = &*self.load;
        if overflowed.load(Ordering::Relaxed) {
            return;
        }
        if waiting.take(bytes.len()) {
            self.orders.send(Order::Signal(bytes)).ok();
        } else {
            overflowed.store(true, Ordering::Relaxed);
        }
    }
}

impl Orders {
    /// The next order; `None` when the participant has no seat in the room any more.
    pub(super) async fn recv(&mut self) -> Option<Order> {
        let order = self.orders.recv().await;
        if let Some(Order::Signal(bytes)) = &order {
            self.load.waiting.release(bytes.len());
        }
        order
    }

    /// True once something found no room.
    pub(super) fn overflowed(&self) -> bool {
        self.load.overflowed.load(Ordering::Relaxed)
    }
}

/// Signals that wait for one client: the largest message that one takes, or a busy room's worth of smaller ones.
const MAX_WAITING_BYTES: usize = (16 << 20) + MESSAGE_COST;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_taken_in_time_makes_room_for_more() {
        let (line, mut orders) = line();
        let half = Bytes::from(vec![0; MAX_WAITING_BYTES / 2 - MESSAGE_COST]);
        for _ in 0..10 {
            line.signal(half.clone());
            line.signal(half.clone());
            for _ in 0..2 {
                assert_eq!(orders.recv().await, Some(Order::Signal(half.clone())));
            }
        }
        assert!(!orders.overflowed());
    }

    #[tokio::test]
    async fn a_line_that_overflowed_takes_no_signal_any_more_and_the_end() {
        let (line, mut orders) = line();
        let (full, one) =
            (Bytes::from(vec![0; MAX_WAITING_BYTES - MESSAGE_COST]), Bytes::from_static(b"1"));
        line.signal(full.clone());
        line.signal(one.clone());
        assert!(orders.overflowed());
        assert_eq!(orders.recv().await, Some(Order::Signal(full)));
        line.signal(one);
        line.orders.send(Order::Close).ok();
        assert_eq!(orders.recv().await, Some(Order::Close));
    }
}
