//! The network of a room: signals and packets on their way.

use datatracks::{
    host::sfu::{Output, ParticipantId},
    signal::session::{self, Response},
};

use super::room::Room;

impl Room {
    /// Carries signals and packets until nothing is on its way.
    pub fn run_network(&mut self) {
        while self.carry_up() | self.carry_down() {}
    }

    pub fn carry_up(&mut self) -> bool {
        let now = self.now();
        let mut moved = false;
        for who in 0..self.participants.len() {
            moved |= self.carry_signals(who);
            let Some(seat) = self.seat(who) else { continue };
            let packets = std::mem::take(&mut *self.participants[who].host.packets.lock().unwrap());
            moved |= !packets.is_empty();
            packets.iter().for_each(|bytes| self.sfu.handle_packet(now, seat, bytes));
        }
        moved
    }

    /// A participant that a snapshot of handles is under way to may let go of a track before it knows that it is gone. Such an end can
    /// be one that freezes real servers, and nobody can help it.
    fn carry_signals(&mut self, who: usize) -> bool {
        let Some(seat) = self.seat(who) else { return false };
        let signals = std::mem::take(&mut *self.participants[who].host.signals.lock().unwrap());
        if signals.is_empty() {
            return false;
        }
        let (now, before) = (self.now(), self.sfu.stats().dangerous_unsubscribes);
        self.under_way.extend(std::iter::from_fn(|| self.sfu.poll_output()));
        let crosses = self.under_way.iter().any(|output| snapshot_to(output) == Some(seat));
        for bytes in &signals {
            self.tell(|| format!("{who} → {:?}", session::decode_request(bytes)));
            self.sfu.handle_signal(now, seat, bytes);
        }
        if crosses {
            self.crossed += self.sfu.stats().dangerous_unsubscribes - before;
        }
        true
    }

    /// The next thing that arrives from the SFU.
    pub fn next_output(&mut self) -> Option<Output> {
        self.under_way.pop_front().or_else(|| self.sfu.poll_output())
    }

    pub fn carry_down(&mut self) -> bool {
        let mut moved = false;
        while let Some(output) = self.next_output() {
            moved = true;
            let (Output::Signal { to, .. } | Output::Packet { to, .. } | Output::Close { to }) =
                &output;
            let who = self.who(*to);
            self.deliver(output);
            // What is said to this crosses what comes behind it.
            who.map(|who| self.carry_signals(who));
        }
        moved
    }

    pub fn deliver(&mut self, output: Output) {
        match output {
            Output::Signal { to, bytes } => {
                if let Some(who) = self.who(to) {
                    self.tell(|| format!("{who} ← {:?}", session::decode_response(&bytes)));
                    self.deliver_signal(who, &bytes);
                } else if let Some(at) = self.stranger(to) {
                    self.strangers[at].receive_signal(&bytes);
                }
            }
            Output::Packet { to, bytes } => {
                if let Some(who) = self.who(to) {
                    self.participants[who].receive_packet(bytes);
                } else if let Some(at) = self.stranger(to) {
                    self.strangers[at].receive_packet(bytes.to_vec());
                }
            }
            Output::Close { to } => drop(self.seats.remove(&to)),
        }
    }

    fn deliver_signal(&mut self, who: usize, bytes: &[u8]) {
        let bytes = &self.wall_clock.stamp(bytes, self.ledger.now_ms());
        let participant = &mut self.participants[who];
        if participant.deceived
            && let Some(other) = another_answer(bytes)
        {
            participant.deceived = false;
            return participant.receive_signal(&other);
        }
        participant.receive_signal(bytes);
    }

    fn stranger(&self, seat: ParticipantId) -> Option<usize> {
        self.strangers.iter().position(|stranger| stranger.seat == seat)
    }
}

fn snapshot_to(output: &Output) -> Option<ParticipantId> {
    let Output::Signal { to, bytes } = output else { return None };
    let response = session::decode_response(bytes).ok().flatten();
    matches!(response, Some(Response::DataTrackSubscriberHandles(_))).then_some(*to)
}

/// An answer to a publish that says the opposite of what was asked for.
fn another_answer(bytes: &[u8]) -> Option<Vec<u8>> {
    let Ok(Some(Response::PublishDataTrack(mut answer))) = session::decode_response(bytes) else {
        return None;
    };
    let info = answer.info.as_mut()?;
    info.encryption = i32::from(info.encryption == 0);
    Some(session::encode_response(Response::PublishDataTrack(answer)))
}
