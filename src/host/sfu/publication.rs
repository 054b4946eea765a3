//! Publishing: the checks in the server's order, and its answers in the server's words (protocol §3.2, §3.3, §3.5).

use std::time::Instant;

use super::{
    ParticipantId, Sfu,
    participant::{Participant, Publication},
};
use crate::{
    signal::{
        RefusalReason,
        session::{
            DataTrackInfo, DataTrackResponse, EchoedRequest, Encoding, EncodingValue,
            PublishDataTrackRequest, RequestResponse, Response, UnpublishDataTrackRequest,
        },
    },
    track::{Handle, MAX_CUSTOM_ENCODING_BYTES, MAX_NAME_BYTES},
};

type Refused = (RefusalReason, &'static str);

impl Sfu {
    pub(super) fn publish(
        &mut self,
        now: Instant,
        who: ParticipantId,
        request: PublishDataTrackRequest,
    ) {
        let handle = match self.may_publish(who, &request) {
            Ok(handle) => handle,
            Err(refused) => {
                let echo = EchoedRequest::PublishDataTrack(request);
                return self.refuse(who, refused, echo);
            }
        };
        let info = DataTrackInfo {
            pub_handle: request.pub_handle,
            sid: self.chance.sid("DTR_"),
            name: request.name,
            encryption: request.encryption,
            frame_encoding: request.frame_encoding,
            schema: request.schema,
        };
        self.add_publication(now, who, handle, info);
    }

    /// A first publication is announced after the answer, later ones before it, as the server does.
    fn add_publication(
        &mut self,
        now: Instant,
        who: ParticipantId,
        handle: Handle,
        info: DataTrackInfo,
    ) {
        let Some(publisher) = self.participants.get_mut(&who) else { return };
        let publication =
            Publication { info: info.clone(), subscribers: std::collections::BTreeSet::new() };
        publisher.publications.insert(handle, publication);
        let known_publisher = std::mem::replace(&mut publisher.is_publisher, true);
        self.tracks.insert(info.sid.clone(), (who, handle));
        let sid = info.sid.clone();
        if known_publisher {
            self.announce(who);
        }
        self.reply(who, Response::PublishDataTrack(DataTrackResponse { info: Some(info) }));
        if !known_publisher {
            self.announce(who);
        }
        self.settle_track(now, &sid);
    }

    fn may_publish(
        &mut self,
        who: ParticipantId,
        request: &PublishDataTrackRequest,
    ) -> Result<Handle, Refused> {
        let data_tracks = self.config.data_tracks;
        let publisher = self.participants.get_mut(&who).ok_or(GONE)?;
        if let Some(reason) = publisher.faults.refuse_next.take() {
            return Err((RefusalReason::from_code(reason), "refused for a test"));
        }
        if !data_tracks || !publisher.permissions.can_publish_data {
            return Err((RefusalReason::NotAllowed, "does not have permission to publish data"));
        }
        let handle = u16::try_from(request.pub_handle).ok().and_then(Handle::new);
        let handle =
            handle.ok_or((RefusalReason::InvalidHandle, "handle should be > 0 AND < 65536"))?;
        if !(1..=MAX_NAME_BYTES).contains(&request.name.len()) {
            let message = "name should not be empty and should not exceed 256 characters";
            return Err((RefusalReason::InvalidName, message));
        }
        let schema = request.schema.as_ref().and_then(|schema| schema.encoding.as_ref());
        if !is_valid(request.frame_encoding.as_ref()) || !is_valid(schema) {
            return Err((
                RefusalReason::InvalidRequest,
                "encoding identifier is empty or exceeds the maximum length",
            ));
        }
        is_new(publisher, handle, &request.name).map(|()| handle)
    }

    pub(super) fn unpublish(&mut self, who: ParticipantId, request: UnpublishDataTrackRequest) {
        let Some(publisher) = self.participants.get_mut(&who) else { return };
        let refusal = publisher.faults.refuse_next.take();
        // The server looks the handle up by its lower 16 bits (protocol §3.5).
        let [.., high, low] = request.pub_handle.to_be_bytes();
        let handle = Handle::new(u16::from_be_bytes([high, low]));
        let known = handle.filter(|handle| publisher.publications.contains_key(handle));
        let echo = EchoedRequest::UnpublishDataTrack(request);
        match (refusal, known) {
            (Some(reason), _) => {
                let refused = (RefusalReason::from_code(reason), "refused for a test");
                self.refuse(who, refused, echo);
            }
            (None, None) => self.refuse(who, (RefusalReason::NotFound, ""), echo),
            (None, Some(handle)) => {
                let Some(publication) = self.remove_publication(who, handle) else { return };
                self.announce(who);
                let info = Some(publication.info.clone());
                self.reply(who, Response::UnpublishDataTrack(DataTrackResponse { info }));
                self.end_subscriptions(publication);
            }
        }
    }

    /// The participant may no longer publish: its tracks go, without an answer for any (protocol §3.6).
    pub(super) fn end_all_publications(&mut self, who: ParticipantId) -> Vec<Publication> {
        let handles: Vec<Handle> = self
            .participants
            .get(&who)
            .map_or(vec![], |p| p.publications.keys().copied().collect());
        handles.into_iter().filter_map(|handle| self.remove_publication(who, handle)).collect()
    }

    fn remove_publication(&mut self, who: ParticipantId, handle: Handle) -> Option<Publication> {
        let publication = self.participants.get_mut(&who)?.publications.remove(&handle)?;
        self.tracks.remove(&publication.info.sid);
        Some(publication)
    }

    fn refuse(&mut self, who: ParticipantId, refused: Refused, echo: EchoedRequest) {
        let (reason, message) = refused;
        let response = RequestResponse {
            request_id: 0,
            reason: reason.code(),
            message: message.to_owned(),
            request: Some(echo),
        };
        self.reply(who, Response::RequestResponse(response));
    }
}

fn is_new(publisher: &Participant, handle: Handle, name: &str) -> Result<(), Refused> {
    for (taken, publication) in &publisher.publications {
        if *taken == handle {
            let message = "a data track with same handle already exists";
            return Err((RefusalReason::DuplicateHandle, message));
        }
        if publication.info.name == name {
            let message = "a data track with same name already exists";
            return Err((RefusalReason::DuplicateName, message));
        }
    }
    Ok(())
}

fn is_valid(encoding: Option<&Encoding>) -> bool {
    match encoding.and_then(|encoding| encoding.value.as_ref()) {
        Some(EncodingValue::Custom(id)) => (1..=MAX_CUSTOM_ENCODING_BYTES).contains(&id.len()),
        Some(EncodingValue::WellKnown(_)) | None => true,
    }
}

const GONE: Refused = (RefusalReason::NotFound, "");
