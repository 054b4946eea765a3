//! What the rooms have for a connection: two bounded queues, and the task that writes them out.

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

/// The way in. When it is closed or dropped, the signals in it are written and the connection ends.
pub(in crate::host::sfu) struct Outlet(Option<Queues>);

struct Queues {
    signals: mpsc::Sender<Message>,
    packets: mpsc::Sender<Message>,
    stuck: Arc<Notify>,
}

/// A way in for answers.
pub(super) struct Answers(mpsc::Sender<Message>);

/// One that does not keep the connection open.
pub(super) struct WeakAnswers(mpsc::WeakSender<Message>);

/// The way out.
pub(super) struct Writer {
    signals: mpsc::Receiver<Message>,
    packets: mpsc::Receiver<Message>,
    stuck: Arc<Notify>,
}

pub(super) fn outlet() -> (Outlet, Answers, Writer) {
    let (signals, signals_out) = mpsc::channel(SIGNALS);
    let (packets, packets_out) = mpsc::channel(PACKETS);
    let stuck = Arc::new(Notify::new());
    let answers = Answers(signals.clone());
    let writer = Writer { signals: signals_out, packets: packets_out, stuck: Arc::clone(&stuck) };
    (Outlet(Some(Queues { signals, packets, stuck })), answers, writer)
}

impl Outlet {
    /// A reader that does not even take its signals loses its connection.
    pub(in crate::host::sfu) fn signal(&mut self, bytes: Bytes) {
        let Some(queues) = &self.0 else { return };
        let message = Message::signal(bytes.to_vec());
        if let Err(TrySendError::Full(_)) = queues.signals.try_send(message) {
            queues.stuck.notify_one();
        }
    }

    /// False when there is no room: the packet is dropped, as a real SFU does.
    pub(in crate::host::sfu) fn packet(&self, bytes: Bytes) -> bool {
        let queues = self.0.as_ref();
        queues.is_some_and(|queues| queues.packets.try_send(Message::packet(bytes)).is_ok())
    }

    pub(in crate::host::sfu) fn close(&mut self) {
        self.0 = None;
    }
}

impl Answers {
    pub(super) fn send(&self, answer: Message) {
        drop(self.0.try_send(answer));
    }

    pub(super) fn downgrade(&self) -> WeakAnswers {
        WeakAnswers(self.0.downgrade())
    }
}

impl WeakAnswers {
    /// Who asks without end and does not listen gets no answers.
    pub(super) fn send(&self, answer: Message) {
        if let Some(signals) = self.0.upgrade() {
            drop(signals.try_send(answer));
        }
    }
}

impl Writer {
    /// Writes until the outlet is closed and everything is written, or the reader is stuck.
    pub(super) async fn run(mut self, to: OwnedWriteHalf) -> io::Result<()> {
        let stuck = Arc::clone(&self.stuck);
        select! {
            written = self.write(to) => written,
            () = stuck.notified() => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn write(&mut self, to: OwnedWriteHalf) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        loop {
            let message = select! {
                biased;
                signal = self.signals.recv() => match signal {
                    Some(signal) => signal,
                    None => return timeout(WRITE_LIMIT, to.shutdown()).await?,
                },
                Some(packet) = self.packets.recv() => packet,
            };
            timeout(WRITE_LIMIT, message.write(&mut to)).await??;
            if self.signals.is_empty() && self.packets.is_empty() {
                timeout(WRITE_LIMIT, to.flush()).await??;
            }
        }
    }
}

/// Signals that wait for a slow reader: a busy room's worth of updates.
const SIGNALS: usize = 1024;

/// Packets that wait for a slow reader: ten frames of 2 MB.
const PACKETS: usize = 1024;

/// A reader that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
