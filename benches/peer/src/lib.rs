//! livekit-datatrack at work: its actors on a tokio runtime, its channels where a host would stand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod host;
mod lockstep;
mod seal;

use datatracks_bench_side::{Kind, Publisher, Side, Subscriber, counting::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Peer;

impl Side for Peer {
    fn publisher(&self, kind: Kind, tracks: usize) -> Box<dyn Publisher> {
        Box::new(lockstep::Sender::new(kind, tracks))
    }

    fn subscriber(&self, kind: Kind, tracks: usize) -> Box<dyn Subscriber> {
        Box::new(lockstep::Reader::new(kind, tracks))
    }
}

/// What the library is loaded for.
#[allow(unsafe_code)]
// SAFETY: no other symbol of the process has this name.
#[unsafe(no_mangle)]
pub fn datatracks_bench_peer() -> &'static dyn Side {
    &Peer
}
