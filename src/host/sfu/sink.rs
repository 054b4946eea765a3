//! Where a participant's outputs go, by the shell that it joined through.

use bytes::Bytes;

use super::listen;
use crate::host::plain::{Message, outlet::Outlet};

/// Called with the room locked: only queues.
pub(super) enum Sink {
    Plain(Outlet),
    WebRtc(listen::Queues),
}

impl Sink {
    /// Queues a SignalResponse.
    pub(super) fn signal(&self, bytes: Bytes) {
        match self {
            Self::Plain(outlet) => outlet.write(Message::signal(bytes.into())),
            Self::WebRtc(queues) => queues.signal(bytes),
        }
    }

    /// Queues a packet; false when there is no room for it.
    pub(super) fn packet(&self, bytes: Bytes) -> bool {
        match self {
            Self::Plain(outlet) => outlet.packet(bytes),
            Self::WebRtc(queues) => queues.packet(bytes),
        }
    }

    /// The participant's connection ends after what was queued before.
    pub(super) fn close(&self) {
        match self {
            Self::Plain(outlet) => outlet.close(),
            Self::WebRtc(queues) => queues.close(),
        }
    }
}
