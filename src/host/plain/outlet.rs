//! What waits to be written to one connection. Bounded: a slow reader loses packets, and one that does not even take its signals
//! loses its connection.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt, BufWriter},
    select,
    sync::{Notify, mpsc},
    time::timeout,
};

use super::{super::waiting::Waiting, Message};

/// The way in. Signals and packets have queues of their own, so that neither holds the other up.
#[derive(Clone)]
pub(in crate::host) struct Outlet {
    orders: mpsc::UnboundedSender<Order>,
    packets: mpsc::Sender<Message>,
    load: Arc<Load>,
}

/// The other end of an [`Outlet`].
pub(in crate::host) struct Writer {
    orders: mpsc::UnboundedReceiver<Order>,
    packets: mpsc::Receiver<Message>,
    load: Arc<Load>,
}

struct Load {
    /// Signals.
    waiting: Waiting,
    stuck: Notify,
}

enum Order {
    Write(Message),
    /// End the connection after what came before.
    End,
}

pub(in crate::host) fn outlet() -> (Outlet, Writer) {
    let (orders, orders_out) = mpsc::unbounded_channel();
    let (packets, packets_out) = mpsc::channel(PACKETS);
    let waiting = Waiting::up_to(MAX_WAITING_BYTES);
    let load = Arc::new(Load { waiting, stuck: Notify::new() });
    let writer = Writer { orders: orders_out, packets: packets_out, load: Arc::clone(&load) };
    (Outlet { orders, packets, load }, writer)
}

impl Outlet {
    /// Signals, and the answers to hellos and controls.
    pub(in crate::host) fn write(&self, message: Message) {
        if !self.load.waiting.take(message.bytes.len()) {
            return self.load.stuck.notify_one();
        }
        self.orders.send(Order::Write(message)).ok();
    }

    /// False when there is no room for the packet.
    pub(in crate::host) fn packet(&self, bytes: impl Into<Vec<u8>>) -> bool {
        let room = self.packets.try_reserve();
        room.map(|room| room.send(Message::packet(bytes))).is_ok()
    }

    /// The connection ends after what was written before. So it does when the last clone of the outlet is gone.
    pub(in crate::host) fn close(&self) {
        self.orders.send(Order::End).ok();
    }

    /// Waits until nothing can be written any more.
    pub(in crate::host) async fn closed(&self) {
        self.orders.closed().await;
    }
}

impl Writer {
    /// Writes until it is told to end, the peer is gone, takes nothing for as long as `limit`, or does not even take its signals.
    pub(in crate::host) async fn run(
        mut self,
        to: impl AsyncWrite + Unpin,
        limit: Duration,
    ) -> io::Result<()> {
        let load = Arc::clone(&self.load);
        select! {
            ended = self.write_all(to, limit) => ended,
            () = load.stuck.notified() => Err(io::Error::other("the reader does not take its signals")),
        }
    }

    async fn write_all(&mut self, to: impl AsyncWrite + Unpin, limit: Duration) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        loop {
            let message = select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Write(message)) => {
                        self.load.waiting.release(message.bytes.len());
                        message
                    }
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

/// Signals that wait for one reader: the largest that there is (16 MiB), behind as much as a busy room says.
const MAX_WAITING_BYTES: usize = 32 << 20;

/// Packets that wait for one reader: eight of the largest frames.
const PACKETS: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;
    use crate::host::waiting::MESSAGE_COST;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_reader_that_does_not_take_its_signals_loses_its_connection() {
        let (outlet, writer) = outlet();
        let (mut near, far) = duplex(1024);
        let half = || Message::signal(vec![0; MAX_WAITING_BYTES / 2 - MESSAGE_COST]);
        outlet.write(half());
        outlet.write(half());
        let running = tokio::spawn(writer.run(far, LIMIT));
        // What is being written waits no more.
        near.read_exact(&mut [0; 5]).await.unwrap();
        outlet.write(half());
        assert!(!running.is_finished());
        outlet.write(Message::signal(vec![0]));
        timeout(LIMIT, outlet.closed()).await.unwrap();
        running.await.unwrap().unwrap_err();
    }

    #[tokio::test]
    async fn packets_have_their_room_and_signals_overtake_them() {
        let (outlet, writer) = outlet();
        let taken = (0..2 * PACKETS).filter(|_| outlet.packet([7])).count();
        assert_eq!(taken, PACKETS);
        outlet.write(Message::signal(vec![1]));
        let (mut near, far) = duplex(1 << 20);
        let running = tokio::spawn(writer.run(far, LIMIT));
        for kind in [[1], [2]] {
            let mut message = [0; 6];
            near.read_exact(&mut message).await.unwrap();
            assert_eq!(message[..1], kind, "the signal first");
        }
        near.read_exact(&mut vec![0; (PACKETS - 1) * 6]).await.unwrap();
        outlet.close();
        running.await.unwrap().unwrap();
        assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
    }
}
