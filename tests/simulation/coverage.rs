//! What a run has come to, and how often; what it must come to, or it proves less than it says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use datatracks::*;

use super::{
    actions::Action,
    hostile::ATTACKS,
    kinds::{self, Kind},
    reentry::Reentry,
};

/// Visits, by topic and by what was visited.
#[derive(Clone, Default)]
pub struct Coverage(BTreeMap<(&'static str, String), u64>);

impl Coverage {
    fn add(&mut self, topic: &'static str, what: impl fmt::Display, times: u64) {
        if times > 0 {
            *self.0.entry((topic, what.to_string())).or_default() += times;
        }
    }

    pub fn add_all<W: fmt::Display>(
        &mut self,
        topic: &'static str,
        all: impl IntoIterator<Item = (W, u64)>,
    ) {
        all.into_iter().for_each(|(what, times)| self.add(topic, what, times));
    }

    pub fn merge(&mut self, other: Self) {
        for ((topic, what), times) in other.0 {
            self.add(topic, what, times);
        }
    }

    pub fn times(&self, topic: &'static str, what: &str) -> u64 {
        self.0.get(&(topic, what.to_owned())).copied().unwrap_or(0)
    }

    pub fn total(&self, topic: &str) -> u64 {
        self.0.iter().filter(|((of, _), _)| *of == topic).map(|(_, times)| times).sum()
    }

    /// What was not met although it must be: everything once, actions with their share of the steps.
    pub fn missing(&self) -> Vec<String> {
        let steps = self.total(ACTION);
        let unvisited = expected().into_iter().filter(|(topic, what)| self.times(topic, what) == 0);
        let rare = Action::NAMES.iter().filter(|action| self.times(ACTION, action) * 400 < steps);
        let rare =
            rare.map(|action| format!("{ACTION}: {action} in less than 0.25 % of all steps"));
        unvisited.map(|(topic, what)| format!("{topic}: {what}")).chain(rare).collect()
    }

    /// What was visited and stands on no list: a new state, a new arrow.
    pub fn strange(&self) -> Vec<String> {
        let known: BTreeSet<_> = expected().into_iter().chain(rare()).collect();
        let strange = self.0.keys().filter(|(topic, what)| !known.contains(&(*topic, what)));
        strange.map(|(topic, what)| format!("{topic}: {what}")).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut current = "";
        for ((topic, what), times) in &self.0 {
            if *topic != current {
                write!(f, "\n{topic}:")?;
                current = topic;
            }
            write!(f, " {what} {times},")?;
        }
        write!(f, "\nnot met, and rare:")?;
        let unmet = rare().into_iter().filter(|(topic, what)| self.times(topic, what) == 0);
        unmet.into_iter().try_for_each(|(topic, what)| write!(f, " {topic} {what},"))
    }
}

/// Everything that a long run must have come to.
fn expected() -> Vec<(&'static str, &'static str)> {
    let names = |topic, names: &[&'static str]| -> Vec<_> {
        names.iter().map(|name| (topic, *name)).collect()
    };
    let drops = |topic, drops: &[(&'static str, u64)]| -> Vec<_> {
        drops.iter().map(|(name, _)| (topic, *name)).collect()
    };
    [
        names(PUBLISH, &["Ok"]),
        names(PUBLISH, PublishError::EXPECTED),
        names(PUSH, &["Ok"]),
        names(PUSH, PushFrameError::EXPECTED),
        names(SUBSCRIBE, &["Ok"]),
        names(SUBSCRIBE, SubscribeError::EXPECTED),
        names(WAIT, &["Ok"]),
        names(WAIT, WaitError::EXPECTED),
        names(SCHEMA, &["Ok"]),
        names(SCHEMA, SchemaError::EXPECTED),
        names(REENTRY, Reentry::NAMES),
        names(ATTACK, ATTACKS),
        names(FRAMES, &["in all"]),
        names(MOVED, &["found tracks", "handles swapped"]),
        OWN_ARROWS.iter().map(|arrow| (OWN_ARROW, *arrow)).collect(),
        OTHER_ARROWS.iter().map(|arrow| (OTHER_ARROW, *arrow)).collect(),
        names(LOCAL_END, &["Requested", "Revoked", "RepublishRefused", "Shutdown"]),
        names(REMOTE_END, &["Requested", "Revoked", "PublisherLeft", "Shutdown"]),
        names(STREAM_END, StreamEndReason::EXPECTED),
        names(SUBSCRIPTION, SubscriptionState::EXPECTED),
        drops(LOCAL_DROP, &kinds::local_drops(&LocalTrackStats::default())),
        drops(REMOTE_DROP, &kinds::remote_drops(&RemoteTrackStats::default())),
        drops(STREAM_DROP, &kinds::stream_drops(&StreamStats::default())),
        drops(MANAGER_DROP, &kinds::manager_drops(&RemoteManagerStats::default())),
    ]
    .concat()
}

/// What may be visited and need not.
fn rare() -> Vec<(&'static str, &'static str)> {
    let actions = Action::NAMES.iter().map(|name| (ACTION, *name));
    let schemas = SchemaError::RARE.iter().map(|name| (SCHEMA, *name));
    let arrows = RARE_ARROWS.iter().copied();
    actions.chain(schemas).chain(arrows).collect()
}

/// `local/publication.rs`; a republished track is `Asked` or `Pausing`.
const OWN_ARROWS: &[&str] = &[
    "– → Pending",
    "Pending → Pending",
    "Pending → Published",
    "Pending → Abandoned",
    "Pending → resting",
    "Published → Asked",
    "Published → resting",
    "Asked → Asked",
    "Asked → Pausing",
    "Asked → Published",
    "Asked → resting",
    "Pausing → Asked",
    "Pausing → resting",
    "Abandoned → resting",
];

/// `remote/link.rs` and, in small letters, `remote/catalog.rs`.
const OTHER_ARROWS: &[&str] = &[
    "Off → Asked",
    "Off → Offered",
    "Off → Gone",
    "Offered → On",
    "Offered → Offered",
    "Offered → Off",
    "Offered → Gone",
    "Asked → On",
    "Asked → Ending",
    "Asked → Off",
    "Asked → Gone",
    "On → On",
    "On → Asked",
    "On → Ending",
    "On → Off",
    "On → Gone",
    "Ending → Asked",
    "Ending → On",
    "Ending → Ending",
    "Ending → Off",
    "Ending → Gone",
    "Gone → Asked",
    "Gone → Off",
    "not listed → published",
    "published → published",
    "published → held",
    "published → unpublished",
    "held → published",
    "held → unpublished",
];

/// Those that take more luck than a run has.
const RARE_ARROWS: &[(&str, &str)] = &[
    // A handle that came before the track was listed again.
    (OTHER_ARROW, "Off → On"),
    (OTHER_ARROW, "Gone → On"),
    (OTHER_ARROW, "Gone → Offered"),
    // The answer to an attempt that was given up.
    (OWN_ARROW, "Pausing → Published"),
];

pub const ACTION: &str = "action";
pub const FRAMES: &str = "frames read";
pub const PUBLISH: &str = "publish ends";
pub const PUSH: &str = "push ends";
pub const SUBSCRIBE: &str = "subscribe ends";
pub const WAIT: &str = "wait ends";
pub const SCHEMA: &str = "schema ends";
pub const REENTRY: &str = "from inside a callback";
pub const OWN_ARROW: &str = "arrows of publications";
pub const OTHER_ARROW: &str = "arrows of links and of the catalog";
pub const MOVED: &str = "moved and swapped";
pub const ATTACK: &str = "hostile packets";
pub const LOCAL_END: &str = "own track ends";
pub const REMOTE_END: &str = "other's track ends";
pub const STREAM_END: &str = "stream ends";
pub const SUBSCRIPTION: &str = "subscription is";
pub const LOCAL_DROP: &str = "not sent for";
pub const REMOTE_DROP: &str = "not received for";
pub const STREAM_DROP: &str = "not read for";
pub const MANAGER_DROP: &str = "of no effect";
