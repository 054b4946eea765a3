//! One publication, from the request to the end.
//!
//! ```text
//!  publish ──► Pending ───── ok answer ─────► Published ◄────── ok answer ───────┐
//!               │   │                          │     └── republish ──► Republishing { Asked ⇄ Pausing }
//!     cancelled,│   │refused, not sent,        │ unpublish, revoked,         │ unpublish,
//!     timed out │   │contradicted, shutdown    │ shutdown                    │ refused for good, shutdown
//!               ▼   ▼                          ▼                             ▼
//!         Abandoned ─ any answer, listed ─► (resting: see `handles`) ◄───────┘
//! ```
//! *Abandoned* means that nobody waits any more and the answer is still to come: an ok one is undone at once. An answer that
//! contradicts the request (another name, encryption switched) is undone too: what was asked to be encrypted never goes plain.

use std::time::Instant;

use crate::{
    options::DataTrackOptions,
    signal::{SignalOut, TrackDescription},
    track::{DataTrackInfo, Handle},
};

/// A track of ours that is, or is to be, known to the SFU.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) generation: u32,
    pub(crate) options: DataTrackOptions,
    pub(crate) encrypted: bool,
    pub(crate) state: State,
}

/// See the drawing.
#[derive(Debug)]
pub(crate) enum State {
    /// Asked for, the caller waits.
    Pending {
        deadline: Instant,
        /// A track of that name is about to be undone: a refusal as duplicate calls for another try.
        again: bool,
        /// The SFU lists it, whatever has become of its answer.
        listed: bool,
    },
    /// The SFU knows the track.
    Published {
        sid: String,
        /// Since when it does in this session; `None` when it has not said so yet.
        confirmed: Option<Instant>,
    },
    /// A full reconnect took it from the SFU.
    Republishing { sid: String, attempt: u32, step: Step },
}

/// How far an attempt to republish is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The SFU has until then to answer.
    Asked { deadline: Instant },
    /// It refused; it is asked again then.
    Pausing { until: Instant },
}

/// A publication that nobody waits for.
#[derive(Debug)]
pub(crate) struct Abandoned {
    pub(crate) name: String,
}

/// Where a publication begins, in the drawing.
pub(super) const NOT_THERE: &str = "–";
/// Where nobody waits for its answer.
pub(super) const ABANDONED: &str = "Abandoned";
/// Where it ends.
pub(super) const RESTING: &str = "resting";

impl Publication {
    /// The request for it; the same after a reconnect.
    pub(crate) fn request(&self, handle: Handle) -> SignalOut {
        SignalOut::Publish {
            handle,
            name: self.options.name.clone(),
            encrypted: self.encrypted,
            frame_encoding: self.options.frame_encoding.clone(),
            schema: self.options.schema.clone(),
        }
    }

    /// What is known of it under this SID.
    pub(crate) fn info(&self, sid: String) -> DataTrackInfo {
        DataTrackInfo {
            sid,
            name: self.options.name.clone(),
            uses_e2ee: self.encrypted,
            schema: self.options.schema.clone(),
            frame_encoding: self.options.frame_encoding.clone(),
        }
    }

    /// True when the SFU has taken it for something else.
    pub(crate) fn contradicted_by(&self, track: &TrackDescription) -> bool {
        track.info.name != self.options.name || track.info.uses_e2ee != self.encrypted
    }
}

impl State {
    /// As in the drawing.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "Pending",
            Self::Published { .. } => "Published",
            Self::Republishing { step: Step::Asked { .. }, .. } => "Asked",
            Self::Republishing { step: Step::Pausing { .. }, .. } => "Pausing",
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Pending { deadline, .. }
            | Self::Republishing { step: Step::Asked { deadline }, .. } => Some(*deadline),
            Self::Republishing { step: Step::Pausing { until }, .. } => Some(*until),
            Self::Published { .. } => None,
        }
    }
}
