//! The rooms of a server: each a state machine behind a lock, and the way to each of its participants. All shells share them, so
//! that whoever joins meets everybody else.
//!
//! ```text
//!  connections ── join, resume, signal, packet ──► lock ─ Sfu decides ─ outputs to the sinks ─► unlock
//!  one task a room ── what is due ───────────────►
//! ```
//! Under the lock nothing waits: sinks only queue, so outputs reach a participant in the order of the decisions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::{select, sync::Notify, time::sleep_until};

use super::{
    Config, Control, Impairment, Loss, Output, ParticipantId, Permissions, Sfu, SubscriptionStats,
    sink::Sink,
};
use crate::{
    host::plain::DropMode,
    signal::session::{ParticipantInfo, disconnect_reason},
};

/// Settings of all rooms of a server.
#[derive(Clone, Debug)]
pub struct RoomOptions {
    /// Faults of every downlink, until a control sets others.
    pub impairment: Impairment,
    /// False refuses schemas, as livekit-server does by default.
    pub data_blobs: bool,
    /// How long a participant whose plain connection broke is kept.
    pub departure_timeout: Duration,
    /// Makes SIDs and faults the same again; `None`: chance.
    pub seed: Option<u64>,
}

impl Default for RoomOptions {
    fn default() -> Self {
        let Config { impairment, data_blobs, departure_timeout, .. } = Config::new("");
        Self { impairment, data_blobs, departure_timeout, seed: None }
    }
}

/// All rooms of a server. Clones share them; a room is there while somebody is in it.
#[derive(Clone)]
pub struct Rooms(Arc<Shared>);

struct Shared {
    options: RoomOptions,
    by_name: Mutex<BTreeMap<String, Arc<Room>>>,
}

struct Room {
    state: Mutex<State>,
    /// Something is due earlier than before, or nobody is left.
    changed: Notify,
}

struct State {
    sfu: Sfu,
    seats: BTreeMap<ParticipantId, Seat>,
    /// When the room's task wakes.
    armed: Option<Instant>,
}

struct Seat {
    sink: Sink,
    /// How often the participant came back.
    turn: u64,
}

/// A participant's way into its room, from its joining or coming back on.
#[derive(Clone)]
pub(super) struct Member {
    room: Arc<Room>,
    id: ParticipantId,
    turn: u64,
}

impl Rooms {
    /// No rooms yet.
    pub fn new(options: RoomOptions) -> Self {
        Self(Arc::new(Shared { options, by_name: Mutex::default() }))
    }

    /// Packets of active subscriptions that were not delivered since this was last asked.
    pub fn take_losses(&self) -> Vec<Loss> {
        self.all().iter().flat_map(|room| lock(&room.state).sfu.take_losses()).collect()
    }

    /// One entry an active subscription.
    pub fn subscription_stats(&self) -> Vec<SubscriptionStats> {
        self.all().iter().flat_map(|room| lock(&room.state).sfu.subscription_stats()).collect()
    }

    /// A participant joins.
    ///
    /// # Errors
    /// The reason, for people, when it may not.
    pub(super) fn join(
        &self,
        name: &str,
        identity: &str,
        permissions: Permissions,
        sink: Sink,
    ) -> Result<Member, String> {
        if !(1..=MAX_ROOM_NAME_BYTES).contains(&name.len()) {
            return Err("the room's name is empty or longer than 256 bytes".to_owned());
        }
        // Held until the participant is in, so that the room does not end in between.
        let mut by_name = lock(&self.0.by_name);
        let room = by_name.entry(name.to_owned()).or_insert_with(|| self.open(name));
        let mut state = lock(&room.state);
        let joined = state.sfu.join(identity, permissions).map_err(|refused| refused.to_string());
        if let Ok(id) = &joined {
            state.seats.insert(*id, Seat { sink, turn: 0 });
        }
        room.settle(state);
        Ok(Member { room: Arc::clone(room), id: joined?, turn: 0 })
    }

    /// A participant comes back: `take_over` puts the new connection into its sink, before anything is said to it. What the
    /// earlier one does from now on does not end the session.
    ///
    /// # Errors
    /// What to answer when it is not known any more, or cannot be taken over.
    pub(super) fn resume(
        &self,
        name: &str,
        identity: &str,
        take_over: impl FnOnce(&mut Sink, Member) -> bool,
    ) -> Result<(), Bytes> {
        let room = self.find(name).ok_or_else(Sfu::not_resumable)?;
        let mut state = lock(&room.state);
        let id = state.sfu.find(identity).ok_or_else(Sfu::not_resumable)?;
        let seat = state.seats.get_mut(&id).ok_or_else(Sfu::not_resumable)?;
        let member = Member { room: Arc::clone(&room), id, turn: seat.turn + 1 };
        if !take_over(&mut seat.sink, member) {
            return Err(Sfu::not_resumable());
        }
        seat.turn += 1;
        let resumed = state.sfu.resume(identity);
        room.settle(state);
        resumed.map(drop)
    }

    /// Says goodbye to everybody: the server shuts down.
    pub(super) fn shut_down(&self) {
        for room in self.all() {
            room.update(|sfu, _| sfu.end_all(disconnect_reason::SERVER_SHUTDOWN));
        }
    }

    /// Says goodbye to everybody in a room; false when there is no such room.
    pub(super) fn delete(&self, name: &str) -> bool {
        let room = self.find(name);
        room.inspect(|room| room.update(|sfu, _| sfu.end_all(disconnect_reason::ROOM_DELETED)))
            .is_some()
    }

