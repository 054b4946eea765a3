//! What the SFU answers (protocol §3.2 to §3.6).

use std::time::Instant;

use super::{
    handles::Ending,
    output::Output,
    publication::{Abandoned, State, Step},
    publications::Publications,
};
use crate::{
    error::PublishError,
    signal::{Refusal, RefusalReason, RefusedRequest, SignalIn, TrackDescription},
    track::{Handle, SignalOutcome, UnpublishReason},
};

impl Publications {
    /// Takes one message. What is of no concern to us has no effect.
    pub(crate) fn handle_signal(&mut self, signal: SignalIn, now: Instant) -> SignalOutcome {
        let ours = match signal {
            SignalIn::Join { local, .. } | SignalIn::RoomMoved { local, .. } => {
                self.joined(local, now)
            }
            SignalIn::Update(participants) => self.updated(participants, now),
            SignalIn::PublishResponse(track) => self.published(track.handle, Some(track), now),
            SignalIn::UnusablePublishResponse(handle) => self.published(handle, None, now),
            SignalIn::UnpublishResponse(track) => self.unpublished(&track, now),
            SignalIn::Refused(refusal) => self.refused(refusal, now),
            SignalIn::DataBlobStored { request_id } => {
                self.schemas.stored(request_id, &mut self.outputs)
            }
            SignalIn::DataBlob { request_id, contents } => {
                self.schemas.found(request_id, contents, &mut self.outputs)
            }
            SignalIn::SubscriberHandles(_) | SignalIn::SubscriptionPermission { .. } => false,
        };
        if ours { SignalOutcome::Handled } else { SignalOutcome::Ignored }
    }

    /// `answer`: what is published now, if that makes sense.
    fn published(
        &mut self,
        handle: Handle,
        answer: Option<TrackDescription>,
        now: Instant,
    ) -> bool {
        let Some((key, track)) = self.key(handle).zip(self.tracks.get(&handle)) else {
            return self.published_unwanted(handle, now);
        };
        let fits = |answer: &TrackDescription| !track.contradicted_by(answer);
        let sid = answer.filter(fits).map(|answer| answer.info.sid);
        match (&track.state, sid) {
            (State::Pending { .. }, None) => {
                self.fail_pending(handle, PublishError::UnexpectedAnswer, now);
                self.ask_to_unpublish(handle, now);
            }
            (State::Pending { .. }, Some(sid)) => {
                let options = Box::new(track.options.clone());
                let info = track.info(sid.clone());
                self.set_state(handle, State::Published { sid, confirmed: Some(now) });
                self.outputs.push_back(Output::Published { key, info, options });
            }
            (State::Republishing { .. }, None) => {
                self.undo(handle, UnpublishReason::RepublishRefused, now);
            }
            (State::Republishing { .. }, Some(sid)) => {
                self.set_state(handle, State::Published { sid: sid.clone(), confirmed: Some(now) });
                self.outputs.push_back(Output::Renamed { key, sid });
                self.outputs.push_back(Output::Resumed(key));
            }
            (State::Published { .. }, None) => {}
            (State::Published { .. }, Some(sid)) => self.rename(handle, sid),
        }
        true
    }

    /// An ok answer for a handle that is not, or no longer, wanted.
    fn published_unwanted(&mut self, handle: Handle, now: Instant) -> bool {
        if self.forget_abandoned(handle) {
            self.ask_to_unpublish(handle, now);
            return true;
        }
        match self.handles.ending(handle) {
            Some(Ending::Asked) => true,
            None if !self.handles.was_taken(handle) => false,
            Some(Ending::Known | Ending::NotAsked) | None => {
                self.ask_to_unpublish(handle, now);
                true
            }
        }
    }

    fn unpublished(&mut self, answer: &TrackDescription, now: Instant) -> bool {
        match self.tracks.get(&answer.handle).map(|track| &track.state) {
            Some(State::Published { sid, .. }) if *sid == answer.info.sid => {
                self.end_known(answer.handle, UnpublishReason::Revoked, now);
                true
            }
            Some(State::Published { .. } | State::Republishing { .. } | State::Pending { .. }) => {
                true
            }
            None => self.handles.ended(answer.handle),
        }
    }

