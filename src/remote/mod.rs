//! Tracks of the other participants: what they publish, what of it is read here, and how packets become frames again.
//!
//! Owns every rule of the subscribing side. Never locks, waits, reads a clock or calls out: `ffi` does that, with
//! one lock for [`Control`], one for [`Routing`] and one for each track's [`Receiver`], so that packets and signals never wait for
//! each other.
//!
//! ```text
//!  signals, verbs ─► Control ── catalog (what is published)
//!                       │  └─── subscription, link (what is wanted, what the SFU was told)
//!                       ▼ routes, streams begin and end
//!  packets ─────────► Routing ─► Receiver ── reassembly (fragments, window) ─► stream (ordering, ring) ─► next
//! ```

mod budget;
mod catalog;
mod control;
mod fragments;
mod link;
mod memory;
mod opening;
mod ordering;
mod pieces;
mod reassembly;
mod receiver;
mod replay;
mod ring;
mod routing;
mod stream;
mod subscription;
mod window;

pub(crate) use self::{
    budget::Budgets,
    catalog::TrackId,
    control::{Control, FinderId, Output, Search},
    link::Request,
    opening::Sealed,
    receiver::{ReaderId, Receiver},
    replay::Mark,
    routing::{Destination, Routing},
    stream::{Next, StreamOptions},
};
