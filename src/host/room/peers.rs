//! The peer connections of a session: one for both directions, or one a direction (protocol §4.2).

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use webrtc::{data_channel::DataChannel, error::Result};

use super::{
    peer::{Network, Peer, PeerEvent, Role},
    socket::Mode,
};

pub(super) struct Peers {
    publisher: Peer,
    subscriber: Option<Peer>,
    channel: Option<Arc<dyn DataChannel>>,
}

impl Peers {
    pub(super) async fn open(
        mode: Mode,
        network: &Network,
        events: UnboundedSender<PeerEvent>,
    ) -> Result<Self> {
        let publisher = Peer::open(Role::Publisher, network, events.clone()).await?;
        let subscriber = match mode {
            Mode::Single => None,
            Mode::Dual => match Peer::open(Role::Subscriber, network, events).await {
                Ok(peer) => Some(peer),
                Err(error) => {
                    publisher.close().await;
                    return Err(error);
                }
            },
        };
        Ok(Self { publisher, subscriber, channel: None })
    }

    /// The connection that this side offers, and sends on.
    pub(super) fn publisher(&mut self) -> &mut Peer {
        &mut self.publisher
    }

    /// The connection that the server offers.
    pub(super) fn subscriber(&mut self) -> Option<&mut Peer> {
        self.subscriber.as_mut()
    }

    /// The connection that a trickle message is for.
    pub(super) fn by_target(&mut self, target: i32) -> Option<&mut Peer> {
        [Some(&mut self.publisher), self.subscriber.as_mut()]
            .into_iter()
            .flatten()
            .find(|peer| peer.role().target() == target)
    }

    pub(super) async fn create_channel(&mut self) -> Result<()> {
        self.channel = Some(self.publisher.create_channel().await?);
        Ok(())
    }

    /// The channel to send on.
    pub(super) fn channel(&self) -> Option<Arc<dyn DataChannel>> {
        self.channel.clone()
    }

    pub(super) async fn close(&self) {
        self.publisher.close().await;
        if let Some(subscriber) = &self.subscriber {
            subscriber.close().await;
        }
    }
}
