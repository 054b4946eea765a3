//! Brings a room back after interruptions: as the same participant if the server still knows it, else by joining anew.
//!
//! ```text
//!              Signal, Peer            done
//!  Connected ──────────────► Resuming ──────► Connected (quick)
//!    │                          │ the server forgot us, or ICE stays down
//!    │   Rejoin, Channel        ▼        done
//!    └──────────────────────► Rejoining ─────► Connected (full): tracks published and subscribed to again
//!  Ended, attempts used up, channel or ICE fails again soon after it was mended ──► Closed
//! ```

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Duration, Instant, sleep},
};

use super::{
    Reconnection, RoomEvent,
    backoff::Backoff,
    error::{EndReason, Interruption, JoinError},
    gateway::{Gateway, Heard, Inbox},
    session::Session,
    transport::{JoinOptions, Transport, join},
};
use crate::{LocalDataTrackManager, RemoteDataTrackManager};

pub(super) struct Reconnector {
    options: JoinOptions,
    gateway: Arc<Gateway>,
    local: Arc<LocalDataTrackManager>,
    remote: Arc<RemoteDataTrackManager>,
    /// Of the session of the moment; those of earlier ones are not heard any more.
    interruptions: UnboundedReceiver<Heard>,
    resumptions: Arc<AtomicU64>,
    mended: Option<(Interruption, Instant)>,
}

impl Reconnector {
    pub(super) fn new(
        options: JoinOptions,
        gateway: &Arc<Gateway>,
        local: &Arc<LocalDataTrackManager>,
        remote: &Arc<RemoteDataTrackManager>,
    ) -> Self {
        let (gateway, local, remote) = (Arc::clone(gateway), Arc::clone(local), Arc::clone(remote));
        let (_, interruptions) = unbounded_channel();
        let resumptions = Arc::default();
        Self { options, gateway, local, remote, interruptions, resumptions, mended: None }
    }

    /// Puts the managers onto a session that was just joined.
    pub(super) fn attach(&mut self, transport: Transport, session: Session) {
        let (sender, interruptions) = unbounded_channel();
        (self.interruptions, self.resumptions) = (interruptions, Arc::default());
        self.gateway.replace(Some(transport));
        session.start(Arc::new(Inbox {
            local: Arc::clone(&self.local),
            remote: Arc::clone(&self.remote),
            interruptions: sender,
            resumptions: Arc::clone(&self.resumptions),
        }));
    }

    /// Watches over the session until it is over for good.
    pub(super) async fn run(mut self) {
        let reason = loop {
            let Some(heard) = self.interruptions.recv().await else { return };
            if self.is_mended(&heard) {
                continue;
            }
            let interruption = heard.interruption;
            let reconnected = match interruption {
                Interruption::Ended(reason) => break reason,
                _ => {
                    self.gateway.tell(RoomEvent::Reconnecting(interruption));
                    self.reconnect(interruption).await
                }
            };
            match reconnected {
                Ok(reconnection) => self.gateway.tell(RoomEvent::Reconnected(reconnection)),
                Err(reason) => break reason,
            }
        };
        self.local.shutdown();
        self.remote.shutdown();
        if let Some(transport) = self.gateway.replace(None) {
            transport.abandon().await;
        }
        self.gateway.tell(RoomEvent::Closed(reason));
    }

    /// A server that is asked to resume closes the WebSocket of before, which may still have been good. Whoever takes that for
    /// another interruption resumes again, and closes the next.
    fn is_mended(&self, heard: &Heard) -> bool {
        matches!(heard.interruption, Interruption::Signal | Interruption::Peer)
            && heard.resumptions < self.resumptions.load(Ordering::Relaxed)
    }

    async fn reconnect(&mut self, interruption: Interruption) -> Result<Reconnection, EndReason> {
        let mut quick = self.may_resume(interruption)?;
        let mut backoff = Backoff::default();
        while let Some(delay) = backoff.next_delay() {
            sleep(delay).await;
            if quick {
                match self.resume().await {
                    Ok(()) => return Ok(Reconnection::Quick),
                    Err(JoinError::NotResumable | JoinError::WebRtc { .. }) => quick = false,
                    Err(error) => {
                        give_up_on(&error)?;
                        continue;
                    }
                }
            }
            match self.rejoin().await {
                Ok(()) => return Ok(Reconnection::Full),
                Err(error) => give_up_on(&error)?,
            }
        }
        Err(EndReason::ConnectionLost)
    }

    /// Whether coming back as the same participant can mend it. What recurs soon after it was mended needs more.
    fn may_resume(&mut self, interruption: Interruption) -> Result<bool, EndReason> {
        let now = Instant::now();
        let recurs = self
            .mended
            .replace((interruption, now))
            .is_some_and(|(before, at)| before == interruption && now < at + RECURRENCE_TIME);
        match interruption {
            Interruption::Signal => Ok(true),
            Interruption::Peer => Ok(!recurs),
            Interruption::Rejoin => Ok(false),
            Interruption::Channel if recurs => Err(EndReason::ChannelRefused),
            Interruption::Channel => Ok(false),
            Interruption::Ended(reason) => Err(reason),
        }
    }

    async fn resume(&self) -> Result<(), JoinError> {
        let transport = self.gateway.transport().ok_or(JoinError::NotResumable)?;
        transport.resume(Some(self.local.publish_responses_for_sync_state())).await?;
        self.remote.resend_subscription_updates();
        Ok(())
    }

    async fn rejoin(&mut self) -> Result<(), JoinError> {
        if let Some(before) = self.gateway.replace(None) {
            self.options.token = before.token();
            before.abandon().await;
        }
        self.local.handle_buffered_amount(NO_ROOM);
        let (transport, session) = join(&self.options).await?;
        self.attach(transport.clone(), session);
        // Frames must find an open channel when their tracks are published again.
        transport.wait_until_open(OPENING_TIME).await.ok();
        self.local.republish_tracks();
        self.remote.resend_subscription_updates();
        Ok(())
    }
}

/// Some refusals will not change, however often one asks.
fn give_up_on(error: &JoinError) -> Result<(), EndReason> {
    tracing::info!(%error, "a reconnect attempt failed");
    match error {
        JoinError::Ended(reason) => Err(*reason),
        JoinError::Unauthorized { .. } => Err(EndReason::TokenRefused),
        _ => Ok(()),
    }
}

/// Keeps the frames of the time without a channel where they are.
const NO_ROOM: u64 = u32::MAX as u64;

/// ICE, DTLS and SCTP together; usually far below one second.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// What comes back within this time was not mended.
const RECURRENCE_TIME: Duration = Duration::from_secs(30);
