//! One participant as the room sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

use super::{blob::Blobs, impairment::Impairment, subscription::Subscription};
use crate::{
    host::plain::Permissions,
    signal::session::{
        DataTrackInfo, ParticipantInfo, ParticipantPermission, TrackPermission, participant_state,
    },
    track::Handle,
};

/// A participant of this SFU: the same through quick reconnects, another after a full one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub(super) u64);

impl fmt::Display for ParticipantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) identity: String,
    pub(super) sid: String,
    /// 0, until it is moved to another.
    pub(super) room: u16,
    pub(super) permissions: Permissions,
    pub(super) presence: Presence,
    pub(super) version: u32,
    pub(super) is_publisher: bool,
    pub(super) publications: BTreeMap<Handle, Publication>,
    pub(super) readers: Readers,
    /// What it wants to read, by track SID.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    pub(super) last_handle: u16,
    pub(super) blobs: Blobs,
    pub(super) impairment: Impairment,
    pub(super) faults: ReplyFaults,
}

/// Whether the participant has a signal connection. Without one signals to it are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Connected,
    /// Gone at `until`; without one, once the shell says so.
    Away {
        until: Option<Instant>,
    },
}

#[derive(Debug)]
pub(super) struct Publication {
    pub(super) info: DataTrackInfo,
    /// Active subscriptions: who, and under which handle.
    pub(super) subscribers: BTreeSet<(ParticipantId, Handle)>,
}

/// Whom a publisher lets read its tracks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Readers {
    All,
    Listed(Vec<TrackPermission>),
}

/// What a test asked to go wrong next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReplyFaults {
    pub(super) refuse_next: Option<i32>,
    pub(super) lose_next: bool,
}

impl Participant {
    pub(super) fn new(
        identity: String,
        sid: String,
        permissions: Permissions,
        handle: u16,
    ) -> Self {
        Self {
            identity,
            sid,
            room: 0,
            permissions,
            presence: Presence::Connected,
            version: 0,
            is_publisher: false,
            publications: BTreeMap::new(),
            readers: Readers::All,
            subscriptions: BTreeMap::new(),
            last_handle: handle,
            blobs: Blobs::default(),
            impairment: Impairment::default(),
            faults: ReplyFaults::default(),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        match self.presence {
            Presence::Connected => true,
            Presence::Away { .. } => false,
        }
    }

    /// As others see it, with all its tracks.
    pub(super) fn info(&self) -> ParticipantInfo {
        ParticipantInfo {
            sid: self.sid.clone(),
            identity: self.identity.clone(),
            state: participant_state::ACTIVE,
            version: self.version,
            permission: Some(ParticipantPermission {
                can_subscribe: self.permissions.can_subscribe,
                can_publish: true,
                can_publish_data: self.permissions.can_publish_data,
                hidden: self.permissions.hidden,
            }),
            is_publisher: self.is_publisher,
            data_tracks: self.publications.values().map(|track| track.info.clone()).collect(),
            ..ParticipantInfo::default()
        }
    }

    /// As others see it once it is gone.
    pub(super) fn farewell(&self, reason: i32) -> ParticipantInfo {
        ParticipantInfo {
            state: participant_state::DISCONNECTED,
            disconnect_reason: reason,
            data_tracks: Vec::new(),
            ..self.info()
        }
    }
}

impl Readers {
    pub(super) fn permit(&self, track_sid: &str, reader: &Participant) -> bool {
        let named = |permission: &TrackPermission| {
            permission.participant_identity == reader.identity
                || (permission.participant_identity.is_empty()
                    && permission.participant_sid == reader.sid)
        };
        let covers = |permission: &TrackPermission| {
            permission.all_tracks || permission.track_sids.iter().any(|sid| sid == track_sid)
        };
        match self {
            Self::All => true,
            Self::Listed(permissions) => permissions.iter().any(|p| named(p) && covers(p)),
        }
    }
}
