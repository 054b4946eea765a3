//! The simulated room: the embedded SFU, its participants, the network between them, and the clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use datatracks::{
    Environment, RemoteDataTrack, SubscriptionState,
    host::{
        plain::DropMode,
        sfu::{Config, Control, Impairment, Output, ParticipantId, Permissions, Sfu},
    },
    signal::{self, SignalIn, session},
};

use super::{
    chance::Chance,
    participant::{Encryption, Participant},
};

pub struct Room {
    pub chance: Chance,
    pub participants: Vec<Participant>,
    pub next_publication: u64,
    environment: Arc<Environment>,
    start: Instant,
    sfu: Sfu,
    seats: BTreeMap<ParticipantId, String>,
    encryption: Encryption,
    frames_of_the_gone: u64,
    audit: Vec<signal::Participant>,
    traced: bool,
}

impl Room {
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let environment = Environment::simulated(Box::new(Chance::new(chance.next())));
        let start = environment.now();
        let modes = [Encryption::Off, Encryption::KeyRing, Encryption::Provider];
        let encryption = modes[chance.below(modes.len())];
        let sfu = Sfu::new(Config::new("simulated"), start, chance.next());
        let mut room = Self {
            chance,
            participants: Vec::new(),
            next_publication: 0,
            environment,
            start,
            sfu,
            seats: BTreeMap::new(),
            encryption,
            frames_of_the_gone: 0,
            audit: Vec::new(),
            traced: std::env::var_os("DATATRACKS_TRACE").is_some(),
        };
        for number in 0..2 + room.chance.below(4) {
            let identity = format!("participant {number}");
            room.participants.push(Participant::new(&room.environment, &identity, encryption));
            room.join(number);
        }
        room.run_network();
        room
    }

    pub fn now_ms(&self) -> u64 {
        (self.environment.now() - self.start).as_millis() as u64
    }

    pub fn frames_read(&self) -> u64 {
        self.frames_of_the_gone
            + self.participants.iter().map(|participant| participant.frames_read).sum::<u64>()
    }

    /// Lets time pass in the library and at the SFU, from deadline to deadline.
    pub fn advance(&mut self, by: Duration) {
        let end = self.environment.now() + by;
        loop {
            let now = self.environment.now();
            let next = [self.environment.next_deadline(), self.sfu.poll_timeout()]
                .into_iter()
                .flatten()
                .min();
            let Some(at) = next.filter(|at| *at < end) else { break };
            self.environment
                .advance(at.saturating_duration_since(now).max(Duration::from_micros(1)));
            self.sfu.handle_timeout(self.environment.now());
            self.run_network();
        }
        self.environment.advance(end.saturating_duration_since(self.environment.now()));
        self.sfu.handle_timeout(self.environment.now());
        self.run_network();
    }

    /// Carries signals and packets until nothing is on its way.
    pub fn run_network(&mut self) {
        while self.carry_up() | self.carry_down() {}
    }

    /// Loses the session of a participant: its signals on the way too. A full reconnect is a new session.
    pub fn drop_session(&mut self, who: usize, full: bool) {
        let read = self.read_by_others(who);
        let mode = if full { DropMode::Full } else { DropMode::Quick };
        let now = self.environment.now();
        if let Some(seat) = self.seat(who) {
            self.sfu.control(now, seat, Control::DropSession(mode));
        }
        self.carry_down();
        let host = Arc::clone(&self.participants[who].host);
        host.connected.store(false, Relaxed);
        host.signals.lock().unwrap().clear();
        host.packets.lock().unwrap().clear();
        let outage = Duration::from_millis(self.chance.below(4_000) as u64);
        self.advance(outage);
        host.connected.store(true, Relaxed);
        if full || !self.resume(who) {
            self.rejoin(who);
        }
        for track in read {
            assert!(track.is_published(), "{track:?} did not wait for its publisher to return");
        }
    }

    /// Tracks of a participant whose frames reach somebody.
    fn read_by_others(&self, who: usize) -> Vec<Arc<RemoteDataTrack>> {
        let identity = &self.participants[who].identity;
        let others = self.participants.iter().filter(|other| other.identity != *identity);
        let tracks = others.flat_map(|other| other.remote.tracks_by_publisher(identity.clone()));
        tracks.filter(|track| track.subscription_state() == SubscriptionState::Active).collect()
    }

    /// The application starts anew under the same identity.
    pub fn restart(&mut self, who: usize) {
        let identity = self.participants[who].identity.clone();
        let properly = self.chance.one_in(2);
        if properly {
            self.participants[who].local.shutdown();
            self.participants[who].remote.shutdown();
        }
        let fresh = Participant::new(&self.environment, &identity, self.encryption);
        let gone = std::mem::replace(&mut self.participants[who], fresh);
        self.frames_of_the_gone += gone.frames_read;
        self.join(who);
    }

    pub fn lose_next_reply(&mut self, who: usize) {
        self.participants[who].lost_a_reply = true;
        self.control(who, Control::LoseNext);
    }

    pub fn refuse_next(&mut self, who: usize) {
        let reason = [1, 2, 3, 6, 9, 10, 11][self.chance.below(7)];
        self.control(who, Control::RefuseNext(reason));
    }

    pub fn impair(&mut self) {
        let impairment = Impairment {
            loss: [0.0, 0.0, 0.02, 0.3][self.chance.below(4)],
            duplicate: [0.0, 0.05][self.chance.below(2)],
            reorder: [0, 3, 64][self.chance.below(3)],
            delay: Duration::from_millis([0, 5, 100][self.chance.below(3)]),
            seed: self.chance.next(),
        };
        let who = self.chance.below(self.participants.len());
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

    /// Mends the network, the server and the hosts, and gives everybody the time to get over it.
    pub fn heal(&mut self) {
        for who in 0..self.participants.len() {
            self.participants[who].host.throws.store(0, Relaxed);
            self.control(who, Control::Impair(Impairment::default()));
            self.control(who, Control::Permit(Permissions::default()));
        }
        for _ in 0..HEALING_ROUNDS {
            self.participants
                .iter()
                .for_each(|participant| participant.local.handle_buffered_amount(0));
            self.advance(Duration::from_secs(1));
            self.poll_calls();
            self.participants.iter_mut().for_each(Participant::read_streams);
        }
        // A session more for each: a quick reconnect settles what revoked permissions left open. A lost snapshot of handles is
        // never sent again within a session (protocol §3.11), so who missed one joins anew.
        for who in 0..self.participants.len() {
            if self.participants[who].lost_a_reply || !self.resume(who) {
                self.rejoin(who);
            }
            self.advance(Duration::from_secs(4));
            self.poll_calls();
            self.participants.iter_mut().for_each(Participant::read_streams);
        }
        for _ in 0..HEALING_ROUNDS {
            self.advance(Duration::from_secs(1));
            self.poll_calls();
            self.participants.iter_mut().for_each(Participant::read_streams);
        }
        self.audit();
        assert_eq!(
            self.sfu.stats().dangerous_unsubscribes,
            0,
            "an unsubscribe that freezes real servers"
        );
        assert_eq!(self.sfu.stats().malformed_signals, 0);
        assert_eq!(self.sfu.stats().malformed_packets, 0);
    }

    /// Names of the tracks that the SFU lists for a participant.
    pub fn published_at_sfu(&self, identity: &str) -> Vec<String> {
        let listed = self.audit.iter().filter(|participant| participant.identity == identity);
        listed
            .flat_map(|participant| &participant.tracks)
            .map(|track| track.info.name.clone())
            .collect()
    }

    /// SIDs of what the SFU forwards to a participant.
    pub fn subscribed_at_sfu(&self, identity: &str) -> Vec<String> {
        let all = self.sfu.subscription_stats();
        all.into_iter().filter(|one| one.subscriber == identity).map(|one| one.track_sid).collect()
    }

    /// A stranger joins, is told who is there and what they publish, and leaves.
    fn audit(&mut self) {
        self.run_network();
        let stranger = self.sfu.join("auditor", Permissions::default()).unwrap();
        while let Some(output) = self.sfu.poll_output() {
            let Output::Signal { to, bytes } = output else { continue };
            let decoded = signal::decode(&bytes, |_| true).unwrap();
            match decoded.message {
                Some(SignalIn::Join { others, .. }) if to == stranger => self.audit = others,
                _ => {
                    if let Some(who) = self.who(to) {
                        self.participants[who].receive_signal(&bytes);
                    }
                }
            }
        }
        let now = self.environment.now();
        self.sfu.control(now, stranger, Control::DropSession(DropMode::Full));
        self.run_network();
    }

    fn control(&mut self, who: usize, control: Control) {
        let now = self.environment.now();
        if let Some(seat) = self.seat(who) {
            self.sfu.control(now, seat, control);
        }
    }

    fn join(&mut self, who: usize) {
        let identity = self.participants[who].identity.clone();
        let seat = self.sfu.join(&identity, Permissions::default()).unwrap();
        self.participants[who].lost_a_reply = false;
        self.seats.retain(|_, seated| *seated != identity);
        self.seats.insert(seat, identity);
    }

    /// A full reconnect, as hosts do it: a new session, then everything is asked for again.
    fn rejoin(&mut self, who: usize) {
        self.join(who);
        self.run_network();
        self.participants[who].local.republish_tracks();
        self.participants[who].remote.resend_subscription_updates();
    }

    /// A quick reconnect, as hosts do it: sync state, then subscriptions. False when the SFU wants a full one.
    fn resume(&mut self, who: usize) -> bool {
        let identity = self.participants[who].identity.clone();
        let Ok(seat) = self.sfu.resume(&identity) else { return false };
        let known = self.participants[who].local.publish_responses_for_sync_state();
        let state = session::SyncState {
            publish_data_tracks: known
                .iter()
                .map(|bytes| session::decode_publish_response(bytes).unwrap())
                .collect(),
            ..Default::default()
        };
        let request = session::encode_request(session::Request::SyncState(state));
        self.sfu.handle_signal(self.environment.now(), seat, &request);
        self.run_network();
        if self.seat(who).is_none() {
            return false;
        }
        self.participants[who].remote.resend_subscription_updates();
        true
    }

    fn carry_up(&mut self) -> bool {
        let now = self.environment.now();
        let mut moved = false;
        for who in 0..self.participants.len() {
            let Some(seat) = self.seat(who) else { continue };
            let host = Arc::clone(&self.participants[who].host);
            let signals = std::mem::take(&mut *host.signals.lock().unwrap());
            let packets = std::mem::take(&mut *host.packets.lock().unwrap());
            moved |= !signals.is_empty() || !packets.is_empty();
            for bytes in &signals {
                self.tell(|| format!("{who} → {:?}", session::decode_request(bytes)));
                self.sfu.handle_signal(now, seat, bytes);
            }
            packets.iter().for_each(|bytes| self.sfu.handle_packet(now, seat, bytes));
        }
        moved
    }

    fn carry_down(&mut self) -> bool {
        let mut moved = false;
        while let Some(output) = self.sfu.poll_output() {
            moved = true;
            match output {
                Output::Signal { to, bytes } => {
                    if let Some(who) = self.who(to) {
                        self.tell(|| format!("{who} ← {:?}", session::decode_response(&bytes)));
                        self.participants[who].receive_signal(&bytes);
                    }
                }
                Output::Packet { to, bytes } => {
                    if let Some(who) = self.who(to) {
                        self.participants[who].remote.handle_packet_received(&bytes);
                    }
                }
                Output::Close { to } => drop(self.seats.remove(&to)),
            }
        }
        moved
    }

    /// With `DATATRACKS_TRACE=1` a replayed seed tells what happens.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.traced {
            eprintln!("{:>8} ms  {}", self.now_ms(), what());
        }
    }

    fn seat(&self, who: usize) -> Option<ParticipantId> {
        let identity = &self.participants[who].identity;
        self.seats.iter().find(|(_, seated)| *seated == identity).map(|(seat, _)| *seat)
    }

    /// Who sits there, while connected.
    fn who(&self, seat: ParticipantId) -> Option<usize> {
        let identity = self.seats.get(&seat)?;
        let who =
            self.participants.iter().position(|participant| participant.identity == *identity)?;
        self.participants[who].host.connected.load(Relaxed).then_some(who)
    }
}

/// Longer than any time-out of the library, in seconds.
const HEALING_ROUNDS: u32 = 40;
