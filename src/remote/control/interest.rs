//! What the application and the host want.

use std::time::{Duration, Instant};

use super::{Control, FinderId, Output, Wait, finders::Finder};
use crate::{
    error::{SubscribeError, WaitError},
    remote::{
        catalog::TrackId,
        link::{Link, Request},
        receiver::ReaderId,
        subscription::Reader,
    },
};

/// Whether a track was there already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Found(TrackId),
    Waiting(FinderId),
}

impl Control {
    /// Wants a track. [`Output::Settled`] answers, perhaps at once.
    pub(crate) fn subscribe(
        &mut self,
        track: TrackId,
        now: Instant,
    ) -> Result<ReaderId, SubscribeError> {
        if self.closed {
            return Err(SubscribeError::Closed);
        }
        let entry = self.catalog.get(track).ok_or(SubscribeError::Unpublished)?;
        if entry.info.uses_e2ee && !self.can_decrypt {
            return Err(SubscribeError::DecryptionUnavailable);
        }
        let reader = self.next_id();
        let subscription = self.subscriptions.get_mut(&track).ok_or(SubscribeError::Unpublished)?;
        // The SFU says so once, and tells when it changes: asking again gets no answer.
        if subscription.link == Link::Asked && !subscription.permitted {
            return Err(SubscribeError::NotPermitted);
        }
        let asked =
            subscription.is_wanted() && subscription.link != Link::Off && !subscription.unsent;
        let deadline = now + SUBSCRIBE_TIMEOUT;
        subscription.add(reader, Reader::Waiting(deadline));
        self.waits.insert((deadline, reader), Wait::Subscribe(track));
        self.change(track, |subscription| match asked {
            true => None,
            false => subscription.step(subscription.link.want()),
        });
        Ok(reader)
    }

    /// A reader, waiting or reading, is gone. The last one ends the subscription.
    pub(crate) fn release(&mut self, track: TrackId, reader: ReaderId) {
        self.forget_reader(track, reader);
        self.change(track, |subscription| subscription.let_go_if_unwanted());
    }

    /// Looks for a track of that name, now and until the deadline.
    pub(crate) fn find(
        &mut self,
        name: String,
        publisher: Option<String>,
        deadline: Option<Instant>,
    ) -> Result<Search, WaitError> {
        if self.closed {
            return Err(WaitError::Closed);
        }
        let id = self.next_id();
        let finder = Finder { id, name, publisher, deadline };
        let ids = self.catalog.ids();
        let known = ids
            .into_iter()
            .find(|track| self.catalog.get(*track).is_some_and(|entry| finder.matches(entry)));
        if let Some(track) = known {
            return Ok(Search::Found(track));
        }
        if let Some(deadline) = deadline {
            self.waits.insert((deadline, id), Wait::Find);
        }
        self.finders.add(finder);
        Ok(Search::Waiting(id))
    }

    /// Nobody waits for this search any more.
    pub(crate) fn forget_finder(&mut self, id: FinderId) {
        if let Some(deadline) = self.finders.take(id).and_then(|finder| finder.deadline) {
            self.waits.remove(&(deadline, id));
        }
    }

    /// After a reconnect: asks again for what is wanted, and ends again what was being ended.
    pub(crate) fn resend(&mut self) {
        for track in self.catalog.ids() {
            self.change(track, |subscription| {
                // That we are permitted again may be among what was lost.
                subscription.permitted |= !subscription.is_wanted();
                subscription.step(subscription.link.resend(subscription.is_wanted()))
            });
        }
    }

    /// The host could not send a request. For those who read a track already it is made again, and so is an end.
    pub(crate) fn not_sent(&mut self, track: TrackId, kind: Request, now: Instant) {
        if kind == Request::Ask {
            self.fail_waiting(track, &SubscribeError::SignalNotSent);
        }
        let id = self.next_id();
        let mut again = false;
        self.change(track, |subscription| {
            subscription.link = subscription.link.not_sent(kind);
            subscription.unsent |= kind == Request::Ask;
            let owes = subscription.owes_request();
            again = owes && !std::mem::replace(&mut subscription.retries, owes);
            None
        });
        if again {
            self.waits.insert((now + RETRY_AFTER, id), Wait::Request(track));
        }
    }

    fn request_again(&mut self, track: TrackId) {
        self.change(track, |subscription| {
            subscription.retries = false;
            let wanted = subscription.is_wanted();
            let owes = subscription.owes_request();
            if owes { subscription.step(subscription.link.resend(wanted)) } else { None }
        });
    }

    /// Ends the waits that are over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(((deadline, id), wait)) = self.waits.pop_first_if(|(at, _)| *at <= now) {
            match wait {
                Wait::Subscribe(track) => self.subscribe_timed_out(track, id),
                Wait::Request(track) => self.request_again(track),
                Wait::Return(track) => {
                    self.unpublish(track, self.catalog.reason_to_give_up(track));
                }
                Wait::Find => {
                    self.finders.take(id);
                    self.found(id, Some(deadline), Err(WaitError::TimedOut));
                }
            }
        }
        self.forget();
    }

    pub(super) fn found(
        &mut self,
        finder: FinderId,
        deadline: Option<Instant>,
        result: Result<TrackId, WaitError>,
    ) {
        if let Some(deadline) = deadline {
            self.waits.remove(&(deadline, finder));
        }
        self.outputs.push_back(Output::Found { finder, result });
    }

    fn subscribe_timed_out(&mut self, track: TrackId, reader: ReaderId) {
        let handle = self.handle_of(track);
        self.change(track, |subscription| {
            subscription.step((subscription.link.trust(handle), None))
        });
        let still_waits =
            self.subscriptions.get(&track).is_some_and(|known| known.is_waiting(reader));
        if still_waits {
            self.forget_reader(track, reader);
            let result = Err(SubscribeError::TimedOut);
            self.outputs.push_back(Output::Settled { track, reader, result });
            self.change(track, |subscription| subscription.let_go_if_unwanted());
        }
    }
}

/// Until a request that could not be sent is made again, as the first pause of a republish.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// As in the other SDKs (protocol §7).
pub(crate) const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
