//! Random sessions against a small SFU that loses, refuses and forgets: in the end it has what is wanted, and every wait ended once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    signal::{Participant, Refusal, RefusalReason, RefusedRequest, SignalIn},
    track::DataTrackInfo,
};

#[derive(Clone, Debug)]
enum Step {
    Publish(u8),
    Unpublish(u8),
    Abandon(u8),
    Answer(u8),
    List,
    Advance(u64),
    FullReconnect,
    /// What happens to the next request.
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    NotSent,
    /// The host sent it, but it did not arrive.
    Vanished,
    Refused,
    AnswerLost,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop::sample::select(vec![
        Fault::NotSent,
        Fault::Vanished,
        Fault::Refused,
        Fault::AnswerLost,
    ]);
    let step = prop_oneof![
        6 => (0_u8..6).prop_map(Step::Publish),
        3 => any::<u8>().prop_map(Step::Unpublish),
        2 => any::<u8>().prop_map(Step::Abandon),
        8 => (1_u8..4).prop_map(Step::Answer),
        2 => Just(Step::List),
        3 => (0_u64..6_000).prop_map(Step::Advance),
        1 => Just(Step::FullReconnect),
        3 => fault.prop_map(Step::Fault),
    ];
    prop::collection::vec(step, 1..120)
}

/// What became of a publication, as its caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Abandoned,
    Failed,
    Published,
    Ended,
}

struct World {
    ours: Publications,
    now: Instant,
    fates: BTreeMap<LocalKey, Fate>,
    tracks: BTreeMap<Handle, DataTrackInfo>,
    answers: VecDeque<SignalIn>,
    fault: Fault,
    session: u32,
    sids: u32,
}

impl World {
    fn new() -> Self {
        Self {
            ours: Publications::new(Some("alice".into()), false),
            now: Instant::now(),
            fates: BTreeMap::new(),
            tracks: BTreeMap::new(),
            answers: VecDeque::new(),
            fault: Fault::None,
            session: 1,
            sids: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish(name) => {
                let options = DataTrackOptions::new(format!("{name}"));
                if let Ok(key) = self.ours.publish(options, self.now) {
                    assert_eq!(self.fates.insert(key, Fate::Waiting), None, "keys are for good");
                }
            }
            Step::Unpublish(which) => {
                if let Some(key) = self.pick(which, Fate::Published) {
                    self.ours.unpublish(key, self.now);
                }
            }
            Step::Abandon(which) => {
                if let Some(key) = self.pick(which, Fate::Waiting) {
                    self.fates.insert(key, Fate::Abandoned);
                    self.ours.abandon(key, self.now);
                }
            }
            Step::Answer(count) => (0..count).for_each(|_| self.answer()),
            Step::List => self.list(),
            Step::Advance(ms) => self.advance(Duration::from_millis(ms)),
            Step::FullReconnect => self.reconnect(),
            Step::Fault(fault) => self.fault = fault,
        }
        self.act();
    }

    fn pick(&self, which: u8, fate: Fate) -> Option<LocalKey> {
        let all: Vec<_> = self.fates.iter().filter(|(_, is)| **is == fate).collect();
        (!all.is_empty()).then(|| *all[usize::from(which) % all.len()].0)
    }

    fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(at) = self.ours.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.ours.handle_timeout(self.now);
            assert!(
                self.ours.poll_timeout().is_none_or(|next| next > self.now),
                "no standing still"
            );
            self.act();
        }
        self.now = end;
    }

    fn act(&mut self) {
        while let Some(output) = self.ours.poll_output() {
            match output {
                Output::Request { signal, cause } => {
                    match std::mem::replace(&mut self.fault, Fault::None) {
                        Fault::None => self.request(signal),
                        Fault::NotSent => self.ours.request_not_sent(cause, self.now),
                        Fault::Vanished => {}
                        Fault::Refused => self.refuse_anyhow(&signal),
                        Fault::AnswerLost => {
                            self.request(signal);
                            self.answers.pop_back();
                        }
                    }
                }
                Output::Published { key, .. } => self.turn(key, Fate::Waiting, Fate::Published),
                Output::NotPublished { key, .. } => self.turn(key, Fate::Waiting, Fate::Failed),
                Output::Ended { key, .. } => self.turn(key, Fate::Published, Fate::Ended),
                Output::Held(key) | Output::Resumed(key) | Output::Renamed { key, .. } => {
                    assert_eq!(self.fates[&key], Fate::Published);
                }
                Output::Schema { .. } => panic!("no schema was asked for"),
            }
        }
    }

    fn turn(&mut self, key: LocalKey, from: Fate, to: Fate) {
        assert_eq!(self.fates.insert(key, to), Some(from));
    }

    fn refuse_anyhow(&mut self, signal: &SignalOut) {
        match signal {
            SignalOut::Publish { handle, .. } => {
                self.refuse(
                    RefusedRequest::Publish(handle.get().into()),
                    RefusalReason::NotAllowed,
                );
            }
            other => self.request(other.clone()),
        }
    }

    /// The SFU takes a request.
    fn request(&mut self, signal: SignalOut) {
        match signal {
            SignalOut::Publish { handle, name, .. } => self.take_publish(handle, name),
            SignalOut::Unpublish { handle } => match self.tracks.remove(&handle) {
                Some(info) => {
                    let track = TrackDescription { handle, info };
                    self.answers.push_back(SignalIn::UnpublishResponse(track));
                }
                None => self.refuse(
                    RefusedRequest::Unpublish(handle.get().into()),
                    RefusalReason::NotFound,
                ),
            },
            other => panic!("not asked for: {other:?}"),
        }
    }

    fn take_publish(&mut self, handle: Handle, name: String) {
        let refused = RefusedRequest::Publish(handle.get().into());
        if self.tracks.contains_key(&handle) {
            return self.refuse(refused, RefusalReason::DuplicateHandle);
        }
        if self.tracks.values().any(|info| info.name == name) {
            return self.refuse(refused, RefusalReason::DuplicateName);
        }
        self.sids += 1;
        let info = DataTrackInfo { sid: format!("DTR_{}", self.sids), name, ..Default::default() };
        self.tracks.insert(handle, info.clone());
        self.answers.push_back(SignalIn::PublishResponse(TrackDescription { handle, info }));
    }

    fn refuse(&mut self, request: RefusedRequest, reason: RefusalReason) {
        let refusal = Refusal { request_id: 0, reason, detail: String::new(), request };
        self.answers.push_back(SignalIn::Refused(refusal));
    }

    fn answer(&mut self) {
        if let Some(answer) = self.answers.pop_front() {
            self.ours.handle_signal(answer, self.now);
            self.act();
        }
    }

    /// In order with the answers, as the SFU sends it.
    fn list(&mut self) {
        let tracks = self.tracks.iter();
        let us = Participant {
            identity: "alice".into(),
            sid: format!("PA_{}", self.session),
            joined_at_ms: 0,
            connected: true,
            may_return: false,
            can_publish_data: Some(true),
            tracks: tracks
                .map(|(handle, info)| TrackDescription { handle: *handle, info: info.clone() })
                .collect(),
        };
        self.answers.push_back(SignalIn::Update(vec![us]));
    }

    fn reconnect(&mut self) {
        self.tracks.clear();
        self.answers.clear();
        self.session += 1;
        self.ours.republish(self.now);
    }

    /// Time passes, nothing fails any more.
    fn heal(&mut self) {
        self.fault = Fault::None;
        for second in 0..120 {
            if second % 4 == 0 {
                self.list();
            }
            while !self.answers.is_empty() {
                self.answer();
            }
            self.advance(Duration::from_secs(1));
        }
    }

    fn check(&self) {
        let published = self.ours.sync_state();
        assert_eq!(published.len(), self.ours.tracks.len(), "all is settled");
        let known: BTreeMap<_, _> =
            published.into_iter().map(|track| (track.handle, track.info)).collect();
        assert_eq!(known, self.tracks, "the SFU has what is wanted, under the same SIDs");
        assert!(self.fates.values().all(|fate| *fate != Fate::Waiting), "every wait has ended");
        let published = self.fates.values().filter(|fate| **fate == Fate::Published).count();
        assert_eq!(published, self.tracks.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn in_the_end_the_sfu_has_what_is_wanted(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.heal();
        world.check();
    }
}
