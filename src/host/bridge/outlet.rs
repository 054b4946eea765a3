//! What the room sends to the plain side, over whichever TCP connection the participant has now.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::AsyncWriteExt,
    net::tcp::OwnedWriteHalf,
    sync::{mpsc, watch},
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
    pub(super) fn start(connection: OwnedWriteHalf) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let waiting = Arc::default();
        tokio::spawn(write(connection, messages, Arc::clone(&waiting)));
        Self { queue, waiting }
    }

    pub(super) fn send(&self, message: Message) {
        self.waiting.fetch_add(message.bytes.len(), Ordering::Relaxed);
        self.queue.send(message).ok();
    }
}

async fn write(
    mut connection: OwnedWriteHalf,
    mut messages: mpsc::UnboundedReceiver<Message>,
    waiting: Arc<AtomicUsize>,
) {
    while let Some(message) = messages.recv().await {
        waiting.fetch_sub(message.bytes.len(), Ordering::Relaxed);
        if let Err(error) = message.write(&mut connection).await {
            return tracing::debug!(%error, "a plain connection broke");
        }
    }
    connection.shutdown().await.ok();
}

/// What may wait for a slow reader; then packets are lost, as they are on a congested link. Signals never are.
const MAX_WAITING_BYTES: usize = 16 << 20;
