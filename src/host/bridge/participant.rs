//! A participant of the real room, and what its TCP connection says to it.

use std::sync::Arc;

use tokio::{io::AsyncRead, select};

use super::{
    super::{
        plain::{Control, DropMode, Kind, Message, outlet::Outlet},
        room::{Interruption, NotSent, transport::Transport},
    },
    downlink::Downlink,
};
use crate::{
    frame::PacketBatch,
    signal::session::{Request, decode_request},
};

/// Who is in the room.
#[derive(Clone)]
pub(super) struct Participant {
    pub(super) transport: Transport,
    pub(super) downlink: Arc<Downlink>,
}

/// What becomes of a participant whose TCP connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It may come back.
    Parked,
    /// It leaves.
    Left,
    /// The server ended it.
    Ended,
}

impl Participant {
    /// Serves a TCP connection to its end.
    pub(super) async fn serve(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        outlet: &Outlet,
    ) -> Fate {
        select! {
            fate = self.read(reader, outlet) => fate,
            interruption = self.downlink.interruption() => match interruption {
                Interruption::Signal | Interruption::Silence | Interruption::Peer => Fate::Parked,
                _ => Fate::Ended,
            },
            () = outlet.closed() => Fate::Parked,
        }
    }

    /// Passes on what the plain side sends.
    async fn read(&self, reader: &mut (impl AsyncRead + Unpin), outlet: &Outlet) -> Fate {
        while let Ok(Some(Message { kind, bytes })) = Message::read(reader).await {
            match kind {
                // The transport says it itself, after what waits before it.
                Kind::Signal if is_leave(&bytes) => return Fate::Left,
                // Who asks more than the server takes has to come back: what is left out silently is missed for ever.
                Kind::Signal => match self.transport.send_signal(bytes) {
                    Err(NotSent::Full) => return Fate::Parked,
                    Ok(()) | Err(NotSent::NotConnected) => {}
                },
                Kind::Packet => {
                    let length = bytes.len();
                    self.transport.send_packets(PacketBatch::new(bytes.into(), length)).ok();
                }
                Kind::Control => match drop_mode(&bytes) {
                    Ok(mode) => {
                        outlet.write(Message::reply(Ok(())));
                        return if mode == DropMode::Quick { Fate::Parked } else { Fate::Left };
                    }
                    Err(refusal) => outlet.write(Message::reply(Err(refusal))),
                },
                Kind::Hello => outlet.write(Message::reply(Err("there was a hello already"))),
            }
        }
        Fate::Parked
    }
}

fn is_leave(request: &[u8]) -> bool {
    matches!(decode_request(request), Ok(Some(Request::Leave(_))))
}

fn drop_mode(control: &[u8]) -> Result<DropMode, &'static str> {
    match serde_json::from_slice(control) {
        Ok(Control::DropSession { mode }) => Ok(mode),
        Ok(_) => Err("not here: the room behind a bridge is a real one"),
        Err(_) => Err("no such control"),
    }
}
