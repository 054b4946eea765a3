//! The rooms of a server: each a state machine behind a lock, and the way to each of its participants.
//!
//! ```text
//!  connections ── join, resume, signal, packet ──► lock ─ Sfu decides ─ outputs to the sinks ─► unlock
//!  one task a room ── what is due ───────────────►
//! ```
//! Under the lock nothing waits: sinks only queue, so outputs reach a participant in the order of the decisions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::{select, sync::Notify, time::sleep_until};

use super::{Config, Control, Loss, Output, ParticipantId, Permissions, Sfu, SubscriptionStats};
use crate::host::plain::DropMode;

/// Where a participant's outputs go. Called with the room locked.
pub(super) trait Sink: Send + 'static {
    /// Queues a SignalResponse.
    fn signal(&mut self, bytes: Bytes);
    /// Queues a packet; false when there is no room for it.
    fn packet(&mut self, bytes: Bytes) -> bool;
    /// The participant's connection ends after what was queued before.
    fn close(&mut self);
}

/// All rooms. A room is there while somebody is in it.
pub(super) struct Hub<S> {
    /// Settings of every room, its name aside.
    settings: Config,
    seed: Option<u64>,
    rooms: Mutex<BTreeMap<String, Arc<Room<S>>>>,
}

struct Room<S> {
    state: Mutex<State<S>>,
    /// Something is due earlier than before, or nobody is left.
    changed: Notify,
}

struct State<S> {
    sfu: Sfu,
    seats: BTreeMap<ParticipantId, Seat<S>>,
    /// When the room's task wakes.
    armed: Option<Instant>,
}

struct Seat<S> {
    sink: S,
    /// How often the participant came back.
    turn: u64,
}

/// A participant's way into its room, from its joining or coming back on.
pub(super) struct Member<S> {
    room: Arc<Room<S>>,
    id: ParticipantId,
    turn: u64,
}

impl<S: Sink> Hub<S> {
    /// No rooms yet. Each will have these settings under a name and a time of its own; without a seed, chance decides.
    pub(super) fn new(settings: Config, seed: Option<u64>) -> Arc<Self> {
        Arc::new(Self { settings, seed, rooms: Mutex::default() })
    }

    /// A participant joins.
    ///
    /// # Errors
    /// The reason, when the room refuses.
    pub(super) fn join(
        self: &Arc<Self>,
        name: &str,
        identity: &str,
        permissions: Permissions,
        sink: S,
    ) -> Result<Member<S>, String> {
        // Held until the participant is in, so that the room does not end in between.
        let mut rooms = lock(&self.rooms);
        let room = rooms.entry(name.to_owned()).or_insert_with(|| self.open(name));
        let mut state = lock(&room.state);
        let joined = state.sfu.join(identity, permissions);
        if let Ok(id) = joined {
            state.seats.insert(id, Seat { sink, turn: 0 });
        }
        room.settle(state);
        let member = joined.map(|id| Member { room: Arc::clone(room), id, turn: 0 });
        member.map_err(|refused| refused.to_string())
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
        take_over: impl FnOnce(&mut S, Member<S>) -> bool,
    ) -> Result<(), Bytes> {
        let room = lock(&self.rooms).get(name).cloned().ok_or_else(Sfu::not_resumable)?;
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
        for room in lock(&self.rooms).values() {
            room.update(|sfu, _| sfu.shut_down());
        }
    }

    /// Packets that were not delivered since this was last asked, in all rooms.
    pub(super) fn take_losses(&self) -> Vec<Loss> {
        let rooms: Vec<_> = lock(&self.rooms).values().cloned().collect();
        rooms.iter().flat_map(|room| lock(&room.state).sfu.take_losses()).collect()
    }

    /// One entry an active subscription, in all rooms.
    pub(super) fn subscription_stats(&self) -> Vec<SubscriptionStats> {
        let rooms: Vec<_> = lock(&self.rooms).values().cloned().collect();
        rooms.iter().flat_map(|room| lock(&room.state).sfu.subscription_stats()).collect()
    }

