//! The embedded SFU: one room of a LiveKit-compatible server, and those that its participants are moved to, as a pure state machine.
//!
//! Owns participants, publications, subscriptions and handles, and behaves as livekit-server 1.13 does (protocol §3 to §5);
//! `tests/sfu_against_livekit.rs` replays one script against both. Faults are drawn from a seed. Never waits, spawns, locks or
//! reads a clock, and knows no socket: the shells [`plain`] and [`listen`] feed it through [`Rooms`], which carry its outputs out.
//!
//! ```text
//!              join, resume                        handle_signal, handle_packet
//!   (none) ─────────────────► Connected ◄────────┐ and control work on a
//!      ▲                       │   │   │         │ participant that is not gone
//!      │ leave, sync state bad,│   │   └─ handle_disconnect ─► Away ─ resume ─┘
//!      │ same identity joins,  │   │                            │
//!      └─ drop_session(Full) ──┘   └──── departure timeout ◄────┘ (gone)
//! ```
//! After every call drain [`Sfu::poll_output`]; call [`Sfu::handle_timeout`] when [`Sfu::poll_timeout`] says so.

mod blob;
mod chance;
mod control;
mod forward;
mod impairment;
mod link;
pub mod listen;
mod moving;
mod participant;
pub mod plain;
mod publication;
mod rooms;
mod session;
mod sink;
mod snapshot;
mod stats;
mod subscription;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use thiserror::Error;

use self::{chance::Chance, link::Link, participant::Participant, snapshot::News};
pub use self::{
    control::Control,
    impairment::{Impairment, ImpairmentError},
    link::LinkStats,
    participant::ParticipantId,
    rooms::{RoomOptions, Rooms},
    stats::{Loss, SfuStats, SubscriptionStats},
};
pub use crate::host::plain::Permissions;
use crate::{
    signal::session::{ParticipantInfo, ParticipantUpdate, Response, encode_response},
    track::Handle,
};

/// Settings of a room.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name.
    pub room: String,
    /// False refuses every publish, as a server with `enable_data_tracks: false` does.
    pub data_tracks: bool,
    /// False refuses to store and find schemas, as a server does by default.
    pub data_blobs: bool,
    /// Faults of every participant's downlink, until a control sets others.
    pub impairment: Impairment,
    /// How long a participant without a connection is kept.
    pub departure_timeout: Duration,
    /// Unix time in milliseconds when the room is made: pongs carry the time.
    pub unix_time_ms: i64,
    /// How many handles a subscriber has before they are given again, those that are free.
    pub subscriber_handles: u16,
}

impl Config {
    /// The defaults, for a room of this name.
    pub fn new(room: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            data_tracks: true,
            data_blobs: true,
            impairment: Impairment::default(),
            departure_timeout: DEPARTURE_TIMEOUT,
            unix_time_ms: 0,
            subscriber_handles: u16::MAX,
        }
    }
}

/// Something that leaves the SFU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A SignalResponse.
    Signal {
        /// For whom.
        to: ParticipantId,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A packet. Also for participants without a signal connection: its channel may live on.
    Packet {
        /// For whom.
        to: ParticipantId,
        /// Its bytes.
        bytes: Bytes,
    },
    /// The connection ends once what was said before has been sent.
    Close {
        /// Whose.
        to: ParticipantId,
    },
}

/// Why somebody may not join.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JoinRefused {
    /// The identity is empty or longer than 256 bytes.
    #[error("the identity is empty or longer than 256 bytes")]
    InvalidIdentity,
    /// There are too many participants.
    #[error("the room is full")]
    RoomFull,
}

/// One room, and those to which its participants were moved.
#[derive(Debug)]
pub struct Sfu {
    config: Config,
    sid: String,
    started: Instant,
    chance: Chance,
    last_id: u64,
    participants: BTreeMap<ParticipantId, Participant>,
    /// Publisher and its handle, by track SID.
    tracks: BTreeMap<String, (ParticipantId, Handle)>,
    /// One an active subscription, by subscriber and its handle.
    links: BTreeMap<(ParticipantId, Handle), Link>,
    /// The links that have packets on the way.
    busy: BTreeSet<(ParticipantId, Handle)>,
    outputs: VecDeque<Output>,
    /// What follows them at the end of the call.
    news: BTreeMap<ParticipantId, News>,
    stats: SfuStats,
}

impl Sfu {
    /// An empty room. The same seed, inputs and times give the same outputs.
    pub fn new(config: Config, now: Instant, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        Self {
            config,
            sid: chance.sid("RM_"),
            started: now,
            chance,
            last_id: 0,
            participants: BTreeMap::new(),
            tracks: BTreeMap::new(),
            links: BTreeMap::new(),
            busy: BTreeSet::new(),
            outputs: VecDeque::new(),
            news: BTreeMap::new(),
            stats: SfuStats::default(),
        }
    }

    /// The next thing that leaves, in the order in which it was decided.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let busy = self.busy.iter().filter_map(|key| self.links.get(key));
        let packets = busy.filter_map(Link::poll_timeout);
        packets.chain(self.departures().map(|(_, at)| at)).min()
    }

    /// Does what is due: delayed packets leave, participants that did not come back go.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.release_packets(now);
        let due: Vec<_> = self.departures().filter(|(_, at)| *at <= now).collect();
        for (who, _) in due {
            self.outputs.push_back(Output::Close { to: who });
            self.depart(who);
        }
        self.tell_news();
    }

    /// True when nobody is left.
    pub fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    fn find(&self, identity: &str) -> Option<ParticipantId> {
        let mut all = self.participants.iter();
        all.find(|(_, participant)| participant.identity == identity).map(|(id, _)| *id)
    }

    /// Tells everybody, itself too, how this participant is now.
    fn announce(&mut self, who: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&who) else { return };
        participant.version += 1;
        let (info, room) = (participant.info(), participant.room);
        self.broadcast(info, room);
    }

    /// Tells everybody in a room. A hidden participant alone learns of itself.
    fn broadcast(&mut self, info: ParticipantInfo, room: u16) {
        let (sid, hidden) = (info.sid.clone(), info.permission.as_ref().is_some_and(|p| p.hidden));
        let update = Response::Update(ParticipantUpdate { participants: vec![info] });
        let bytes = Bytes::from(encode_response(update));
        for (&to, participant) in &self.participants {
            let concerned = participant.is_connected() && participant.room == room;
            if concerned && (!hidden || participant.sid == sid) {
                self.outputs.push_back(Output::Signal { to, bytes: bytes.clone() });
            }
        }
    }

    fn signal(&mut self, to: ParticipantId, response: Response) {
        if self.participants.get(&to).is_some_and(Participant::is_connected) {
            let bytes = encode_response(response).into();
            self.outputs.push_back(Output::Signal { to, bytes });
        }
    }

    /// Answers a request, unless a test wants the answer lost.
    fn reply(&mut self, to: ParticipantId, response: Response) {
        if !self.loses_reply(to) {
            self.signal(to, response);
        }
    }

    fn loses_reply(&mut self, to: ParticipantId) -> bool {
        let participant = self.participants.get_mut(&to);
        participant.is_some_and(|participant| std::mem::take(&mut participant.faults.lose_next))
    }
}

/// As long as a dead peer connection is kept (protocol §7).
const DEPARTURE_TIMEOUT: Duration = Duration::from_secs(20);
