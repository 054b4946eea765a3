//! What networks, servers and hosts do wrong.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use datatracks::{
    DataTrackOptions,
    host::sfu::{Control, Impairment, Permissions},
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
    pub fn lose_next_reply(&mut self, who: usize) {
        self.participants[who].needs_a_session = true;
        self.control(who, Control::LoseNext);
    }

    /// Nobody waits for a publish whose answer gets lost; then the same name is wanted again.
    pub fn publish_twice(&mut self, who: usize) {
        self.lose_next_reply(who);
        let host = Arc::clone(&self.participants[who].host);
        let options = DataTrackOptions::new(format!("track {}", self.chance.below(NAMES)));
        host.app.publish_with(options.clone());
        self.run_network();
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

    /// What is on its way arrives first: an unsubscribe that crosses a revocation cannot be told from a dangerous one.
    pub fn revoke_or_grant(&mut self, who: usize) {
        self.advance(Duration::from_micros(1));
        let permissions = Permissions {
            can_publish_data: !self.chance.one_in(5),
            can_subscribe: !self.chance.one_in(5),
            hidden: false,
        };
        self.control(who, Control::Permit(permissions));
    }

    /// A publisher says who may read: everybody, or but one.
    pub fn permit_readers(&mut self, who: usize, everybody: bool) {
        self.advance(Duration::from_micros(1));
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
        self.send_signal(who, &request);
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
        let participant = &self.participants[who];
        // Random bytes must neither be taken for a handles message nor do harm: a typed error, or ignored.
        let _ = participant.local.handle_sfu_publish_response(bytes.clone());
        participant.remote.handle_packet_received(&bytes);
    }
}