    /// A participant that is there, as of now.
    pub(super) fn member(&self, name: &str, identity: &str) -> Option<Member> {
        let room = self.find(name)?;
        let state = lock(&room.state);
        let id = state.sfu.find(identity)?;
        let turn = state.seats.get(&id)?.turn;
        drop(state);
        Some(Member { room, id, turn })
    }

    fn find(&self, name: &str) -> Option<Arc<Room>> {
        lock(&self.0.by_name).get(name).cloned()
    }

    fn all(&self) -> Vec<Arc<Room>> {
        lock(&self.0.by_name).values().cloned().collect()
    }

    fn open(&self, name: &str) -> Arc<Room> {
        let options = &self.0.options;
        let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let config = Config {
            data_blobs: options.data_blobs,
            impairment: options.impairment,
            departure_timeout: options.departure_timeout,
            unix_time_ms: i64::try_from(unix_time.as_millis()).unwrap_or(i64::MAX),
            ..Config::new(name)
        };
        let seed = options.seed.unwrap_or_else(|| getrandom::u64().unwrap_or_default());
        let sfu = Sfu::new(config, Instant::now(), seed);
        let state = Mutex::new(State { sfu, seats: BTreeMap::new(), armed: None });
        let room = Arc::new(Room { state, changed: Notify::new() });
        tokio::spawn(self.clone().keep(name.to_owned(), Arc::clone(&room)));
        room
    }

    /// Does what is due in a room until nobody is left.
    async fn keep(self, name: String, room: Arc<Room>) {
        loop {
            let due = lock(&room.state).armed;
            select! {
                () = room.changed.notified() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                    room.update(|sfu, now| sfu.handle_timeout(now));
                }
            }
            let mut by_name = lock(&self.0.by_name);
            if lock(&room.state).sfu.is_empty() {
                by_name.remove(&name);
                return;
            }
        }
    }
}

impl Room {
    fn update(&self, change: impl FnOnce(&mut Sfu, Instant)) {
        let mut state = lock(&self.state);
        change(&mut state.sfu, Instant::now());
        self.settle(state);
    }

    /// Hands the outputs over and sees to it that the room's task wakes in time.
    fn settle(&self, mut state: MutexGuard<'_, State>) {
        while let Some(output) = state.sfu.poll_output() {
            state.hand_over(output);
        }
        let due = state.sfu.poll_timeout();
        let earlier = due.is_some_and(|due| state.armed.is_none_or(|armed| due < armed));
        state.armed = due;
        if earlier || state.sfu.is_empty() {
            self.changed.notify_one();
        }
    }
}

impl State {
    fn hand_over(&mut self, output: Output) {
        match output {
            Output::Signal { to, bytes } => {
                if let Some(seat) = self.seats.get(&to) {
                    seat.sink.signal(bytes);
                }
            }
            Output::Packet { to, bytes } => {
                let seat = self.seats.get(&to);
                if !seat.is_some_and(|seat| seat.sink.packet(bytes.clone())) {
                    self.sfu.handle_undelivered(to, &bytes);
                }
            }
            // One that only lost its connection can come back: its seat stays.
            Output::Close { to } => {
                if let Some(seat) = self.seats.get(&to) {
                    seat.sink.close();
                }
                if self.sfu.permissions(to).is_none() {
                    self.seats.remove(&to);
                }
            }
        }
    }
}

impl Member {
    /// Takes a SignalRequest of the participant.
    pub(super) fn handle_signal(&self, bytes: &[u8]) {
        self.room.update(|sfu, now| sfu.handle_signal(now, self.id, bytes));
    }

    /// Takes a packet of the participant.
    pub(super) fn handle_packet(&self, bytes: &[u8]) {
        self.room.update(|sfu, now| sfu.handle_packet(now, self.id, bytes));
    }

    /// Does what a test asks for.
    pub(super) fn control(&self, control: Control) {
        self.room.update(|sfu, now| sfu.control(now, self.id, control));
    }

    /// The peer connections are gone, and with them the participant, unless it goes on over the plain protocol.
    pub(super) fn handle_peers_lost(&self) {
        let mut state = lock(&self.room.state);
        if state.seats.get(&self.id).is_some_and(|seat| matches!(seat.sink, Sink::WebRtc(_))) {
            let gone = Control::DropSession(DropMode::Full);
            state.sfu.control(Instant::now(), self.id, gone);
            self.room.settle(state);
        }
    }

    /// What the participant may do now.
    pub(super) fn permissions(&self) -> Permissions {
        lock(&self.room.state).sfu.permissions(self.id).unwrap_or_default()
    }

    /// As others see it.
    pub(super) fn info(&self) -> Option<ParticipantInfo> {
        lock(&self.room.state).sfu.info(self.id)
    }

    /// The participant's signalling connection broke. Unless it has another one by now, it is away.
    pub(super) fn handle_disconnect(&self) {
        let mut state = lock(&self.room.state);
        let Some(seat) = state.seats.get(&self.id).filter(|seat| seat.turn == self.turn) else {
            return;
        };
        match seat.sink {
            Sink::Plain(_) => state.sfu.handle_disconnect(Instant::now(), self.id),
            Sink::WebRtc(_) => state.sfu.handle_signal_lost(self.id),
        }
        self.room.settle(state);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Protocol §7.
const MAX_ROOM_NAME_BYTES: usize = 256;
