//! One track's subscription: who reads it, and how we stand with the SFU about it.

use std::time::Instant;

use super::{
    link::{Link, Request},
    receiver::ReaderId,
};
use crate::track::{Handle, SubscriptionState};

/// A call of `subscribe`, then the stream that it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// Waits for the handle, until then.
    Waiting(Instant),
    /// Reads.
    Reading,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) link: Link,
    pub(super) readers: Vec<(ReaderId, Reader)>,
    /// The handle of the SID that the track had before. Its packets are taken until the new one's come.
    pub(super) former: Option<Handle>,
    /// The host could not send what asks for it.
    pub(super) unsent: bool,
    /// The host is asked to send again before long.
    pub(super) retries: bool,
    /// The SFU's last word on whether the publisher lets us.
    pub(super) permitted: bool,
    /// What the delegate was told last.
    pub(super) reported: SubscriptionState,
    /// Until when the track is held for its publisher to come back, and the name of that wait.
    pub(super) held_until: Option<(Instant, u64)>,
}

impl Subscription {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            readers: Vec::new(),
            former: None,
            unsent: false,
            retries: false,
            permitted: true,
            reported: SubscriptionState::Unsubscribed,
            held_until: None,
        }
    }

    /// Begins anew under another SID, or under none. The old one's packets are still taken.
    pub(super) fn begin(&mut self, step: (Link, Option<Request>)) -> Option<Request> {
        if let Link::On(handle) = self.link {
            self.former = Some(handle);
        }
        self.permitted = true;
        self.step(step)
    }

    pub(super) fn is_wanted(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Whether the SFU is to hear what the host could not send.
    pub(super) fn owes_request(&self) -> bool {
        match self.link {
            // Only an end that was not sent leaves it there unwanted.
            Link::On(_) if !self.is_wanted() => true,
            _ => self.unsent && self.is_wanted(),
        }
    }

    pub(super) fn state(&self) -> SubscriptionState {
        match self.link {
            _ if !self.is_wanted() => SubscriptionState::Unsubscribed,
            Link::On(_) => SubscriptionState::Active,
            Link::Asked if !self.permitted => SubscriptionState::NotPermitted,
            Link::Off | Link::Offered(_) | Link::Asked | Link::Ending(_) | Link::Gone => {
                SubscriptionState::Pending
            }
        }
    }

    /// Takes a step; answers what to send. Asked anew, the SFU will say anew what is permitted.
    pub(super) fn step(&mut self, (link, request): (Link, Option<Request>)) -> Option<Request> {
        self.unsent &= request != Some(Request::Ask);
        self.permitted |= request == Some(Request::Ask) && self.link != Link::Asked;
        self.link = link;
        if let Link::On(_) = link {
            self.former = None;
        }
        request
    }

    /// Ends the subscription if its last reader is gone.
    pub(super) fn let_go_if_unwanted(&mut self) -> Option<Request> {
        if self.is_wanted() {
            return None;
        }
        self.step(self.link.let_go())
    }

    /// Whose packets the track takes.
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        let current = match self.link {
            Link::On(handle) if self.is_wanted() => Some(handle),
            Link::Off
            | Link::Offered(_)
            | Link::Asked
            | Link::On(_)
            | Link::Ending(_)
            | Link::Gone => None,
        };
        current.into_iter().chain(self.former.filter(|_| self.is_wanted()))
    }

    pub(super) fn add(&mut self, id: ReaderId, reader: Reader) {
        self.readers.reserve_exact(usize::from(self.readers.is_empty()));
        self.readers.push((id, reader));
    }

    pub(super) fn remove(&mut self, id: ReaderId) -> Option<Reader> {
        let at = self.readers.iter().position(|(known, _)| *known == id)?;
        Some(self.readers.remove(at).1)
    }

    pub(super) fn is_waiting(&self, id: ReaderId) -> bool {
        let mut readers = self.readers.iter();
        readers.any(|(known, reader)| *known == id && *reader != Reader::Reading)
    }

    /// Those who wait for the handle.
    pub(super) fn waiting(&self) -> Vec<ReaderId> {
        let waiting = self.readers.iter().filter(|(_, reader)| *reader != Reader::Reading);
        waiting.map(|(id, _)| *id).collect()
    }
}
