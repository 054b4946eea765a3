//! The server's wall clock: it says when participants joined, and may be behind after the server has started again.

use std::collections::BTreeMap;

use livekit_protocol::{ParticipantInfo, SignalResponse, signal_response::Message as Response};
use prost::Message;

/// See the module.
#[derive(Default)]
pub struct WallClock {
    /// Milliseconds between the simulation's time and what the clock shows.
    ahead: i64,
    /// When each participant joined, by its SID.
    joined: BTreeMap<String, i64>,
}

impl WallClock {
    /// Another server has another clock.
    pub fn differ_by(&mut self, milliseconds: i64) {
        self.ahead += milliseconds;
        self.joined.clear();
    }

    /// Writes into a message of the server when those in it joined, as a real one does.
    pub fn stamp(&mut self, bytes: &[u8], now_ms: u64) -> Vec<u8> {
        let mut message = SignalResponse::decode(bytes).expect("a message of the SFU");
        let now = NOON + self.ahead + now_ms as i64;
        let mut stamp = |info: &mut ParticipantInfo| {
            info.joined_at_ms = *self.joined.entry(info.sid.clone()).or_insert(now);
        };
        match &mut message.message {
            Some(Response::Join(join)) => {
                join.participant.iter_mut().for_each(&mut stamp);
                join.other_participants.iter_mut().for_each(stamp);
            }
            Some(Response::RoomMoved(moved)) => {
                moved.participant.iter_mut().for_each(&mut stamp);
                moved.other_participants.iter_mut().for_each(stamp);
            }
            Some(Response::Update(update)) => update.participants.iter_mut().for_each(stamp),
            _ => return bytes.to_vec(),
        }
        message.encode_to_vec()
    }
}

/// Some day.
const NOON: i64 = 1_700_000_000_000;
