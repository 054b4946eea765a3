//! Schemas at the SFU: what is being stored and read (protocol §3.13).
//!
//! ```text
//!  store, read ──► asked ──► done: answered, refused, timed out, not sent, cancelled, closed
//! ```
//! Request ids are made here and known before the request leaves. The SFU forgets a participant's schemas at a full reconnect:
//! those that it had stored are stored again, before the tracks that name them are published.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    answers::shortened,
    output::{Cause, Output},
    publications::{Due, Publications},
    rules,
};
use crate::{
    error::SchemaError,
    signal::{Refusal, RefusalReason, SignalOut},
    sorted::SortedMap,
    track::DataTrackSchemaId,
};

/// The requests that are under way.
#[derive(Debug)]
pub(crate) struct Schemas {
    next_id: u32,
    asked: SortedMap<u32, SignalOut>,
    /// What the SFU has of us. It takes no more than 64 000 bytes.
    stored: SortedMap<DataTrackSchemaId, Vec<u8>>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self {
            next_id: FIRST_REQUEST_ID,
            asked: SortedMap::default(),
            stored: SortedMap::default(),
        }
    }
}

impl Publications {
    /// Asks the SFU to store a schema. The wait for it ends with an output of this request id.
    pub(crate) fn store_schema(
        &mut self,
        id: DataTrackSchemaId,
        contents: Vec<u8>,
        now: Instant,
    ) -> Result<u32, SchemaError> {
        rules::check_schema(&id, &contents)?;
        self.ask_schema(now, |request_id| SignalOut::StoreSchema { request_id, id, contents })
    }

    /// Asks the SFU for a schema. The wait for it ends with an output of this request id.
    pub(crate) fn read_schema(
        &mut self,
        participant_identity: String,
        id: DataTrackSchemaId,
        now: Instant,
    ) -> Result<u32, SchemaError> {
        rules::check_schema_key(&id)?;
        self.ask_schema(now, |request_id| SignalOut::GetSchema {
            request_id,
            participant_identity,
            id,
        })
    }

    /// Nobody waits any more.
    pub(crate) fn abandon_schema(&mut self, request_id: u32) {
        self.schemas.asked.remove(&request_id);
    }

    fn ask_schema(
        &mut self,
        now: Instant,
        request: impl FnOnce(u32) -> SignalOut,
    ) -> Result<u32, SchemaError> {
        if self.is_closed() {
            return Err(SchemaError::Closed);
        }
        let request_id = self.schemas.next_id;
        self.schemas.next_id = next(request_id);
        let signal = request(request_id);
        self.schemas.asked.insert(request_id, signal.clone());
        self.deadlines.insert((now + SCHEMA_TIMEOUT, Due::Schema(request_id)), ());
        let cause = Cause::Schema(request_id);
        self.outputs.push_back(Output::Request { signal, cause });
        Ok(request_id)
    }
}

impl Schemas {
    pub(super) fn has(&self, request_id: u32) -> bool {
        self.asked.contains_key(&request_id)
    }

    pub(super) fn stored(&mut self, request_id: u32, outputs: &mut VecDeque<Output>) -> bool {
        match self.asked.get(&request_id) {
            Some(SignalOut::StoreSchema { id, contents, .. }) => {
                self.stored.insert(id.clone(), contents.clone());
                self.done(request_id, Ok(Vec::new()), outputs)
            }
            _ => false,
        }
    }

    pub(super) fn found(
        &mut self,
        request_id: u32,
        contents: Vec<u8>,
        outputs: &mut VecDeque<Output>,
    ) -> bool {
        match self.asked.get(&request_id) {
            Some(SignalOut::GetSchema { .. }) => self.done(request_id, Ok(contents), outputs),
            _ => false,
        }
    }

    pub(super) fn refused(&mut self, refusal: Refusal, outputs: &mut VecDeque<Output>) -> bool {
        let request_id = refusal.request_id;
        self.done(request_id, Err(schema_error(refusal)), outputs)
    }

    pub(super) fn timed_out(&mut self, request_id: u32, outputs: &mut VecDeque<Output>) {
        self.done(request_id, Err(SchemaError::TimedOut), outputs);
    }

    pub(super) fn not_sent(&mut self, request_id: u32, outputs: &mut VecDeque<Output>) {
        self.done(request_id, Err(SchemaError::SignalNotSent), outputs);
    }

    /// A new session has not heard the requests of the last one, and has nothing stored. Nobody waits for that to be done again.
    pub(super) fn ask_again(&mut self, outputs: &mut VecDeque<Output>) {
        for (id, contents) in self.stored.iter() {
            let request_id = self.next_id;
            self.next_id = next(request_id);
            let (id, contents) = (id.clone(), contents.clone());
            let signal = SignalOut::StoreSchema { request_id, id, contents };
            outputs.push_back(Output::Request { signal, cause: Cause::Schema(request_id) });
        }
        outputs.extend(self.asked.iter().map(|(request_id, signal)| Output::Request {
            signal: signal.clone(),
            cause: Cause::Schema(*request_id),
        }));
    }

    pub(super) fn close(&mut self, outputs: &mut VecDeque<Output>) {
        for request_id in std::mem::take(&mut self.asked).into_keys() {
            outputs.push_back(Output::Schema { request_id, result: Err(SchemaError::Closed) });
        }
    }

    fn done(
        &mut self,
        request_id: u32,
        result: Result<Vec<u8>, SchemaError>,
        outputs: &mut VecDeque<Output>,
    ) -> bool {
        let ours = self.asked.remove(&request_id).is_some();
        if ours {
            outputs.push_back(Output::Schema { request_id, result });
        }
        ours
    }
}

fn next(request_id: u32) -> u32 {
    request_id.checked_add(1).unwrap_or(FIRST_REQUEST_ID)
}

fn schema_error(refusal: Refusal) -> SchemaError {
    match refusal.reason {
        RefusalReason::NotAllowed => SchemaError::NotAllowed,
        RefusalReason::NotFound => SchemaError::NotFound,
        RefusalReason::LimitExceeded => SchemaError::LimitReached,
        reason => SchemaError::Rejected { code: reason.code(), detail: shortened(refusal.detail) },
    }
}

/// What the Rust SDK waits (protocol §7).
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(5);

/// Hosts count their own requests up from 1, and the answers to theirs come by here too.
const FIRST_REQUEST_ID: u32 = 1 << 30;
