//! What the room sends to the plain side, over whichever TCP connection the participant has now.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::super::{
    plain::{Message, outlet::Outlet},
    room::{Interruption, transport::TransportDelegate},
};

/// The way back of a participant. Without a connection, what arrives is lost, as it is for a host that is cut off.
pub(super) struct Downlink {
    outlet: Mutex<Option<Outlet>>,
    interruption: watch::Sender<Option<Interruption>>,
}

impl Downlink {
    pub(super) fn new(outlet: Outlet) -> Arc<Self> {
        let (outlet, interruption) = (Mutex::new(Some(outlet)), watch::Sender::new(None));
        Arc::new(Self { outlet, interruption })
    }

    pub(super) fn attach(&self, outlet: Outlet) {
        *self.outlet.lock().unwrap_or_else(PoisonError::into_inner) = Some(outlet);
    }

    pub(super) fn detach(&self) {
        *self.outlet.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until the session is interrupted.
    pub(super) async fn interruption(&self) -> Interruption {
        let mut interruption = self.interruption.subscribe();
        let interrupted = interruption.wait_for(Option::is_some).await;
        interrupted.ok().and_then(|interruption| *interruption).unwrap_or(Interruption::Rejoin)
    }

    fn with_outlet(&self, send: impl FnOnce(&Outlet)) {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(send);
    }
}

impl TransportDelegate for Downlink {
    fn on_signal_response(&self, response: Vec<u8>) {
        self.with_outlet(|outlet| outlet.write(Message::signal(response)));
    }

    fn on_packet_received(&self, packet: &[u8]) {
        self.with_outlet(|outlet| {
            outlet.packet(packet);
        });
    }

    fn on_buffered_amount(&self, _bytes: u64) {}

    fn on_interrupted(&self, interruption: Interruption) {
        self.interruption.send_replace(Some(interruption));
    }

    fn on_resumed(&self) {
        self.interruption.send_replace(None);
    }
}
