//! The calls of `datatracks` that carry bytes, as UniFFI carries them by itself: what they cost is compared with what ours cost.
//!
//! Nothing is behind them. A frame that is pushed is dropped; packets and frames that come out are copies of one that is there from the
//! start. So all that is measured is the way across. The signals that make a track of ours are here as well: both languages want them.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

#[path = "../../../tests/kit/signals.rs"]
mod signals;

uniffi::setup_scaffolding!();

#[derive(Clone, uniffi::Record)]
pub struct PlainFrame {
    pub payload: Vec<u8>,
    pub user_timestamp: Option<u64>,
}

#[uniffi::export(callback_interface)]
pub trait PlainDelegate: Send + Sync {
    fn on_packets_available(&self, packets: Vec<Vec<u8>>);
}

/// Either end of a track.
#[derive(uniffi::Object)]
pub struct PlainTrack {
    delegate: Box<dyn PlainDelegate>,
    packets: Vec<Vec<u8>>,
    frame: PlainFrame,
}

#[uniffi::export]
impl PlainTrack {
    #[uniffi::constructor]
    pub fn new(delegate: Box<dyn PlainDelegate>, packets: Vec<Vec<u8>>, frame: PlainFrame) -> Self {
        Self { delegate, packets, frame }
    }

    pub fn try_push(&self, frame: PlainFrame) -> u64 {
        frame.payload.len() as u64
    }

    /// The packets of one frame leave.
    pub fn hand_out(&self) {
        self.delegate.on_packets_available(self.packets.clone());
    }

    pub fn handle_packet_received(&self, packet: Vec<u8>) -> u64 {
        packet.len() as u64
    }

    pub async fn next(&self) -> Option<PlainFrame> {
        Some(self.frame.clone())
    }

    pub async fn next_batch(&self, max: u32) -> Vec<PlainFrame> {
        vec![self.frame.clone(); max as usize]
    }
}

/// The answer to a request to publish, and what the other participants hear of it.
#[derive(uniffi::Record)]
pub struct Published {
    pub answer: Vec<u8>,
    pub update: Vec<u8>,
}

#[uniffi::export]
pub fn published(request: Vec<u8>) -> Published {
    let info = signals::published(&request);
    Published { answer: signals::answer(info.clone()), update: signals::update(info) }
}

/// The answer to the subscription to it.
#[uniffi::export]
pub fn subscribed() -> Vec<u8> {
    signals::handles()
}
