//! What a room has for a participant, on its way to the participant's connection.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    net::tcp::OwnedWriteHalf,
    select,
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
    },
    time::timeout,
};

use crate::host::plain::Message;

/// The way in. Signals and packets have queues of their own, so that neither holds the other up.
#[derive(Clone)]
pub(in crate::host::sfu) struct Outlet {
    orders: mpsc::Sender<Order>,
    packets: mpsc::Sender<Message>,
    stuck: Arc<Notify>,
}

/// The other end of an [`Outlet`].
pub(super) struct Writer {
    orders: mpsc::Receiver<Order>,
    packets: mpsc::Receiver<Message>,
    stuck: Arc<Notify>,
}

enum Order {
    Write(Message),
    /// End the connection after what came before.
    End,
}

pub(super) fn outlet() -> (Outlet, Writer) {
    let (orders, orders_out) = mpsc::channel(SIGNALS);
    let (packets, packets_out) = mpsc::channel(PACKETS);
    let stuck = Arc::<Notify>::default();
    let writer = Writer { orders: orders_out, packets: packets_out, stuck: Arc::clone(&stuck) };
    (Outlet { orders, packets, stuck }, writer)
}

impl Outlet {
    /// Signals, and the answers to hellos and controls.
    pub(super) fn write(&self, message: Message) {
        self.order(Order::Write(message));
    }

    /// A signal of the room.
    pub(in crate::host::sfu) fn signal(&self, bytes: Bytes) {
        self.write(Message::signal(bytes.into()));
    }

    /// False when there is no room for the packet.
    pub(in crate::host::sfu) fn packet(&self, bytes: Bytes) -> bool {
        self.packets.try_send(Message::packet(bytes)).is_ok()
    }

    /// The connection ends after what was written before.
    pub(in crate::host::sfu) fn close(&self) {
        self.order(Order::End);
    }

    fn order(&self, order: Order) {
        if let Err(TrySendError::Full(_)) = self.orders.try_send(order) {
            self.stuck.notify_one();
        }
    }
}

impl Writer {
    /// Writes until the room ends the connection, the peer is gone, or does not even take its signals.
    pub(super) async fn run(mut self, to: OwnedWriteHalf, limit: Duration) -> io::Result<()> {
        let stuck = Arc::clone(&self.stuck);
        select! {
            ended = self.write_all(to, limit) => ended,
            () = stuck.notified() => Err(io::Error::other("the reader does not take its signals")),
        }
    }

    async fn write_all(&mut self, to: OwnedWriteHalf, limit: Duration) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        loop {
            let message = select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Write(message)) => message,
                    Some(Order::End) | None => return timeout(limit, to.shutdown()).await?,
                },
                Some(packet) = self.packets.recv() => packet,
            };
            timeout(limit, message.write(&mut to)).await??;
            if self.orders.is_empty() && self.packets.is_empty() {
                timeout(limit, to.flush()).await??;
            }
        }
    }
}

/// Signals that wait for a slow reader: a busy room's worth of updates.
const SIGNALS: usize = 1024;

/// Packets that wait for a slow reader: eight of the largest frames.
const PACKETS: usize = 1024;
