//! Updates that came before our own identity was known: without it our own tracks cannot be told from those of others.

use std::collections::VecDeque;

use crate::signal::Participant;

/// Participants in the order of their updates.
#[derive(Default)]
pub(super) struct Early {
    participants: VecDeque<Participant>,
    weight: usize,
}

impl Early {
    /// Keeps an update; answers how many older entries were dropped for it.
    pub(super) fn hold(&mut self, participants: Vec<Participant>) -> u64 {
        self.weight += participants.iter().map(weight).sum::<usize>();
        self.participants.extend(participants);
        let mut dropped = 0;
        while self.weight > MAX_WEIGHT {
            let Some(oldest) = self.participants.pop_front() else { break };
            self.weight -= weight(&oldest);
            dropped += 1;
        }
        dropped
    }

    pub(super) fn take(&mut self) -> VecDeque<Participant> {
        self.weight = 0;
        std::mem::take(&mut self.participants)
    }
}

fn weight(participant: &Participant) -> usize {
    1 + participant.tracks.len()
}

/// Participants and tracks: a large room. What is dropped is in the join response that is still to come.
const MAX_WEIGHT: usize = 4096;
