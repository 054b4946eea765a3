//! Sessions: joining, coming back, leaving, and the requests in between (protocol §3.10, §3.11, §5).

use std::time::Instant;

use bytes::Bytes;

use super::{
    JoinRefused, Output, ParticipantId, Permissions, Sfu,
    participant::{Participant, Presence, Publication},
};
use crate::signal::session::{
    JoinResponse, LeaveRequest, ParticipantUpdate, Pong, ReconnectResponse, Request, Response,
    Room, ServerInfo, SyncState, decode_request, disconnect_reason, encode_response, leave_action,
};

impl Sfu {
    /// A participant joins. Who is there under this identity has to go; one that was moved joins the room where it is.
    ///
    /// # Errors
    /// When the identity is of no use or the room is full. Nothing has changed then.
    pub fn join(
        &mut self,
        identity: &str,
        permissions: Permissions,
    ) -> Result<ParticipantId, JoinRefused> {
        if !(1..=MAX_IDENTITY_BYTES).contains(&identity.len()) {
            return Err(JoinRefused::InvalidIdentity);
        }
        let former = self.find(identity);
        if former.is_none() && self.participants.len() >= MAX_PARTICIPANTS {
            return Err(JoinRefused::RoomFull);
        }
        let room = former.and_then(|former| self.room_of(former)).unwrap_or(0);
        let orphans = former.map_or_else(Vec::new, |former| {
            self.send_off(former, disconnect_reason::DUPLICATE_IDENTITY, leave_action::DISCONNECT)
        });
        let who = self.add_participant(identity, permissions, room);
        let join = Response::Join(self.join_response(who));
        self.signal(who, join);
        self.announce(who);
        orphans.into_iter().for_each(|track| self.end_subscriptions(track));
        self.tell_news();
        Ok(who)
    }

    /// A participant comes back after its connection broke.
    ///
    /// # Errors
    /// When it is not known any more: the LeaveRequest that tells it to join anew.
    pub fn resume(&mut self, identity: &str) -> Result<ParticipantId, Bytes> {
        let who = self.find(identity).ok_or_else(Self::not_resumable)?;
        if let Some(participant) = self.participants.get_mut(&who) {
            participant.presence = Presence::Connected;
        }
        let reconnect =
            ReconnectResponse { server_info: Some(server_info()), ..Default::default() };
        self.signal(who, Response::Reconnect(reconnect));
        let participants = self.known_to(who).map(|(_, participant)| participant.info()).collect();
        self.signal(who, Response::Update(ParticipantUpdate { participants }));
        Ok(who)
    }

    /// The LeaveRequest that tells a client to join anew.
    pub(super) fn not_resumable() -> Bytes {
        let mismatch = leave(disconnect_reason::STATE_MISMATCH, leave_action::RECONNECT);
        encode_response(mismatch).into()
    }

    /// Says goodbye to everybody, with this DisconnectReason.
    pub fn end_all(&mut self, reason: i32) {
        let everybody: Vec<_> = self.participants.keys().copied().collect();
        for who in everybody {
            self.end(who, reason, leave_action::DISCONNECT);
        }
        self.tell_news();
    }

    /// The connection of this participant broke. It is gone unless it comes back in time.
    pub fn handle_disconnect(&mut self, now: Instant, who: ParticipantId) {
        self.set_away(who, Some(now + self.config.departure_timeout));
    }

    /// The signal connection of this participant broke, and others of it live: whether it is gone is for its shell to say.
    pub(super) fn handle_signal_lost(&mut self, who: ParticipantId) {
        self.set_away(who, None);
    }

    fn set_away(&mut self, who: ParticipantId, until: Option<Instant>) {
        if let Some(participant) = self.participants.get_mut(&who) {
            participant.presence = Presence::Away { until };
        }
    }

    /// A SignalRequest of this participant. What is not about data tracks or the session is ignored: offers and candidates are
    /// the shell's.
    pub fn handle_signal(&mut self, now: Instant, who: ParticipantId, bytes: &[u8]) {
        match decode_request(bytes) {
            Ok(Some(request)) => {
                self.handle_request(now, who, request);
                self.tell_news();
            }
            Ok(None) => {}
            Err(_) => self.stats.malformed_signals += 1,
        }
    }

    fn handle_request(&mut self, now: Instant, who: ParticipantId, request: Request) {
        match request {
            Request::PublishDataTrack(request) => self.publish(now, who, request),
            Request::UnpublishDataTrack(request) => self.unpublish(who, request),
            Request::UpdateDataSubscription(request) => {
                self.update_subscriptions(now, who, request);
            }
            Request::SubscriptionPermission(request) => self.set_readers(now, who, request),
            Request::StoreDataBlob(request) => self.store_blob(who, request),
            Request::GetDataBlob(request) => self.get_blob(who, &request),
            Request::SyncState(state) => self.check_sync_state(who, &state),
            Request::Leave(_) => self.leave(who),
            Request::Ping(_) => self.signal(who, Response::Pong(self.unix_time_ms(now))),
            Request::PingReq(ping) => {
                let timestamp = self.unix_time_ms(now);
                let pong = Pong { last_ping_timestamp: ping.timestamp, timestamp };
                self.signal(who, Response::PongResp(pong));
            }
            Request::Simulate(simulate) => self.simulate(now, who, simulate.scenario),
            Request::Offer(_) | Request::Answer(_) | Request::Trickle(_) => {}
        }
    }

