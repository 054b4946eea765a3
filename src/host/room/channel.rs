//! The data channel: packets in as they arrive, packets out in order, and how much of them waits.
//!
//! Two tasks a channel that carries both directions: one reads, one sends. Sending waits inside the channel's own limit, and
//! while ICE is down or being restarted, since what is sent then is lost. So what waits is counted here: bytes not handed to
//! the channel yet, and bytes that the channel has not got rid of.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    select,
    sync::{Notify, mpsc, watch},
    time::{sleep, timeout},
};
use webrtc::data_channel::{DataChannel, DataChannelEvent};

use super::{error::NotSent, transport::TransportDelegate};
use crate::frame::PacketBatch;

/// Whether packets can leave, or arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum ChannelState {
    Opening,
    Open,
    Closed,
}

/// The way out, for as many as want to send.
#[derive(Clone)]
pub(super) struct Outgoing {
    queue: mpsc::UnboundedSender<PacketBatch>,
    waiting: Arc<AtomicUsize>,
    state: Arc<watch::Sender<ChannelState>>,
    /// Bytes here and in the channel.
    buffered: Arc<watch::Sender<usize>>,
}

/// The other end of [`Outgoing`], before there is a channel.
pub(super) struct Pump {
    queue: mpsc::UnboundedReceiver<PacketBatch>,
    outgoing: Outgoing,
    drained: Arc<Notify>,
}

/// A queue of packets, and the pump that empties it.
pub(super) fn outgoing() -> (Outgoing, Pump) {
    let (sender, queue) = mpsc::unbounded_channel();
    let outgoing = Outgoing {
        queue: sender,
        waiting: Arc::default(),
        state: Arc::new(watch::Sender::new(ChannelState::Opening)),
        buffered: Arc::default(),
    };
    (outgoing.clone(), Pump { queue, outgoing, drained: Arc::default() })
}

impl Outgoing {
    /// Takes packets, unless the channel is not open or too much waits already. Never waits.
    pub(super) fn send(&self, packets: PacketBatch) -> Result<(), NotSent> {
        if *self.state.borrow() != ChannelState::Open {
            return Err(NotSent::NotConnected);
        }
        if self.waiting.load(Ordering::Relaxed) > MAX_WAITING_BYTES {
            return Err(NotSent::Full);
        }
        self.waiting.fetch_add(packets.byte_len(), Ordering::Relaxed);
        self.queue.send(packets).map_err(|_| NotSent::NotConnected)
    }

    /// Waits until nothing waits any more.
    pub(super) async fn drained(&self, limit: Duration) {
        if *self.state.borrow() == ChannelState::Open {
            let mut buffered = self.buffered.subscribe();
            let empty = |held: &usize| *held == 0 && self.waiting.load(Ordering::Relaxed) == 0;
            timeout(limit, buffered.wait_for(empty)).await.ok();
        }
    }

    /// Changes as the channel opens and closes.
    pub(super) fn state(&self) -> watch::Receiver<ChannelState> {
        self.state.subscribe()
    }
}

impl Pump {
    /// Opens both directions of `channel`: reads it, and sends what is queued.
    pub(super) fn start(
        self,
        channel: &Arc<dyn DataChannel>,
        delegate: &Arc<dyn TransportDelegate>,
        connected: watch::Receiver<bool>,
    ) {
        let reader = Reader {
            channel: Arc::clone(channel),
            delegate: Arc::clone(delegate),
            state: Arc::clone(&self.outgoing.state),
            drained: Arc::clone(&self.drained),
        };
        tokio::spawn(reader.run());
        tokio::spawn(self.run(Arc::clone(channel), Arc::clone(delegate), connected));
    }

