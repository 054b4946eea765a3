//! The network of a room: signals and packets on their way.

use std::{collections::VecDeque, sync::Arc};

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

    fn carry_up(&mut self) -> bool {
        let now = self.now();
        let mut moved = false;
        for who in 0..self.participants.len() {
            let Some(seat) = self.seat(who) else { continue };
            let host = Arc::clone(&self.participants[who].host);
            let signals = std::mem::take(&mut *host.signals.lock().unwrap());
            let packets = std::mem::take(&mut *host.packets.lock().unwrap());
            moved |= !signals.is_empty() || !packets.is_empty();
            self.carry_signals(who, seat, &signals);
            packets.iter().for_each(|bytes| self.sfu.handle_packet(now, seat, bytes));
        }
        moved
    }

    fn carry_signals(&mut self, who: usize, seat: ParticipantId, signals: &VecDeque<Vec<u8>>) {
        let now = self.now();
        for bytes in signals {
            self.tell(|| format!("{who} → {:?}", session::decode_request(bytes)));
            self.sfu.handle_signal(now, seat, bytes);
        }
    }

    /// Carries what others than `lost` had sent before they can know that it is gone. An end that crosses that may be one that freezes
    /// real servers, if its sender had just asked for the same once more.
    pub fn carry_crossing_signals(&mut self, lost: usize) {
        let before = self.sfu.stats().dangerous_unsubscribes;
        for who in (0..self.participants.len()).filter(|who| *who != lost) {
            let Some(seat) = self.seat(who) else { continue };
            let signals = std::mem::take(&mut *self.participants[who].host.signals.lock().unwrap());
            self.carry_signals(who, seat, &signals);
        }
        self.crossed += self.sfu.stats().dangerous_unsubscribes - before;
    }

    pub fn carry_down(&mut self) -> bool {
        let mut moved = false;
        while let Some(output) = self.sfu.poll_output() {
            moved = true;
            self.deliver(output);
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

/// An answer to a publish that says the opposite of what was asked for.
fn another_answer(bytes: &[u8]) -> Option<Vec<u8>> {
    let Ok(Some(Response::PublishDataTrack(mut answer))) = session::decode_response(bytes) else {
        return None;
    };
    let info = answer.info.as_mut()?;
    info.encryption = i32::from(info.encryption == 0);
    Some(session::encode_response(Response::PublishDataTrack(answer)))
}
