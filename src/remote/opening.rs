//! Sealed frames on their way to whoever opens them: one at a time, in order.
//!
//! ```text
//!        begin: it is out
//!  Idle ─────────────────► Busy ◄──┐ begin: queued, or no room
//!   ▲                       │ └────┘ next: the oldest of the queue is out
//!   └─── next: none left ───┘
//! ```
//! Never opens anything. The queue is bounded in bytes, in frames, and by what the manager's tracks may hold together.

use std::{borrow::Cow, collections::VecDeque, sync::Arc};

use super::budget::Budget;
use crate::packet::Encryption;

/// A frame to be opened.
pub(crate) struct Sealed<'p> {
    /// What is needed besides the key.
    pub(crate) encryption: Encryption,
    /// Ciphertext, then the tag.
    pub(crate) bytes: Cow<'p, [u8]>,
    /// To be handed back with the opened frame.
    pub(crate) ticket: Ticket,
}

/// Where a sealed frame belongs.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    pub(super) number: u16,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) user_timestamp: Option<u64>,
    pub(super) epoch: u32,
}

/// See the module.
pub(super) struct Opening {
    turn: Turn,
    budget: Arc<Budget>,
}

enum Turn {
    Idle,
    Busy { queue: VecDeque<Sealed<'static>>, bytes: usize },
}

/// What became of a frame.
pub(super) enum Begun<'p> {
    Out(Sealed<'p>),
    Queued,
    NoRoom,
}

impl Opening {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { turn: Turn::Idle, budget }
    }

    /// Hands a frame out, or keeps it while another one is out.
    pub(super) fn begin<'p>(&mut self, sealed: Sealed<'p>) -> Begun<'p> {
        let Turn::Busy { queue, bytes } = &mut self.turn else {
            self.turn = Turn::Busy { queue: VecDeque::new(), bytes: 0 };
            return Begun::Out(sealed);
        };
        let length = sealed.bytes.len();
        let has_room = *bytes + length <= MAX_QUEUE_BYTES && queue.len() < MAX_QUEUE_FRAMES;
        if !has_room || !self.budget.take(length) {
            return Begun::NoRoom;
        }
        *bytes += length;
        queue.push_back(sealed.into_owned());
        Begun::Queued
    }

    /// The frame that was out is back: the one that is out next.
    pub(super) fn next(&mut self) -> Option<Sealed<'static>> {
        let Turn::Busy { queue, bytes } = &mut self.turn else { return None };
        let Some(next) = queue.pop_front() else {
            self.turn = Turn::Idle;
            return None;
        };
        *bytes -= next.bytes.len();
        self.budget.give(next.bytes.len());
        Some(next)
    }
}

impl Sealed<'_> {
    fn into_owned(self) -> Sealed<'static> {
        Sealed { bytes: Cow::Owned(self.bytes.into_owned()), ..self }
    }
}

/// Most that sealed frames of a track hold while another one is being opened: the default of `max_partial_bytes`.
const MAX_QUEUE_BYTES: usize = 8 << 20;

/// For frames so small that their bytes say nothing.
const MAX_QUEUE_FRAMES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(length: usize) -> Sealed<'static> {
        let encryption = Encryption { key_index: 0, iv: [0; 12] };
        let ticket = Ticket { number: 0, first: 0, last: 0, user_timestamp: None, epoch: 0 };
        Sealed { encryption, bytes: Cow::Owned(vec![0; length]), ticket }
    }

    #[test]
    fn what_waits_is_in_the_budget_until_it_is_out() {
        let budget = Budget::new(10);
        let mut opening = Opening::new(Arc::clone(&budget));
        assert!(matches!(opening.begin(sealed(100)), Begun::Out(_)));
        assert!(matches!(opening.begin(sealed(6)), Begun::Queued));
        assert!(matches!(opening.begin(sealed(5)), Begun::NoRoom));
        assert_eq!(budget.used(), 6);
        assert!(opening.next().is_some_and(|next| next.bytes.len() == 6));
        assert_eq!(budget.used(), 0);
        assert!(opening.next().is_none());
        assert!(matches!(opening.begin(sealed(1)), Begun::Out(_)), "nobody is at it any more");
    }
}
