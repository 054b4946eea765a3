//! Packets to one subscriber: a bounded queue, and the task that empties it into the subscriber's channel.
//!
//! Nobody waits for a slow subscriber: what finds no room is dropped, as a real SFU does (protocol §4.4). What comes before the
//! channel is open waits for it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use webrtc::data_channel::{DataChannel, DataChannelEvent};

use crate::host::{
    room::channel::{ChannelState, hasten, owned},
    waiting::Waiting,
};

/// The way in.
#[derive(Clone)]
pub(super) struct Outlet {
    queue: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<Waiting>,
}

/// The other end of an [`Outlet`], before there is a channel.
pub(super) struct Pump {
    queue: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<Waiting>,
}

/// A queue, and the pump that empties it.
pub(super) fn outlet() -> (Outlet, Pump) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(Waiting::up_to(MAX_WAITING_BYTES));
    (Outlet { queue: sender, waiting: Arc::clone(&waiting) }, Pump { queue: receiver, waiting })
}

impl Outlet {
    /// Takes a packet; false when there is no room for it, or no subscriber any more.
    pub(super) fn send(&self, packet: Bytes) -> bool {
        self.waiting.take(packet.len()) && self.queue.send(packet).is_ok()
    }
}

impl Pump {
    /// Empties the queue into `channel` until one of the two is closed.
    pub(super) fn start(self, channel: Arc<dyn DataChannel>) {
        let state = watch::Sender::new(ChannelState::Opening);
        tokio::spawn(self.run(Arc::clone(&channel), state.subscribe()));
        tokio::spawn(watch_over(channel, state));
    }

    async fn run(mut self, channel: Arc<dyn DataChannel>, state: watch::Receiver<ChannelState>) {
        hasten(&*channel, state).await;
        while let Some(packet) = self.queue.recv().await {
            let size = packet.len();
            // Waits inside the channel's own limit; fails for good once the channel is closed.
            if channel.send(owned(packet)).await.is_err() {
                return;
            }
            self.waiting.release(size);
        }
    }
}

async fn watch_over(channel: Arc<dyn DataChannel>, state: watch::Sender<ChannelState>) {
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => drop(state.send_replace(ChannelState::Open)),
            DataChannelEvent::OnClose => break,
            _ => {}
        }
    }
    state.send_replace(ChannelState::Closed);
}

/// What may wait for one subscriber: four of the largest frames, or about a second of what a loaded machine sends.
const MAX_WAITING_BYTES: usize = 8 << 20;
