//! What the room sends to the plain side, over whichever TCP connection the participant has now.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    select,
    sync::{Notify, mpsc, watch},
    time::{Duration, timeout},
};

use super::super::{
    plain::Message,
    room::{Interruption, transport::TransportDelegate},
};

/// The way back of a participant. Without a connection, what arrives is lost, as it is for a host that is cut off.
pub(super) struct Outlet {
    writer: Mutex<Option<Writer>>,
    interruption: watch::Sender<Option<Interruption>>,
}

/// Writes messages to a TCP connection, in order; closes it when the last clone is gone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
    stuck: Arc<Notify>,
}

impl Outlet {
    pub(super) fn new(writer: Writer) -> Arc<Self> {
        let (writer, interruption) = (Mutex::new(Some(writer)), watch::Sender::new(None));
        Arc::new(Self { writer, interruption })
    }

    pub(super) fn attach(&self, writer: Writer) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    }

    pub(super) fn detach(&self) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until the session is interrupted.
    pub(super) async fn interruption(&self) -> Interruption {
        let mut interruption = self.interruption.subscribe();
        let interrupted = interruption.wait_for(Option::is_some).await;
        interrupted.ok().and_then(|interruption| *interruption).unwrap_or(Interruption::Rejoin)
    }

    fn send(&self, message: Message) {
        if let Some(writer) = &*self.writer.lock().unwrap_or_else(PoisonError::into_inner) {
            writer.send(message);
        }
    }
}

impl TransportDelegate for Outlet {
    fn on_signal_response(&self, response: Vec<u8>) {
        self.send(Message::signal(response));
    }

    fn on_packet_received(&self, packet: &[u8]) {
        if let Some(writer) = &*self.writer.lock().unwrap_or_else(PoisonError::into_inner)
            && writer.waiting.load(Ordering::Relaxed) < MAX_WAITING_BYTES
        {
            writer.send(Message::packet(packet));
        }
    }

    fn on_buffered_amount(&self, _bytes: u64) {}

    fn on_interrupted(&self, interruption: Interruption) {
        self.interruption.send_replace(Some(interruption));
    }

    fn on_resumed(&self) {
        self.interruption.send_replace(None);
    }
}

impl Writer {
    /// Gives the connection up when nothing can be written for as long as `limit`.
    pub(super) fn start(connection: OwnedWriteHalf, limit: Duration) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let (waiting, stuck) = (Arc::default(), Arc::<Notify>::default());
        let writer = Self { queue, waiting: Arc::clone(&waiting), stuck: Arc::clone(&stuck) };
        tokio::spawn(async move {
            select! {
                () = write(connection, messages, waiting, limit) => {}
                () = stuck.notified() => tracing::debug!("a reader does not take its signals"),
            }
        });
        writer
    }

    pub(super) fn send(&self, message: Message) {
        let size = message.bytes.len();
        if self.waiting.fetch_add(size, Ordering::Relaxed) > MAX_WAITING_SIGNAL_BYTES {
            return self.stuck.notify_one();
        }
        self.queue.send(message).ok();
    }

    /// Ends when nothing can be written any more.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }
}

async fn write(
    mut connection: OwnedWriteHalf,
    mut messages: mpsc::UnboundedReceiver<Message>,
    waiting: Arc<AtomicUsize>,
    limit: Duration,
) {
    while let Some(message) = messages.recv().await {
        waiting.fetch_sub(message.bytes.len(), Ordering::Relaxed);
        match timeout(limit, message.write(&mut connection)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, "a plain connection broke"),
            Err(_) => return tracing::debug!("a reader takes nothing"),
        }
    }
    timeout(limit, connection.shutdown()).await.ok();
}

/// What may wait for a slow reader; then packets are lost, as they are on a congested link.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// Signals are not lost: a reader for whom more waits loses its connection. The largest signal has 16 MiB.
const MAX_WAITING_SIGNAL_BYTES: usize = 2 * MAX_WAITING_BYTES;
