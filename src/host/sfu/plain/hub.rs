//! Rooms by name, connections by number, and which connection speaks for which participant.
//!
//! ```text
//!  connection ──► Stranger ──hello──► Seated ──► gone: closed by either side, replaced, or stuck
//!                    └──refused──► gone
//! ```

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use tokio::task::AbortHandle;

use super::{
    Options,
    connection::{ConnectionId, Event, Outlet, Stuck},
    control, room_config,
};
use crate::host::{
    plain::{Hello, Kind, Message},
    sfu::{Output, ParticipantId, Sfu},
};

pub(super) struct Hub {
    options: Options,
    rooms: BTreeMap<Arc<str>, Room>,
    connections: BTreeMap<ConnectionId, Connection>,
}

struct Room {
    sfu: Sfu,
    seats: BTreeMap<ParticipantId, ConnectionId>,
}

/// When it is dropped, the connection ends once its signals have been written.
struct Connection {
    outlet: Outlet,
    task: AbortHandle,
    state: State,
}

#[derive(Clone)]
enum State {
    Stranger,
    Seated { room: Arc<str>, who: ParticipantId },
}

impl Hub {
    pub(super) fn new(options: Options) -> Self {
        Self { options, rooms: BTreeMap::new(), connections: BTreeMap::new() }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.rooms.values().filter_map(|room| room.sfu.poll_timeout()).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let names: Vec<_> = self.rooms.keys().cloned().collect();
        for name in names {
            if let Some(room) = self.rooms.get_mut(&name) {
                room.sfu.handle_timeout(now);
            }
            self.carry_out(now, &name);
        }
    }

    pub(super) fn handle_connection(
        &mut self,
        id: ConnectionId,
        outlet: Outlet,
        task: AbortHandle,
    ) {
        self.connections.insert(id, Connection { outlet, task, state: State::Stranger });
    }

    /// A connection that was let go may have said more before it noticed: nobody knows it any more.
    pub(super) fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Gone(id) => self.forget(now, id),
            Event::Message(id, message) => {
                match self.connections.get(&id).map(|connection| connection.state.clone()) {
                    None => {}
                    Some(State::Stranger) => self.handle_hello(now, id, &message),
                    Some(State::Seated { room, who }) => {
                        self.handle_message(now, id, &room, who, &message);
                        self.carry_out(now, &room);
                    }
                }
            }
        }
    }

    fn handle_hello(&mut self, now: Instant, id: ConnectionId, message: &Message) {
        let hello = match message.kind {
            Kind::Hello => serde_json::from_slice(&message.bytes).map_err(|e| e.to_string()),
            Kind::Signal | Kind::Packet | Kind::Control => Err("say hello first".to_owned()),
        };
        if let Err(error) = hello.and_then(|hello: Hello| self.admit(now, id, &hello)) {
            self.answer(id, Err(&error));
            self.connections.remove(&id);
        }
    }

    fn admit(&mut self, now: Instant, id: ConnectionId, hello: &Hello) -> Result<(), String> {
        if !(1..=MAX_ROOM_NAME_BYTES).contains(&hello.room.len()) {
            return Err("the room's name is empty or longer than 256 bytes".to_owned());
        }
        let name: Arc<str> = hello.room.as_str().into();
        let options = &self.options;
        let room = self.rooms.entry(name.clone()).or_insert_with(|| {
            let (config, seed) = room_config(options, &name);
            Room { sfu: Sfu::new(config, now, seed), seats: BTreeMap::new() }
        });
        let admitted = if hello.resume {
            // Not known any more: a signal says so, and the connection ends.
            Ok(room
                .sfu
                .resume(&hello.identity)
                .map_err(|refusal| self.turn_away(id, &refusal))
                .ok())
        } else {
            room.sfu.join(&hello.identity, hello.permissions).map(Some).map_err(|e| e.to_string())
        };
        if let Ok(Some(who)) = admitted {
            self.seat(id, &name, who);
        }
        self.carry_out(now, &name);
        admitted.map(|_| ())
    }

    fn turn_away(&mut self, id: ConnectionId, refusal: &[u8]) {
        if let Some(connection) = self.connections.remove(&id) {
            drop(connection.outlet.signal(Message::signal(refusal.to_vec())));
        }
    }

    fn seat(&mut self, id: ConnectionId, name: &Arc<str>, who: ParticipantId) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        if let Some(former) = room.seats.insert(who, id) {
            self.connections.remove(&former);
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.state = State::Seated { room: name.clone(), who };
        }
        tracing::debug!(connection = id.0, participant = %who, "seated");
    }

    fn handle_message(
        &mut self,
        now: Instant,
        id: ConnectionId,
        name: &str,
        who: ParticipantId,
        message: &Message,
    ) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        match message.kind {
            Kind::Signal => room.sfu.handle_signal(now, who, &message.bytes),
            Kind::Packet => room.sfu.handle_packet(now, who, &message.bytes),
            Kind::Hello => self.answer(id, Err("hello was said before")),
            Kind::Control => {
                let permissions = room.sfu.permissions(who).unwrap_or_default();
                let control = control::read(&message.bytes, permissions);
                let outcome = control.map(|control| room.sfu.control(now, who, control));
                // What the control does leaves later, so that the answer comes first.
                self.answer(id, outcome.as_ref().copied().map_err(String::as_str));
            }
        }
    }

    /// Carries the outputs of a room out, and lets go of it once nobody is left.
    fn carry_out(&mut self, now: Instant, name: &str) {
        loop {
            let Some(room) = self.rooms.get_mut(name) else { return };
            match room.sfu.poll_output() {
                Some(output) => self.carry(now, name, output),
                None if room.sfu.is_empty() => {
                    self.rooms.remove(name);
                    return;
                }
                None => return,
            }
        }
    }

    fn carry(&mut self, now: Instant, name: &str, output: Output) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        match output {
            Output::Close { to } => {
                if let Some(id) = room.seats.remove(&to) {
                    self.connections.remove(&id);
                }
            }
            Output::Packet { to, bytes } => {
                let id = room.seats.get(&to);
                if let Some(connection) = id.and_then(|id| self.connections.get(id)) {
                    connection.outlet.packet(Message::packet(bytes));
                }
            }
            Output::Signal { to, bytes } => {
                let Some(id) = room.seats.get(&to).copied() else { return };
                let Some(connection) = self.connections.get(&id) else { return };
                if let Err(Stuck) = connection.outlet.signal(Message::signal(bytes.to_vec())) {
                    connection.task.abort();
                    self.forget(now, id);
                }
            }
        }
    }

    fn answer(&self, id: ConnectionId, outcome: Result<(), &str>) {
        if let Some(connection) = self.connections.get(&id) {
            // Who asks without end and does not listen gets no answers.
            drop(connection.outlet.signal(Message::reply(outcome)));
        }
    }

    fn forget(&mut self, now: Instant, id: ConnectionId) {
        let Some(Connection { state, .. }) = self.connections.remove(&id) else { return };
        let State::Seated { room, who } = state else { return };
        if let Some(room) = self.rooms.get_mut(&room) {
            room.seats.remove(&who);
            room.sfu.handle_disconnect(now, who);
        }
    }
}

/// Protocol §7.
const MAX_ROOM_NAME_BYTES: usize = 256;
