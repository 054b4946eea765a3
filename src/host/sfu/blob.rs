//! Data blobs: the schemas that participants store for each other (protocol §3.13).

use std::collections::BTreeMap;

use super::{ParticipantId, Sfu, participant::Participant};
use crate::signal::{
    RefusalReason,
    session::{
        BlobKey, DataBlob, DataBlobKey, GetDataBlobRequest, GetDataBlobResponse, RequestResponse,
        Response, StoreDataBlobRequest, StoreDataBlobResponse,
    },
};

/// The blobs of one participant.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    by_key: BTreeMap<Vec<u8>, DataBlob>,
}

type Refused = (RefusalReason, &'static str);

impl Blobs {
    fn store(&mut self, blob: DataBlob) -> Result<DataBlobKey, Refused> {
        let key = valid_key(blob.key.as_ref()).ok_or((INVALID, "data blob is invalid"))?;
        if blob.contents.is_empty() {
            return Err((INVALID, "data blob is empty"));
        }
        let others = self.by_key.iter().filter(|(stored, _)| **stored != key);
        let stored: usize = others.map(|(key, blob)| key.len() + blob.contents.len()).sum();
        if stored + key.len() + blob.contents.len() > MAX_TOTAL_BYTES {
            return Err((RefusalReason::LimitExceeded, "async attribute definition exceeds limit"));
        }
        let answer = blob.key.clone().unwrap_or_default();
        self.by_key.insert(key, blob);
        Ok(answer)
    }

    fn get(&self, key: Option<&DataBlobKey>) -> Option<DataBlob> {
        self.by_key.get(&valid_key(key)?).cloned()
    }
}

impl Sfu {
    pub(super) fn store_blob(&mut self, who: ParticipantId, request: StoreDataBlobRequest) {
        let request_id = request.request_id;
        let stored = self
            .may_use_blobs(who)
            .and_then(|participant| participant.blobs.store(request.blob.unwrap_or_default()));
        let response = stored.map(|key| {
            Response::StoreDataBlob(StoreDataBlobResponse { request_id, key: Some(key) })
        });
        self.answer_blob(who, request_id, response);
    }

    pub(super) fn get_blob(&mut self, who: ParticipantId, request: &GetDataBlobRequest) {
        let request_id = request.request_id;
        let found = self.may_use_blobs(who).map(|_| ()).and_then(|()| self.find_blob(who, request));
        let response = found.map(|blob| {
            Response::GetDataBlob(GetDataBlobResponse { request_id, blob: Some(blob) })
        });
        self.answer_blob(who, request_id, response);
    }

    fn may_use_blobs(&mut self, who: ParticipantId) -> Result<&mut Participant, Refused> {
        let switched_on = self.config.data_blobs;
        let participant = self.participants.get_mut(&who);
        let participant = participant.ok_or((RefusalReason::NotFound, "participant not found"))?;
        match participant.faults.refuse_next.take() {
            Some(reason) => Err((RefusalReason::from_code(reason), "refused for a test")),
            None if switched_on => Ok(participant),
            None => Err((RefusalReason::NotAllowed, "data blobs are switched off")),
        }
    }

    fn find_blob(
        &self,
        who: ParticipantId,
        request: &GetDataBlobRequest,
    ) -> Result<DataBlob, Refused> {
        if request.key.as_ref().is_none_or(|key| key.key.is_none()) {
            return Err((INVALID, "data blob key is required"));
        }
        let owner = self.find(&request.participant_identity);
        let owner = owner.filter(|owner| self.room_of(*owner) == self.room_of(who));
        let owner = owner.and_then(|owner| self.participants.get(&owner));
        let owner = owner.ok_or((RefusalReason::NotFound, "participant not found"))?;
        let found = owner.blobs.get(request.key.as_ref());
        found.ok_or((RefusalReason::NotFound, "data blob not found"))
    }

    fn answer_blob(
        &mut self,
        who: ParticipantId,
        request_id: u32,
        outcome: Result<Response, Refused>,
    ) {
        let response = outcome.unwrap_or_else(|(reason, message)| {
            Response::RequestResponse(RequestResponse {
                request_id,
                reason: reason.code(),
                message: message.to_owned(),
                request: None,
            })
        });
        self.reply(who, response);
    }
}

/// The key as bytes to compare and to count by, if its text is not too long.
fn valid_key(key: Option<&DataBlobKey>) -> Option<Vec<u8>> {
    let (tag, text, encoding) = match key?.key.as_ref()? {
        BlobKey::Generic(text) => (0, text, String::new()),
        BlobKey::SchemaId(id) => (1, &id.name, format!("{:?}", id.encoding)),
    };
    let bytes = || [&[tag], text.as_bytes(), &[0], encoding.as_bytes()].concat();
    (text.len() <= MAX_KEY_BYTES).then(bytes)
}

const INVALID: RefusalReason = RefusalReason::InvalidRequest;

/// Protocol §3.13.
const MAX_KEY_BYTES: usize = 256;
const MAX_TOTAL_BYTES: usize = 64_000;
