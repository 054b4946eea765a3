//! The simulated room: the embedded SFU, its participants, and the clock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use datatracks::{
    DataTrackOptions, Environment,
    host::sfu::{Config, Control, Output, ParticipantId, Sfu},
    signal,
};

use super::{
    chance::Chance, coverage::Coverage, hostile::Stranger, ledger::Ledger,
    participant::Participant, providers::Encryption, wall_clock::WallClock,
};

pub struct Room {
    /// Of the current step.
    pub chance: Chance,
    pub participants: Vec<Participant>,
    pub strangers: Vec<Stranger>,
    pub ledger: Arc<Ledger>,
    pub sfu: Sfu,
    /// Who sits where: a number among the participants.
    pub seats: BTreeMap<ParticipantId, usize>,
    pub encryption: Encryption,
    pub wall_clock: WallClock,
    /// What the SFU's last guest was told.
    pub audit: Vec<signal::Participant>,
    /// What the SFU could not read, and nobody else has sent.
    pub malformed_by_strangers: u64,
    /// What the SFU has sent and nobody has got.
    pub under_way: VecDeque<Output>,
    /// Unsubscribes that crossed what the SFU did to their tracks.
    pub crossed: u64,
    traced: bool,
}

impl Room {
    pub fn new(seed: u64, size: usize) -> Self {
        let mut chance = Chance::new(seed);
        let environment = Environment::simulated(Box::new(Chance::new(chance.next())));
        let modes = [Encryption::Off, Encryption::KeyRing, Encryption::Provider];
        let encryption = modes[chance.below(modes.len())];
        let sfu = new_sfu(environment.now(), &mut chance);
        let mut room = Self {
            chance,
            participants: Vec::new(),
            strangers: Vec::new(),
            ledger: Arc::new(Ledger::new(environment)),
            sfu,
            seats: BTreeMap::new(),
            encryption,
            wall_clock: WallClock::default(),
            audit: Vec::new(),
            malformed_by_strangers: 0,
            under_way: VecDeque::new(),
            crossed: 0,
            traced: std::env::var_os("DATATRACKS_TRACE").is_some(),
        };
        for number in 0..size {
            let participant = room.new_participant(&format!("participant {number}"));
            room.participants.push(participant);
            room.join(number);
        }
        for number in 0..[0, 1, 2][room.chance.below(3)] {
            room.strangers.push(Stranger::join(&mut room.sfu, number));
        }
        room.run_network();
        room
    }

    /// The first one's next handles will be those that it had long ago.
    pub fn use_up_handles(&mut self) {
        let app = self.participants[0].app();
        self.participants[0].host.connected.store(false, Relaxed);
        for _ in 0..u16::MAX - 8 {
            app.publish_with(DataTrackOptions::new("never"));
        }
        self.participants[0].host.connected.store(true, Relaxed);
        self.advance(Duration::from_mins(1));
    }

    /// One in a while has no provider, and can read no encrypted track.
    pub fn new_participant(&mut self, identity: &str) -> Participant {
        let encryption = if self.chance.one_in(8) { Encryption::Off } else { self.encryption };
        Participant::new(&self.ledger, identity, encryption, self.chance.next())
    }

    pub fn now(&self) -> Instant {
        self.ledger.environment.now()
    }

    /// Lets time pass in the library and at the SFU, from deadline to deadline.
    pub fn advance(&mut self, by: Duration) {
        let environment = Arc::clone(&self.ledger.environment);
        let end = self.now() + by;
        loop {
            let now = self.now();
            let next = [environment.next_deadline(), self.sfu.poll_timeout()];
            let next = next.into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at < end) else { break };
            environment.advance(at.saturating_duration_since(now).max(Duration::from_micros(1)));
            self.sfu.handle_timeout(self.now());
            self.run_network();
        }
        environment.advance(end.saturating_duration_since(self.now()));
        self.sfu.handle_timeout(self.now());
        self.run_network();
    }

    pub fn control(&mut self, who: usize, control: Control) {
        let now = self.now();
        if let Some(seat) = self.seat(who) {
            self.sfu.control(now, seat, control);
        }
    }

    /// Sends what the library does not: a host's own requests.
    pub fn send_signal(&mut self, who: usize, request: &[u8]) {
        let now = self.now();
        if let Some(seat) = self.seat(who) {
            self.sfu.handle_signal(now, seat, request);
        }
    }

    pub fn seat(&self, who: usize) -> Option<ParticipantId> {
        self.seats.iter().find(|(_, seated)| **seated == who).map(|(seat, _)| *seat)
    }

    /// Who sits there, while connected.
    pub fn who(&self, seat: ParticipantId) -> Option<usize> {
        let who = *self.seats.get(&seat)?;
        self.participants[who].host.connected.load(Relaxed).then_some(who)
    }

    /// With `DATATRACKS_TRACE=1` a replayed run tells what happens.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.traced {
            eprintln!("{:>8} ms  {}", self.ledger.now_ms(), what());
        }
    }

    pub fn poll_calls(&self) {
        self.participants.iter().for_each(|participant| participant.app().poll_calls());
    }

    pub fn read_streams(&self) {
        self.participants.iter().for_each(|participant| participant.app().read_streams());
    }

    /// What the run has come to.
    pub fn close(self) -> Coverage {
        self.ledger.take_coverage()
    }
}

/// A server as it starts. Some give handles again as soon as they are free.
pub fn new_sfu(now: Instant, chance: &mut Chance) -> Sfu {
    let subscriber_handles = [u16::MAX, u16::MAX, 24][chance.below(3)];
    Sfu::new(Config { subscriber_handles, ..Config::new("simulated") }, now, chance.next())
}
