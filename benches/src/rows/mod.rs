//! What is measured. Each file makes the rows of one question.

mod among;
mod delays;
mod flood;
pub(crate) mod hopes;
mod lockstep;
mod many;
pub(crate) mod method;
pub(crate) mod notes;
mod order;

use datatracks_bench_side::Side;

use crate::row::Row;

/// Both sides, and how much they do.
pub(crate) struct Bench {
    pub(crate) ours: &'static dyn Side,
    pub(crate) peer: &'static dyn Side,
    /// Rounds of each side.
    pub(crate) rounds: usize,
    /// Divides the work of a round.
    pub(crate) divisor: u64,
}

/// Rows that belong together, chosen by the name that their own begin with.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) measure: fn(&Bench) -> Vec<Row>,
}

impl Bench {
    /// Frames of a round: some ten milliseconds.
    fn frames(&self, size: usize) -> u64 {
        (BYTES_OF_A_ROUND / (size as u64 + COST_OF_A_FRAME) / self.divisor).max(4)
    }
}

/// All there is, in the order of the table.
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "publish", measure: lockstep::publish },
    Group { name: "subscribe", measure: lockstep::subscribe },
    Group { name: "sealed", measure: lockstep::sealed },
    Group { name: "tracks", measure: many::curves },
    Group { name: "participants", measure: among::participants },
    Group { name: "streams", measure: among::streams },
    Group { name: "in flight", measure: among::in_flight },
    Group { name: "flood/push", measure: flood::push },
    Group { name: "flood/read", measure: flood::read },
    Group { name: "burst", measure: flood::bursts },
    Group { name: "order", measure: order::jumbled },
    Group { name: "signals", measure: flood::signals },
    Group { name: "latency/push", measure: delays::push },
    Group { name: "latency/packet", measure: delays::read },
    Group { name: "idle", measure: many::idle },
    Group { name: "at once", measure: many::at_once },
];

const BYTES_OF_A_ROUND: u64 = 512 << 20;

/// What a frame costs beside its bytes, in bytes.
const COST_OF_A_FRAME: u64 = 4 << 10;
