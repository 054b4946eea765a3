//! A push: seal, packetize, enqueue, and hand out what may leave at once.
//!
//! Order of locks: the track's packetizer, then the outbox. Native sealing runs under the packetizer's lock; a provider of the
//! host seals under none, one frame of a track at a time. A push that finds another at it (on another thread, or around this
//! one) leaves its frame to that one and is accepted: waiting could be for a callback that waits for this very push.

use std::{sync::Arc, time::Instant};

use super::{
    EncryptionProvider, KeyRing, LocalDataTrack,
    local_sending::{Outbox, Scope, wake_all},
    lock::MutexGuard,
    spare::packetize,
};
use crate::{
    error::PushFrameError,
    frame::Payload,
    local::{
        numbers::Unnumbered,
        packetizer::{PacketizeError, Packetizer, Seal, Size},
        send_queue::{NotTaken, SealTurn},
        waiting_room::{Admission, Unsealed},
    },
    packet::Encryption,
};

/// How the frames of a track are sealed.
#[derive(Clone)]
pub(super) enum Sealing {
    /// Not at all.
    Plain,
    /// With a key of this ring.
    Ring { ring: Arc<KeyRing>, identity: Option<Arc<str>> },
    /// By the host.
    Provider,
}

impl Sealing {
    /// What a provider makes of frames. A ring of ours is recognised, so that frames need not travel to be sealed.
    pub(super) fn of(provider: Option<&Arc<dyn EncryptionProvider>>) -> Self {
        let Some(provider) = provider else { return Self::Plain };
        match provider.key_ring() {
            Some((ring, identity)) => {
                Self::Ring { ring: Arc::clone(ring), identity: identity.map(Arc::from) }
            }
            None => Self::Provider,
        }
    }

    fn encrypts(&self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// A payload that is pushed.
#[derive(Clone, Copy)]
pub(super) enum Pushed<'a> {
    Borrowed(&'a [u8]),
    Owned(&'a Payload),
}

impl Pushed<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(payload) => payload.as_ref(),
        }
    }

    fn to_payload(self) -> Payload {
        match self {
            Self::Borrowed(bytes) => Payload(bytes.to_vec().into()),
            Self::Owned(payload) => payload.clone(),
        }
    }
}

impl LocalDataTrack {
    /// Accepts a frame or tells why not.
    pub(super) fn push(
        &self,
        frame: Pushed<'_>,
        user_timestamp: Option<u64>,
        admission: Admission,
    ) -> Result<(), PushFrameError> {
        let size = self.size(user_timestamp);
        let pushed = if frame.bytes().len() > size.max_payload() {
            Err(self.too_large(size))
        } else {
            match &self.sealing {
                Sealing::Plain | Sealing::Ring { .. } => {
                    self.push_natively(frame.bytes(), user_timestamp, size, admission)
                }
                Sealing::Provider => {
                    self.push_through_provider(frame, user_timestamp, size, admission)
                }
            }
        };
        if pushed.is_err() && admission == Admission::ByPolicy {
            self.sending.outbox().queue.refuse(self.lane);
        }
        pushed
    }

    fn push_natively(
        &self,
        payload: &[u8],
        user_timestamp: Option<u64>,
        size: Size,
        admission: Admission,
    ) -> Result<(), PushFrameError> {
        let now = self.sending.environment.now();
        let mut packetizer = self.packetizer();
        if self.refuses || admission == Admission::WaitForRoom {
            // Only asks: packets of a frame that is refused are not worth making.
            let bytes = size.of_packets(payload.len());
            self.sending.outbox().queue.admit(self.lane, bytes, admission, now)?;
        }
        let packets = self.packetize(&mut packetizer, payload, user_timestamp, size, now)?;
        self.hand_in(packets, packetizer, admission, now)
    }

    /// Lets a frame's packets leave at once, or wait.
    fn hand_in(
        &self,
        packets: Unnumbered,
        made_by: MutexGuard<'_, Packetizer>,
        admission: Admission,
        now: Instant,
    ) -> Result<(), PushFrameError> {
        let mut outbox = self.sending.outbox();
        let call = match outbox.pass(self.lane, packets) {
            Ok(call) => call,
            Err(packets) => {
                return self.hand_in_behind_others(outbox, packets, made_by, admission, now);
            }
        };
        drop(outbox);
        drop(made_by);
        self.sending.send(Some(call), Scope::Track);
        Ok(())
    }

    #[inline(never)]
    fn hand_in_behind_others(
        &self,
        mut outbox: MutexGuard<'_, Outbox>,
        packets: Unnumbered,
        made_by: MutexGuard<'_, Packetizer>,
        admission: Admission,
        now: Instant,
    ) -> Result<(), PushFrameError> {
        let handover = outbox.queue.push(self.lane, packets, admission, now);
        let call = handover.map(|handover| outbox.call(handover));
        let deadline = outbox.queue.next_deadline(now);
        let wakers = outbox.wakers();
        drop(outbox);
        drop(made_by);
        wake_all(wakers);
        self.sending.wake_at(deadline);
        self.sending.send(call?, Scope::Track);
        Ok(())
    }

