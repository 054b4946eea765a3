//! The publishing side: which tracks are published, and how their frames leave.
//!
//! Two machines that share nothing but the [`LocalKey`](output::LocalKey) of a track:
//!
//! ```text
//!  signals, wishes, deadlines ──► publications ──► requests, events, ends of waits
//!  frames ──► packetizer ──► send_queue (waiting rooms, pacing, spread) ──► packets
//! ```
//! Neither sends, waits, locks or reads a clock: `ffi` hands in time and chance, and acts on what comes out.

mod answers;
mod bits;
mod channel;
mod handles;
mod lanes;
pub(crate) mod numbers;
pub(crate) mod output;
mod own_update;
mod pacing;
pub(crate) mod packetizer;
mod publication;
pub(crate) mod publications;
mod republish;
mod rules;
mod schemas;
mod seal_turns;
pub(crate) mod send_queue;
mod spread;
mod turn;
pub(crate) mod waiting_room;
