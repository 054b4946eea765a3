//! What the control lock guards: the publications, the objects that stand for them, and what is to be called out.

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Instant};

use super::{
    LocalDataTrack, LocalDataTrackManagerDelegate,
    local_control::Control,
    local_push::Sealing,
    local_sending::{Host, Sending},
    lock::Drained,
    wait::{Completion, wake},
};
use crate::{
    error::{PublishError, SchemaError},
    local::{
        output::{Cause, LocalKey, Output},
        publications::Publications,
    },
    options::DataTrackOptions,
    signal::SignalOut,
    sorted::SortedMap,
    track::{DataTrackInfo, UnpublishReason},
};

/// See the module.
pub(super) struct State {
    pub(super) publications: Publications,
    pub(super) tracks: SortedMap<LocalKey, Arc<LocalDataTrack>>,
    pub(super) publishes: SortedMap<LocalKey, Arc<PublishWait>>,
    pub(super) schemas: SortedMap<u32, Arc<SchemaWait>>,
    /// Ends of waits that a `Drop` brought about.
    pub(super) left: Ends,
    actions: VecDeque<Action>,
    draining: bool,
    delegate: Option<Arc<dyn LocalDataTrackManagerDelegate>>,
    sealing: Sealing,
    published: u64,
}

pub(super) type PublishWait = Completion<Publish>;
pub(super) type SchemaWait = Completion<Schema>;
type Publish = Result<Arc<LocalDataTrack>, PublishError>;
type Schema = Result<Vec<u8>, SchemaError>;

/// Something to be called out.
pub(super) enum Action {
    Request {
        signal: SignalOut,
        cause: Cause,
    },
    Published(Arc<LocalDataTrack>),
    Unpublished(Arc<LocalDataTrack>, UnpublishReason),
    /// The last one: lets the delegate go.
    LetGo,
}

/// An action and whom it is for.
pub(super) struct Deeds {
    pub(super) action: Action,
    pub(super) delegate: Option<Arc<dyn LocalDataTrackManagerDelegate>>,
}

/// Waits that are over. End them without a lock: wakers are foreign code.
#[derive(Default)]
pub(super) struct Ends {
    publishes: Vec<(Arc<PublishWait>, Publish)>,
    schemas: Vec<(Arc<SchemaWait>, Schema)>,
    wakers: Vec<Waker>,
    /// Frames that waited for a track to be published again may leave.
    pub(super) resumed: bool,
    /// Kept until here, since a `Drop` must let nothing of the host go.
    kept: Vec<Kept>,
    tracks: Vec<Arc<LocalDataTrack>>,
}

/// What a dropped manager leaves behind.
pub(super) struct Kept {
    pub(super) _control: Arc<Control>,
    pub(super) _host: Option<Host>,
}

impl Ends {
    pub(super) fn end(self) {
        self.publishes.into_iter().for_each(|(wait, result)| wait.complete(result));
        self.schemas.into_iter().for_each(|(wait, result)| wait.complete(result));
        self.wakers.into_iter().for_each(wake);
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.publishes.append(&mut others.publishes);
        self.schemas.append(&mut others.schemas);
        self.wakers.append(&mut others.wakers);
        self.resumed |= others.resumed;
        self.kept.append(&mut others.kept);
        self.tracks.append(&mut others.tracks);
    }
}

impl State {
    pub(super) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    pub(super) fn new(
        delegate: Arc<dyn LocalDataTrackManagerDelegate>,
        local_identity: Option<String>,
        sealing: Sealing,
    ) -> Self {
        let encrypts = !matches!(sealing, Sealing::Plain);
        Self {
            publications: Publications::new(local_identity, encrypts),
            tracks: SortedMap::default(),
            publishes: SortedMap::default(),
            schemas: SortedMap::default(),
            left: Ends::default(),
            actions: VecDeque::new(),
            draining: false,
            delegate: Some(delegate),
            sealing,
            published: 0,
        }
    }

    /// Nobody waits for a publication any more.
    pub(super) fn abandon(&mut self, key: LocalKey, now: Instant) {
        self.publishes.remove(&key);
        self.publications.abandon(key, now);
    }

