//! What networks, servers and hosts do wrong.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use datatracks::{
    DataTrackOptions,
    host::sfu::{Control, Impairment, Permissions},
    packet,
    random::Random,
    signal::session::{
        DataSubscription, Request, SubscriptionPermission, TrackPermission, UpdateDataSubscription,
        encode_request,
    },
};

use super::{
    super::{reentry::Reentry, room::Room},
    publishing::NAMES,
};

impl Room {
    /// What has come comes again, in any order: sealed packets whenever it pleases somebody, plain ones as a network does it. (A plain
    /// track goes on from lower numbers after a silence: its publisher may have begun anew. A sealed one does so with frames that
    /// never opened.)
    pub fn replay(&mut self, who: usize) {
        let now = self.ledger.now_ms();
        let may_come = |(packet, at): &&(Bytes, u64)| {
            let sealed =
                packet::decode(packet).is_ok_and(|one| one.header.extensions.encryption.is_some());
            sealed || now - at < A_SILENCE_MS
        };
        let received = self.participants[who].received.iter();
        let packets: Vec<_> = received.filter(may_come).cloned().collect();
        if packets.iter().any(|(_, at)| now - at >= A_SILENCE_MS) {
            self.participants[who].app().expect_replays();
        }
        for _ in 0..packets.len() {
            let (packet, _) = &packets[self.chance.below(packets.len())];
            self.participants[who].remote.handle_packet_received(packet);
        }
    }

    pub fn lose_next_reply(&mut self, who: usize) {
        self.participants[who].needs_a_session = true;
        self.control(who, Control::LoseNext);
    }

    /// Nobody waits for a publish whose answer gets lost; then the same name is wanted again: before or after others hear of it.
    pub fn publish_twice(&mut self, who: usize) {
        self.lose_next_reply(who);
        let host = Arc::clone(&self.participants[who].host);
        let options = DataTrackOptions::new(format!("track {}", self.chance.below(NAMES)));
        host.app.publish_with(options.clone());
        if self.chance.one_in(2) {
            self.run_network();
        }
        host.app.cancel(&mut self.chance, "publish");
        host.app.publish_with(options);
    }

    pub fn refuse_next(&mut self, who: usize) {
        let reason = [1, 2, 3, 4, 6, 9, 10, 11][self.chance.below(8)];
        self.control(who, Control::RefuseNext(reason));
    }

    pub fn impair(&mut self, who: usize) {
        let impairment = Impairment {
            loss: [0.0, 0.0, 0.02, 0.3][self.chance.below(4)],
            duplicate: [0.0, 0.05][self.chance.below(2)],
            reorder: [0, 3, 64][self.chance.below(3)],
            delay: Duration::from_millis([0, 5, 100][self.chance.below(3)]),
            seed: self.chance.next(),
        };
        self.control(who, Control::Impair(impairment));
    }

    pub fn revoke_or_grant(&mut self, who: usize) {
        let permissions = Permissions {
            can_publish_data: !self.chance.one_in(5),
            can_subscribe: !self.chance.one_in(5),
            hidden: false,
        };
        self.revoke(|room| room.control(who, Control::Permit(permissions)));
    }

    /// Streams that were dropped have been given back by then: what crosses is on its way.
    fn revoke(&mut self, revoke: impl FnOnce(&mut Self)) {
        self.advance(Duration::from_micros(1));
        revoke(self);
        self.run_network();
    }

    /// A publisher says who may read: everybody, or but one.
    pub fn permit_readers(&mut self, who: usize, everybody: bool) {
        let others = (0..self.participants.len()).filter(|other| *other != who);
        let others: Vec<_> = others.skip(usize::from(!everybody)).collect();
        let permit = |other: usize| TrackPermission {
            participant_identity: self.participants[other].identity().to_owned(),
            all_tracks: true,
            ..TrackPermission::default()
        };
        let permission = SubscriptionPermission {
            all_participants: everybody,
            track_permissions: others.into_iter().map(permit).collect(),
        };
        let request = encode_request(Request::SubscriptionPermission(permission));
        self.revoke(|room| room.send_signal(who, &request));
    }

    /// The server sends what was not asked for, as one with `auto_subscribe_data_track` does. It goes on until the session ends.
    pub fn offer(&mut self, who: usize) {
        let tracks = self.participants[who].remote.tracks();
        let Some(track) = tracks.get(self.chance.below(tracks.len())) else { return };
        let wish = DataSubscription { track_sid: track.info().sid, subscribe: true };
        let request = UpdateDataSubscription { updates: vec![wish] };
        self.participants[who].needs_a_session = true;
        self.send_signal(who, &encode_request(Request::UpdateDataSubscription(request)));
    }

    pub fn host_throws(&mut self, who: usize) {
        let host = &self.participants[who].host;
        host.throws.store([0, 0, 30, 300][self.chance.below(4)], Relaxed);
        host.provider_throws.store([0, 20, 20, 300][self.chance.below(4)], Relaxed);
    }

    pub fn arm(&mut self, who: usize) {
        let reentry = Reentry::ALL[self.chance.below(Reentry::ALL.len())];
        let luck = self.chance.next() as u32;
        *self.participants[who].host.armed.lock().unwrap() = Some((reentry, luck));
    }

    pub fn garbage(&mut self, who: usize) {
        let mut bytes = vec![0; self.chance.below(200)];
        self.chance.fill(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first &= 0x1f;
        }
        // Under no handle that is given: by chance it may be a whole packet.
        if let Some(handle) = bytes.get_mut(2) {
            *handle = u8::MAX;
        }
        let participant = &self.participants[who];
        // Random bytes must neither be taken for a handles message nor do harm: a typed error, or ignored.
        let _ = participant.local.handle_sfu_publish_response(bytes.clone());
        participant.remote.handle_packet_received(&bytes);
    }
}

/// Below what a reader takes for a silence, after which numbers may begin anew (2 s).
const A_SILENCE_MS: u64 = 1_000;