    async fn run(
        mut self,
        channel: Arc<dyn DataChannel>,
        delegate: Arc<dyn TransportDelegate>,
        mut connected: watch::Receiver<bool>,
    ) {
        let mut state = self.outgoing.state();
        hasten(&*channel, state.clone()).await;
        delegate.on_buffered_amount(0);
        while *state.borrow() == ChannelState::Open {
            let held = self.report(&*channel, &*delegate).await;
            select! {
                Some(batch) = self.queue.recv() => {
                    for packet in batch.into_packets() {
                        connected.wait_for(|connected| *connected).await.ok();
                        self.send(&*channel, packet).await;
                        self.report(&*channel, &*delegate).await;
                    }
                }
                _ = state.changed() => {}
                () = self.drained.notified(), if held => {}
                // The event can get lost, rarely.
                () = sleep(LOOK_AGAIN), if held => {}
            }
        }
    }

    async fn send(&self, channel: &dyn DataChannel, packet: Bytes) {
        let size = packet.len();
        if let Err(error) = channel.send(owned(packet)).await {
            tracing::debug!(%error, "a packet was not sent");
        }
        self.outgoing.waiting.fetch_sub(size, Ordering::Relaxed);
    }

    /// Tells how much waits, when that has changed. Answers whether the channel holds anything.
    async fn report(&self, channel: &dyn DataChannel, delegate: &dyn TransportDelegate) -> bool {
        let held = channel.outstanding_bytes().await.unwrap_or_default();
        let buffered = self.outgoing.waiting.load(Ordering::Relaxed) + held;
        if self.outgoing.buffered.send_replace(buffered) != buffered {
            delegate.on_buffered_amount(buffered as u64);
        }
        held > 0
    }
}

/// Reads a channel that the server opened, for as long as it lives. Nothing is sent on it. `state` is that of the channel
/// for packets.
pub(super) fn read(
    channel: Arc<dyn DataChannel>,
    delegate: Arc<dyn TransportDelegate>,
    state: Arc<watch::Sender<ChannelState>>,
) {
    let reader = Reader { channel, delegate, state, drained: Arc::default() };
    tokio::spawn(reader.run());
}

struct Reader {
    channel: Arc<dyn DataChannel>,
    delegate: Arc<dyn TransportDelegate>,
    state: Arc<watch::Sender<ChannelState>>,
    drained: Arc<Notify>,
}

impl Reader {
    async fn run(self) {
        if !self.channel.label().await.is_ok_and(|label| label == super::peer::CHANNEL_LABEL) {
            // Read all the same: what nobody takes would hold up the connection.
            while self.channel.poll().await.is_some() {}
            return;
        }
        if let Err(error) = self.channel.set_buffered_amount_low_threshold(LOW_THRESHOLD).await {
            tracing::debug!(%error, "setting the low threshold");
        }
        while let Some(event) = self.channel.poll().await {
            match event {
                DataChannelEvent::OnMessage(message) if !message.is_string => {
                    self.delegate.on_packet_received(&message.data);
                }
                DataChannelEvent::OnOpen => drop(self.state.send_replace(ChannelState::Open)),
                DataChannelEvent::OnBufferedAmountLow => self.drained.notify_one(),
                DataChannelEvent::OnClose => break,
                _ => {}
            }
        }
        self.state.send_replace(ChannelState::Closed);
    }
}

/// Wakes the connection's driver until the channel is open: it flushes DTLS and SCTP only when something wakes it.
pub(in crate::host) async fn hasten(
    channel: &dyn DataChannel,
    mut state: watch::Receiver<ChannelState>,
) {
    for _ in 0..NUDGES {
        let opened = state.wait_for(|state| *state != ChannelState::Opening);
        if timeout(NUDGE_INTERVAL, opened).await.is_ok() {
            return;
        }
        if channel.set_buffered_amount_low_threshold(LOW_THRESHOLD).await.is_err() {
            return;
        }
    }
    state.wait_for(|state| *state != ChannelState::Opening).await.ok();
}

pub(in crate::host) fn owned(packet: Bytes) -> BytesMut {
    packet.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared))
}

/// Where the channel reports room. Half of what it may hold, so that it never runs dry.
const LOW_THRESHOLD: u32 = 32 << 10;

/// Bytes that may wait here before the channel; four of the largest frames.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// How soon to look at the buffered amount without an event.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How often the driver is woken until the channel is open, and for how long: 3 s, after which its own timers serve.
const NUDGE_INTERVAL: Duration = Duration::from_millis(5);
const NUDGES: u32 = 600;
