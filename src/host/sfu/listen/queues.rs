//! From the room to a participant's task: signals and changes of its connection in one queue, packets in another.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    super::rooms::Member,
    http::Socket,
    outlet::{Outlet, Pump, outlet},
};

/// What a participant's task is told.
pub(super) enum Order {
    /// Send this SignalResponse.
    Signal(Bytes),
    /// Go on with this signalling connection, and as this member.
    Attach(Box<Socket>, Member),
    /// End what the room has ended.
    Close,
}

/// Where a participant's outputs go.
pub(in crate::host::sfu) struct Queues {
    orders: mpsc::UnboundedSender<Order>,
    packets: Outlet,
}

/// A participant's queues, and the task that they lead to once it has started.
pub(super) fn queues() -> (Queues, mpsc::UnboundedReceiver<Order>, Pump) {
    let (orders, order_queue) = mpsc::unbounded_channel();
    let (packets, pump) = outlet();
    (Queues { orders, packets }, order_queue, pump)
}

impl Queues {
    /// Puts a new signalling connection before everything that is said from now on.
    pub(super) fn attach(&self, socket: Socket, member: Member) -> bool {
        self.orders.send(Order::Attach(Box::new(socket), member)).is_ok()
    }

    pub(in crate::host::sfu) fn signal(&self, bytes: Bytes) {
        self.orders.send(Order::Signal(bytes)).ok();
    }

    pub(in crate::host::sfu) fn packet(&self, bytes: Bytes) -> bool {
        self.packets.send(bytes)
    }

    pub(in crate::host::sfu) fn close(&self) {
        self.orders.send(Order::Close).ok();
    }
}