    fn open(self: &Arc<Self>, name: &str) -> Arc<Room<S>> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let config = Config {
            room: name.to_owned(),
            unix_time_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
            ..self.settings.clone()
        };
        let seed = self.seed.or_else(|| getrandom::u64().ok()).unwrap_or_default();
        let state = State {
            sfu: Sfu::new(config, Instant::now(), seed),
            seats: BTreeMap::new(),
            armed: None,
        };
        let room = Arc::new(Room { state: Mutex::new(state), changed: Notify::new() });
        tokio::spawn(Arc::clone(self).keep(name.to_owned(), Arc::clone(&room)));
        room
    }

    /// Does what is due in a room until nobody is left.
    async fn keep(self: Arc<Self>, name: String, room: Arc<Room<S>>) {
        loop {
            let due = lock(&room.state).armed;
            select! {
                () = room.changed.notified() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                    room.update(|sfu, now| sfu.handle_timeout(now));
                }
            }
            let mut rooms = lock(&self.rooms);
            if lock(&room.state).sfu.is_empty() {
                rooms.remove(&name);
                return;
            }
        }
    }
}

impl<S: Sink> Room<S> {
    fn update(&self, change: impl FnOnce(&mut Sfu, Instant)) {
        let mut state = lock(&self.state);
        change(&mut state.sfu, Instant::now());
        self.settle(state);
    }

    /// Hands the outputs over and sees to it that the room's task wakes in time.
    fn settle(&self, mut state: MutexGuard<'_, State<S>>) {
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

impl<S: Sink> State<S> {
    fn hand_over(&mut self, output: Output) {
        match output {
            Output::Signal { to, bytes } => {
                if let Some(seat) = self.seats.get_mut(&to) {
                    seat.sink.signal(bytes);
                }
            }
            Output::Packet { to, bytes } => {
                let seat = self.seats.get_mut(&to);
                if !seat.is_some_and(|seat| seat.sink.packet(bytes.clone())) {
                    self.sfu.handle_undelivered(to, &bytes);
                }
            }
            // One that only lost its connection can come back: its seat stays.
            Output::Close { to } => {
                if let Some(seat) = self.seats.get_mut(&to) {
                    seat.sink.close();
                }
                if self.sfu.permissions(to).is_none() {
                    self.seats.remove(&to);
                }
            }
        }
    }
}

impl<S: Sink> Member<S> {
    /// Takes a SignalRequest of the participant.
    pub(super) fn handle_signal(&self, bytes: &[u8]) {
        self.room.update(|sfu, now| sfu.handle_signal(now, self.id, bytes));
    }

    /// Takes a packet of the participant.
    pub(super) fn handle_packet(&self, bytes: &[u8]) {
        self.room.update(|sfu, now| sfu.handle_packet(now, self.id, bytes));
    }

    /// The participant's signalling connection broke. Unless it has another one by now, it is away.
    pub(super) fn handle_disconnect(&self) {
        let mut state = lock(&self.room.state);
        if state.seats.get(&self.id).is_some_and(|seat| seat.turn == self.turn) {
            state.sfu.handle_disconnect(Instant::now(), self.id);
            self.room.settle(state);
        }
    }

    /// The participant is gone for good.
    pub(super) fn remove(&self) {
        self.control(Control::DropSession(DropMode::Full));
    }

    /// Does what a test asks for.
    pub(super) fn control(&self, control: Control) {
        self.room.update(|sfu, now| sfu.control(now, self.id, control));
    }

    /// What the participant may do now.
    pub(super) fn permissions(&self) -> Permissions {
        lock(&self.room.state).sfu.permissions(self.id).unwrap_or_default()
    }
}

impl<S> Clone for Member<S> {
    fn clone(&self) -> Self {
        Self { room: Arc::clone(&self.room), id: self.id, turn: self.turn }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
