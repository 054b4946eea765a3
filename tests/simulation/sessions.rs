//! Sessions that end and begin anew: connections that break, servers that send people away or start again, applications that do.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use datatracks::{
    RemoteDataTrack, SubscriptionState,
    host::{
        plain::DropMode,
        sfu::{Control, Permissions},
    },
    signal::session::{self, DataTrackInfo, DataTrackResponse, Request, SyncState},
};

use super::room::{Room, new_sfu};

impl Room {
    /// Loses the session of a participant: its signals on the way too. A full reconnect is a new session.
    pub fn drop_session(&mut self, who: usize, full: bool) {
        let mode = if full { DropMode::Full } else { DropMode::Quick };
        self.lose_session(who, full, |room| room.control(who, Control::DropSession(mode)));
    }

    /// The server sends it away to join anew: what it believes to be published is not so.
    pub fn send_away(&mut self, who: usize) {
        let info = DataTrackInfo { sid: "DTR_nonsense".into(), ..DataTrackInfo::default() };
        let belief = vec![DataTrackResponse { info: Some(info) }];
        let state = SyncState { publish_data_tracks: belief, ..SyncState::default() };
        let request = session::encode_request(Request::SyncState(state));
        self.lose_session(who, true, |room| room.send_signal(who, &request));
    }

    /// The server is gone, with all that it knew, and another one comes. Everybody joins anew, one after the other.
    pub fn restart_server(&mut self) {
        if self.chance.one_in(2) {
            self.sfu.end_all(session::disconnect_reason::SERVER_SHUTDOWN);
            self.carry_down();
        }
        self.assert_understood();
        let now = self.now();
        self.sfu = new_sfu(now, &mut self.chance);
        self.under_way.clear();
        self.wall_clock.differ_by([0, 0, 3_600_000, -3_600_000][self.chance.below(4)]);
        (self.malformed_by_strangers, self.crossed) = (0, 0);
        self.seats.clear();
        let everybody = 0..self.participants.len();
        everybody.clone().for_each(|who| self.cut(who));
        self.strangers.iter_mut().for_each(|stranger| stranger.rejoin(&mut self.sfu));
        for who in everybody {
            let outage = Duration::from_millis(self.chance.below(1_000) as u64);
            self.advance(outage);
            self.participants[who].host.connected.store(true, Relaxed);
            self.rejoin(who);
        }
    }

    /// The application starts anew under the same identity.
    pub fn restart(&mut self, who: usize) {
        let properly = self.chance.one_in(2);
        if properly {
            self.participants[who].shut_down();
        }
        let identity = self.participants[who].identity().to_owned();
        let fresh = self.new_participant(&identity);
        let gone = std::mem::replace(&mut self.participants[who], fresh);
        gone.tell_what_it_came_to();
        gone.app().forget();
        drop(gone);
        self.join(who);
    }

    /// Applications that were shut down from inside a callback start anew, too.
    pub fn restart_those_that_are_over(&mut self) {
        for who in 0..self.participants.len() {
            if self.participants[who].host.over.load(Relaxed) {
                self.participants[who].shut_down();
                self.restart(who);
            }
        }
    }

    pub fn join(&mut self, who: usize) {
        let seat = self.sfu.join(self.participants[who].identity(), Permissions::default());
        self.participants[who].needs_a_session = false;
        self.seats.retain(|_, seated| *seated != who);
        self.seats.insert(seat.unwrap(), who);
    }

    /// A full reconnect, as hosts do it: a new session, then everything is asked for again.
    pub fn rejoin(&mut self, who: usize) {
        self.join(who);
        self.run_network();
        self.participants[who].local.republish_tracks();
        self.participants[who].remote.resend_subscription_updates();
    }

    /// A quick reconnect, as hosts do it: sync state, then subscriptions. False when the SFU wants a full one.
    pub fn resume(&mut self, who: usize) -> bool {
        let Ok(seat) = self.sfu.resume(self.participants[who].identity()) else { return false };
        let known = self.participants[who].local.publish_responses_for_sync_state();
        let known = known.iter().map(|bytes| session::decode_publish_response(bytes).unwrap());
        let state = SyncState { publish_data_tracks: known.collect(), ..SyncState::default() };
        let request = session::encode_request(Request::SyncState(state));
        self.sfu.handle_signal(self.now(), seat, &request);
        self.run_network();
        if self.seat(who).is_none() {
            return false;
        }
        self.participants[who].remote.resend_subscription_updates();
        true
    }

    /// Nobody but strangers sends what the server cannot read, or what freezes real ones.
    pub fn assert_understood(&self) {
        let stats = self.sfu.stats();
        let dangerous = stats.dangerous_unsubscribes;
        assert_eq!(dangerous, self.crossed, "an unsubscribe that freezes real servers");
        let malformed = stats.malformed_signals + stats.malformed_packets;
        assert_eq!(malformed, self.malformed_by_strangers, "the SFU could not read what came");
    }

    fn lose_session(&mut self, who: usize, full: bool, lose: impl FnOnce(&mut Self)) {
        let read = self.read_by_others(who);
        self.cut(who);
        lose(self);
        self.carry_up();
        self.carry_down();
        let outage = Duration::from_millis(self.chance.below(4_000) as u64);
        self.advance(outage);
        self.participants[who].host.connected.store(true, Relaxed);
        if full || !self.resume(who) {
            self.rejoin(who);
        }
        for (reader, track) in read {
            let over = self.participants[reader].host.over.load(Relaxed);
            assert!(
                over || track.is_published(),
                "{track:?} did not wait for its publisher to return"
            );
        }
    }

    /// What is on the way from a participant is lost.
    fn cut(&self, who: usize) {
        let host = &self.participants[who].host;
        host.connected.store(false, Relaxed);
        host.signals.lock().unwrap().clear();
        host.packets.lock().unwrap().clear();
    }

    /// Tracks of a participant whose frames reach somebody, but for those that it has ended although the SFU would not have it.
    fn read_by_others(&self, who: usize) -> Vec<(usize, Arc<RemoteDataTrack>)> {
        let identity = self.participants[who].identity();
        let own = self.participants[who].local.publish_responses_for_sync_state();
        let own =
            own.iter().filter_map(|bytes| session::decode_publish_response(bytes).unwrap().info);
        let own: BTreeSet<_> = own.map(|info| info.sid).collect();
        let others = self.participants.iter().enumerate().filter(|(other, _)| *other != who);
        let tracks = others.flat_map(|(other, reader)| {
            let tracks = reader.remote.tracks_by_publisher(identity.to_owned());
            tracks.into_iter().map(move |track| (other, track))
        });
        let reaches = |track: &RemoteDataTrack| {
            track.subscription_state() == SubscriptionState::Active
                && own.contains(&track.info().sid)
        };
        tracks.filter(|(_, track)| reaches(track)).collect()
    }
}