    /// Nobody waits for a schema any more.
    pub(super) fn abandon_schema(&mut self, request_id: u32) {
        self.schemas.remove(&request_id);
        self.publications.abandon_schema(request_id);
    }

    /// Lets the delegate go after the callbacks that are still to come.
    pub(super) fn let_go(&mut self) {
        self.actions.push_back(Action::LetGo);
    }

    /// Ends every wait, and forgets what was to be called out.
    pub(super) fn orphan(&mut self, kept: Kept, sending: &Sending, now: Instant) {
        self.publications.shutdown(now);
        while self.publications.poll_output().is_some() {}
        self.actions.clear();
        let mut outbox = sending.outbox();
        for track in std::mem::take(&mut self.tracks).into_values() {
            outbox.queue.end(track.lane);
            self.left.wakers.append(&mut track.about().end.close());
            self.left.tracks.push(track);
        }
        self.left.wakers.extend(outbox.wakers().into_iter().flatten());
        self.left.kept.push(kept);
    }

    /// Takes the effect of what the publications decided; queues what is to be called out.
    pub(super) fn settle(&mut self, sending: &Arc<Sending>) -> Ends {
        let mut ends = Ends::default();
        while let Some(output) = self.publications.poll_output() {
            self.take(output, sending, &mut ends);
        }
        ends
    }

    fn take(&mut self, output: Output, sending: &Arc<Sending>, ends: &mut Ends) {
        match output {
            Output::Request { signal, cause } => {
                self.actions.push_back(Action::Request { signal, cause });
            }
            Output::Published { key, info, options } => {
                self.begin(key, info, &options, sending, ends);
            }
            Output::NotPublished { key, error } => {
                ends.publishes.extend(self.publishes.remove(&key).map(|wait| (wait, Err(error))));
            }
            Output::Held(key) => {
                if let Some(track) = self.tracks.get(&key) {
                    sending.outbox().queue.hold(track.lane);
                }
            }
            Output::Resumed(key) => {
                if let Some(track) = self.tracks.get(&key) {
                    sending.outbox().queue.resume(track.lane);
                    ends.resumed = true;
                }
            }
            Output::Renamed { key, sid } => {
                if let Some(track) = self.tracks.get(&key) {
                    track.about().info.sid = sid;
                }
            }
            Output::Ended { key, reason } => self.end(key, reason, sending, ends),
            Output::Schema { request_id, result } => {
                ends.schemas.extend(self.schemas.remove(&request_id).map(|wait| (wait, result)));
            }
        }
    }

    fn begin(
        &mut self,
        key: LocalKey,
        info: DataTrackInfo,
        options: &DataTrackOptions,
        sending: &Arc<Sending>,
        ends: &mut Ends,
    ) {
        self.published += 1;
        let sealing = if info.uses_e2ee { self.sealing.clone() } else { Sealing::Plain };
        let track = LocalDataTrack::new(key, self.published, info, options, sending, sealing);
        self.tracks.insert(key, Arc::clone(&track));
        let wait = self.publishes.remove(&key);
        ends.publishes.extend(wait.map(|wait| (wait, Ok(Arc::clone(&track)))));
        self.actions.push_back(Action::Published(track));
    }

    fn end(
        &mut self,
        key: LocalKey,
        reason: UnpublishReason,
        sending: &Arc<Sending>,
        ends: &mut Ends,
    ) {
        let Some(track) = self.tracks.remove(&key) else { return };
        ends.wakers.append(&mut track.about().end.set(reason));
        {
            let mut outbox = sending.outbox();
            outbox.queue.end(track.lane);
            ends.wakers.extend(outbox.wakers().into_iter().flatten());
        }
        self.actions.push_back(Action::Unpublished(track, reason));
    }
}

impl Drained for State {
    type Output = Deeds;

    fn draining(&mut self) -> &mut bool {
        &mut self.draining
    }

    fn poll_output(&mut self) -> Option<Deeds> {
        let action = self.actions.pop_front()?;
        let delegate = match action {
            Action::LetGo => self.delegate.take(),
            Action::Request { .. } | Action::Published(_) | Action::Unpublished(..) => {
                self.delegate.clone()
            }
        };
        Some(Deeds { action, delegate })
    }
}