    /// Every track that the client believes to be published must be so (protocol §3.11).
    fn check_sync_state(&mut self, who: ParticipantId, state: &SyncState) {
        let Some(participant) = self.participants.get(&who) else { return };
        let mut believed = state.publish_data_tracks.iter();
        let good = believed.all(|response| {
            response.info.as_ref().is_some_and(|info| {
                participant.publications.values().any(|track| track.info.sid == info.sid)
            })
        });
        if !good {
            self.end(who, disconnect_reason::STATE_MISMATCH, leave_action::RECONNECT);
        }
    }

    fn leave(&mut self, who: ParticipantId) {
        self.end(who, disconnect_reason::CLIENT_INITIATED, leave_action::DISCONNECT);
    }

    /// Says goodbye to the participant and tells the others.
    pub(super) fn end(&mut self, who: ParticipantId, reason: i32, action: i32) {
        let Some(participant) = self.participants.get(&who) else { return };
        let (farewell, room) = (participant.farewell(reason), participant.room);
        let orphans = self.send_off(who, reason, action);
        self.broadcast(farewell, room);
        orphans.into_iter().for_each(|track| self.end_subscriptions(track));
    }

    /// The participant goes without a word to itself: its connection is gone or about to be cut.
    pub(super) fn depart(&mut self, who: ParticipantId) {
        let Some(participant) = self.participants.get(&who) else { return };
        let farewell = participant.farewell(disconnect_reason::SIGNAL_CLOSE);
        let room = participant.room;
        let orphans = self.remove(who);
        self.broadcast(farewell, room);
        orphans.into_iter().for_each(|track| self.end_subscriptions(track));
    }

    fn send_off(&mut self, who: ParticipantId, reason: i32, action: i32) -> Vec<Publication> {
        self.signal(who, leave(reason, action));
        self.outputs.push_back(Output::Close { to: who });
        self.remove(who)
    }

    /// Returns its tracks, whose subscriptions are still to be ended.
    fn remove(&mut self, who: ParticipantId) -> Vec<Publication> {
        let orphans = self.end_all_publications(who);
        if let Some(participant) = self.participants.remove(&who) {
            self.forget_subscriptions(who, &participant.subscriptions);
        }
        orphans
    }

    fn add_participant(
        &mut self,
        identity: &str,
        permissions: Permissions,
        room: u16,
    ) -> ParticipantId {
        self.last_id += 1;
        let who = ParticipantId(self.last_id);
        let sid = self.chance.sid("PA_");
        // The counter of its subscriber handles starts at 0 to 255 (protocol §3.1).
        let first = u16::try_from(self.chance.up_to(255)).unwrap_or(0);
        let mut participant = Participant::new(identity.to_owned(), sid, permissions, first);
        (participant.impairment, participant.room) = (self.config.impairment, room);
        self.participants.insert(who, participant);
        who
    }

    /// Itself, and those in its room who are not hidden.
    pub(super) fn known_to(
        &self,
        who: ParticipantId,
    ) -> impl Iterator<Item = (&ParticipantId, &Participant)> {
        let (all, room) = (self.participants.iter(), self.room_of(who));
        all.filter(move |(id, participant)| {
            **id == who || Some(participant.room) == room && !participant.permissions.hidden
        })
    }

    /// The room of this participant.
    pub(super) fn room(&self, who: ParticipantId) -> Room {
        let room = self.room_of(who);
        let inside = self.participants.values().filter(|one| Some(one.room) == room).count();
        let suffix =
            room.filter(|room| *room > 0).map_or_else(String::new, |room| format!("-{room}"));
        Room {
            sid: format!("{}{suffix}", self.sid),
            name: format!("{}{suffix}", self.config.room),
            num_participants: u32::try_from(inside).unwrap_or(u32::MAX),
        }
    }

    fn join_response(&self, who: ParticipantId) -> JoinResponse {
        let me = self.participants.get(&who);
        let others = self.known_to(who).filter(|(id, _)| **id != who);
        JoinResponse {
            room: Some(self.room(who)),
            participant: me.map(Participant::info),
            other_participants: others.map(|(_, participant)| participant.info()).collect(),
            subscriber_primary: me.is_some_and(|me| me.permissions.can_subscribe),
            ping_timeout: PING_TIMEOUT_SECONDS,
            ping_interval: PING_INTERVAL_SECONDS,
            server_info: Some(server_info()),
            fast_publish: true,
            ..JoinResponse::default()
        }
    }

    pub(super) fn departures(&self) -> impl Iterator<Item = (ParticipantId, Instant)> {
        self.participants.iter().filter_map(|(id, participant)| match participant.presence {
            Presence::Connected => None,
            Presence::Away { until } => Some((*id, until?)),
        })
    }

    fn unix_time_ms(&self, now: Instant) -> i64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        self.config.unix_time_ms.saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }
}

fn leave(reason: i32, action: i32) -> Response {
    Response::Leave(LeaveRequest { can_reconnect: false, reason, action })
}

fn server_info() -> ServerInfo {
    ServerInfo { version: LIKE_VERSION.into(), protocol: PROTOCOL, ..ServerInfo::default() }
}

/// The livekit-server that this behaves like.
const LIKE_VERSION: &str = "1.13.5";
const PROTOCOL: i32 = 17;

// Protocol §5.8.
const PING_INTERVAL_SECONDS: i32 = 5;
const PING_TIMEOUT_SECONDS: i32 = 15;

/// Protocol §7.
const MAX_IDENTITY_BYTES: usize = 256;

/// Bounds what one room holds.
const MAX_PARTICIPANTS: usize = 1024;
