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
//! A room that was joined counts as joined when packets can pass; until then an attempt can fail like any other.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    select,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Duration, Instant, sleep},
};

use super::{
    Reconnection, RoomEvent,
    backoff::Backoff,
    error::{EndReason, Interruption, JoinError, NotOpen},
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
        let mut happened = match self.opened().await {
            Ok(()) => self.interruption().await,
            Err(interruption) => Some(interruption),
        };
        let reason = loop {
            let Some(interruption) = happened else { return };
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
            happened = self.interruption().await;
        };
        self.local.shutdown();
        self.remote.shutdown();
        if let Some(transport) = self.gateway.replace(None) {
            transport.abandon().await;
        }
        self.gateway.tell(RoomEvent::Closed(reason));
    }

    /// Waits until packets can leave and arrive. Whatever happens to the session before that is the answer.
    async fn opened(&mut self) -> Result<(), Interruption> {
        let transport = self.gateway.transport().ok_or(Interruption::Unopened)?;
        let heard = select! {
            opened = transport.wait_until_open(self.options.opening_limit) => match opened {
                Ok(()) => return Ok(()),
                Err(NotOpen::TimedOut) => None,
                // The session tells why.
                Err(NotOpen::Closed) => self.interruptions.recv().await,
            },
            heard = self.interruptions.recv() => heard,
        };
        Err(heard.map_or(Interruption::Unopened, |heard| heard.interruption))
    }

    /// The next that is not mended already; `None` when nobody is left to tell.
    async fn interruption(&mut self) -> Option<Interruption> {
        loop {
            let heard = self.interruptions.recv().await?;
            if !self.is_mended(&heard) {
                return Some(heard.interruption);
            }
        }
    }

    /// A server that is asked to resume closes the WebSocket of before, which may still have been good. Whoever takes that for
    /// another interruption resumes again, and closes the next.
    fn is_mended(&self, heard: &Heard) -> bool {
        matches!(
            heard.interruption,
            Interruption::Signal | Interruption::Silence | Interruption::Peer
        ) && heard.resumptions < self.resumptions.load(Ordering::Relaxed)
    }

    async fn reconnect(&mut self, interruption: Interruption) -> Result<Reconnection, EndReason> {
        let mut quick = self.may_resume(interruption)?;
        let (mut backoff, mut lost) = (Backoff::default(), EndReason::ConnectionLost);
        while let Some(delay) = backoff.next_delay() {
            sleep(delay).await;
            if quick {
                match self.resume().await {
                    Ok(()) => return Ok(Reconnection::Quick),
                    Err(JoinError::NotResumable | JoinError::WebRtc { .. }) => quick = false,
                    Err(error) => {
                        self.heard_no_end()?;
                        lost = self.judge(error)?;
                        continue;
                    }
                }
            }
            match self.rejoin().await {
                Ok(()) => return Ok(Reconnection::Full),
                Err(error) => lost = self.judge(error)?,
            }
        }
        Err(lost)
    }

    /// Whether coming back as the same participant can mend it. What recurs soon after it was mended needs more.
    fn may_resume(&mut self, interruption: Interruption) -> Result<bool, EndReason> {
        let now = Instant::now();
        let recurs = self
            .mended
            .replace((interruption, now))
            .is_some_and(|(before, at)| before == interruption && now < at + RECURRENCE_TIME);
        match interruption {
            Interruption::Signal | Interruption::Silence => Ok(true),
            Interruption::Peer => Ok(!recurs),
            Interruption::Rejoin | Interruption::Unopened => Ok(false),
            Interruption::Channel if recurs => Err(EndReason::ChannelRefused),
            Interruption::Channel => Ok(false),
            Interruption::Ended(reason) => Err(reason),
        }
    }

    /// What was heard during a resumption that failed is answered by the next attempt, unless it was the end.
    fn heard_no_end(&mut self) -> Result<(), EndReason> {
        while let Ok(heard) = self.interruptions.try_recv() {
            if let Interruption::Ended(reason) = heard.interruption {
                return Err(reason);
            }
        }
        Ok(())
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
        self.attach(transport, session);
        // Frames must find an open channel when their tracks are published again.
        if let Err(interruption) = self.opened().await {
            self.may_resume(interruption).map_err(JoinError::Ended)?;
            return Err(self.unopened(interruption));
        }
        self.local.republish_tracks();
        self.remote.resend_subscription_updates();
        Ok(())
    }

    fn unopened(&self, interruption: Interruption) -> JoinError {
        match interruption {
            Interruption::Unopened => {
                JoinError::Unopened { seconds: self.options.opening_limit.as_secs() }
            }
            other => JoinError::Broken { detail: other.to_string() },
        }
    }

    /// Some refusals will not change, however often one asks. Of others, the reason of the end should none of the attempts do better.
    fn judge(&self, error: JoinError) -> Result<EndReason, EndReason> {
        let reason = match error {
            JoinError::Ended(reason) => return Err(reason),
            JoinError::Unauthorized { .. } => return Err(EndReason::TokenRefused),
            JoinError::Unopened { .. } => EndReason::Unopened,
            _ => EndReason::ConnectionLost,
        };
        self.gateway.tell(RoomEvent::AttemptFailed(error));
        Ok(reason)
    }
}

/// Keeps the frames of the time without a channel where they are.
const NO_ROOM: u64 = u32::MAX as u64;

/// What comes back within this time was not mended.
const RECURRENCE_TIME: Duration = Duration::from_secs(30);
