//! datatracks at work.

mod host;
mod lockstep;

use datatracks_bench_side::{Kind, Publisher, Side, Subscriber};

/// datatracks.
pub(crate) struct Ours;

impl Side for Ours {
    fn publisher(&self, kind: Kind, tracks: usize) -> Box<dyn Publisher> {
        Box::new(lockstep::Sender::new(kind, tracks))
    }

    fn subscriber(&self, kind: Kind, tracks: usize) -> Box<dyn Subscriber> {
        Box::new(lockstep::Reader::new(kind, tracks))
    }
}