    fn packetize(
        &self,
        packetizer: &mut Packetizer,
        payload: &[u8],
        user_timestamp: Option<u64>,
        size: Size,
        now: Instant,
    ) -> Result<Unnumbered, PushFrameError> {
        let Sealing::Ring { ring, identity } = &self.sealing else {
            return Ok(packetize(packetizer, payload, user_timestamp, Seal::Plain, size, now)?);
        };
        let key = ring.sealing_key(identity.as_deref());
        let (key_index, key) = key.map_err(|_| PushFrameError::EncryptionFailed)?;
        let mut iv = [0; 12];
        self.sending.environment.with_random(|random| random.fill(&mut iv));
        let seal = Seal::With(&key, Encryption { key_index, iv });
        Ok(packetize(packetizer, payload, user_timestamp, seal, size, now)?)
    }

    fn push_through_provider(
        &self,
        frame: Pushed<'_>,
        user_timestamp: Option<u64>,
        size: Size,
        admission: Admission,
    ) -> Result<(), PushFrameError> {
        let frame = Unsealed {
            payload: frame.to_payload(),
            user_timestamp,
            since: self.sending.environment.now(),
            size,
        };
        let begun = self.sending.with_outbox(|outbox| {
            let host = outbox.host.as_ref().ok_or(NotTaken::Ended)?;
            let provider = host.provider.clone().ok_or(NotTaken::Ended)?;
            Ok::<_, NotTaken>((provider, outbox.queue.begin_seal(self.lane, frame, admission)?))
        });
        match begun? {
            (_, SealTurn::Left) => Ok(()),
            (provider, SealTurn::Mine(own)) => {
                let pushed = self.push_own(&*provider, own, admission);
                self.push_left(&*provider);
                pushed
            }
        }
    }

    fn push_own(
        &self,
        provider: &dyn EncryptionProvider,
        own: Unsealed,
        admission: Admission,
    ) -> Result<(), PushFrameError> {
        let (payload, seal) = self.seal(provider, &own)?;
        let mut packetizer = self.packetizer();
        let (payload, stamp, since) = (payload.as_ref(), own.user_timestamp, own.since);
        let packets = packetize(&mut packetizer, payload, stamp, seal, own.size, since)?;
        // The provider may have taken its time, in which the host has reported.
        let now = self.sending.environment.now();
        self.hand_in(packets, packetizer, admission, now)
    }

    /// Seals what others left meanwhile; ends the turn when there is nothing more.
    fn push_left(&self, provider: &dyn EncryptionProvider) {
        let next = || self.sending.with_outbox(|outbox| outbox.queue.next_unsealed(self.lane));
        while let Some(frame) = next() {
            let sealed = self.seal(provider, &frame);
            let packets = sealed.and_then(|(payload, seal)| {
                let (payload, stamp, since) = (payload.as_ref(), frame.user_timestamp, frame.since);
                let mut packetizer = self.packetizer();
                Ok(packetize(&mut packetizer, payload, stamp, seal, frame.size, since)?)
            });
            let now = self.sending.environment.now();
            let (call, deadline) = self.sending.with_outbox(|outbox| {
                outbox.queue.settle_left(self.lane, packets.ok(), frame.since);
                (outbox.continue_with(self.lane, now), outbox.queue.next_deadline(now))
            });
            self.sending.wake_at(deadline);
            self.sending.send(call, Scope::Track);
        }
    }

    /// Lets the host seal a frame. Whatever it does wrong, nothing leaves in plain.
    fn seal(
        &self,
        provider: &dyn EncryptionProvider,
        frame: &Unsealed,
    ) -> Result<(Payload, Seal<'static>), PushFrameError> {
        let encrypt = || provider.encrypt(frame.payload.clone());
        let sealed = self.sending.faults.call_out("encrypt", encrypt);
        let sealed = sealed.map_err(|_| PushFrameError::EncryptionFailed)?;
        let iv = sealed.iv.as_slice().try_into();
        let iv = iv.map_err(|_| PushFrameError::EncryptionFailed)?;
        Ok((sealed.payload, Seal::Done(Encryption { key_index: sealed.key_index, iv })))
    }

    fn size(&self, user_timestamp: Option<u64>) -> Size {
        Size::new(self.sealing.encrypts(), user_timestamp, self.sending.packet_len())
    }

    fn too_large(&self, size: Size) -> PushFrameError {
        PushFrameError::FrameTooLarge { max: size.max_payload() as u64 }
    }
}

impl From<NotTaken> for PushFrameError {
    fn from(not_taken: NotTaken) -> Self {
        match not_taken {
            NotTaken::Ended => Self::TrackUnpublished,
            NotTaken::Full => Self::QueueFull,
        }
    }
}

impl From<PacketizeError> for PushFrameError {
    fn from(error: PacketizeError) -> Self {
        match error {
            PacketizeError::TooLarge { max } => Self::FrameTooLarge { max: max as u64 },
            PacketizeError::NotSealed => Self::EncryptionFailed,
        }
    }
}