    fn refused(&mut self, refusal: Refusal, now: Instant) -> bool {
        // An acknowledgement, or a promise: the answer proper is still to come.
        let no_answer = matches!(refusal.reason, RefusalReason::Ok | RefusalReason::Queued);
        match refusal.request {
            RefusedRequest::Publish(handle) => own_handle(handle).is_some_and(|handle| {
                if no_answer {
                    return self.handles.was_taken(handle);
                }
                self.publish_refused(handle, refusal, now)
            }),
            RefusedRequest::Unpublish(handle) => {
                own_handle(handle).is_some_and(|handle| self.handles.ended(handle))
            }
            RefusedRequest::Other if no_answer => self.schemas.has(refusal.request_id),
            RefusedRequest::Other => self.schemas.refused(refusal, &mut self.outputs),
        }
    }

    fn publish_refused(&mut self, handle: Handle, refusal: Refusal, now: Instant) -> bool {
        let reason = refusal.reason;
        match self.tracks.get(&handle).map(|track| &track.state) {
            Some(State::Pending { deadline, again: true, .. })
                if reason == RefusalReason::DuplicateName =>
            {
                let deadline = *deadline;
                self.set_state(handle, State::Pending { deadline, again: false, listed: false });
                self.undo_namesake(handle, now);
                self.ask_to_publish(handle);
            }
            Some(State::Pending { .. }) => {
                let error = self.publish_error(handle, refusal);
                self.fail_pending(handle, error, now);
            }
            Some(State::Republishing { step: Step::Asked { .. }, .. })
                if reason == RefusalReason::DuplicateHandle =>
            {
                self.attempt_doubled(handle, now);
            }
            Some(State::Republishing { step: Step::Asked { .. }, .. }) => {
                self.attempt_failed(handle, now);
            }
            Some(State::Republishing { step: Step::Pausing { .. }, .. }) => {}
            Some(State::Published { .. }) => {}
            None => return self.abandoned_refused(handle, now),
        }
        true
    }

    /// Answers come in the order of the requests: one that an earlier request of this name has not had is lost, and the SFU has
    /// that track.
    fn undo_namesake(&mut self, handle: Handle, now: Instant) {
        let name = self.tracks.get(&handle).map(|track| &track.options.name);
        let namesake = |(_, abandoned): &(&Handle, &Abandoned)| Some(&abandoned.name) == name;
        let lost = self.abandoned.iter().find(namesake).map(|(handle, _)| *handle);
        if let Some(lost) = lost {
            self.forget_abandoned(lost);
            self.ask_to_unpublish(lost, now);
        }
    }

    fn abandoned_refused(&mut self, handle: Handle, now: Instant) -> bool {
        let abandoned = self.forget_abandoned(handle);
        if abandoned {
            self.handles.rest(handle, Ending::Known, now);
        }
        abandoned || self.handles.was_taken(handle)
    }

    /// Protocol §3.3.
    fn publish_error(&self, handle: Handle, refusal: Refusal) -> PublishError {
        let name_length = self.tracks.get(&handle).map_or(0, |track| track.options.name.len());
        match refusal.reason {
            RefusalReason::NotAllowed => PublishError::NotAllowed,
            RefusalReason::DuplicateName => PublishError::DuplicateName,
            RefusalReason::InvalidName => PublishError::InvalidName { length: name_length as u64 },
            RefusalReason::LimitExceeded => PublishError::LimitReached,
            RefusalReason::Ok
            | RefusalReason::Queued
            | RefusalReason::NotFound
            | RefusalReason::UnsupportedType
            | RefusalReason::Unclassified
            | RefusalReason::InvalidHandle
            | RefusalReason::DuplicateHandle
            | RefusalReason::InvalidRequest
            | RefusalReason::Unknown(_) => PublishError::Rejected {
                code: refusal.reason.code(),
                detail: shortened(refusal.detail),
            },
        }
    }
}

/// The SFU's words, as far as anybody reads them.
pub(super) fn shortened(mut detail: String) -> String {
    let end = (0..=MAX_DETAIL_BYTES).rev().find(|end| detail.is_char_boundary(*end));
    detail.truncate(end.unwrap_or(0));
    detail
}

fn own_handle(number: u32) -> Option<Handle> {
    u16::try_from(number).ok().and_then(Handle::new)
}

/// A signal message may have 2 MiB; an error text should not.
const MAX_DETAIL_BYTES: usize = 1024;
