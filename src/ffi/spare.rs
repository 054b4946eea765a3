//! Memory that a thread keeps from one push to the next, so that a frame whose packets the host has let go of costs no allocation.

use std::{cell::Cell, time::Instant};

use crate::local::{
    numbers::Unnumbered,
    packetizer::{PacketizeError, Packetizer, Seal, Size, Spare},
};

/// Makes the packets of a frame in this thread's spare memory. Inside of another push it is lent, and new memory is taken.
pub(super) fn packetize(
    packetizer: &mut Packetizer,
    payload: &[u8],
    user_timestamp: Option<u64>,
    seal: Seal<'_>,
    size: Size,
    now: Instant,
) -> Result<Unnumbered, PacketizeError> {
    let mut spare = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let packets = packetizer.packetize(payload, user_timestamp, seal, size, now, &mut spare);
    // A thread that ends has no place for it any more.
    let _ = SPARE.try_with(|place| place.set(Some(spare)));
    packets
}

thread_local! {
    static SPARE: Cell<Option<Spare>> = const { Cell::new(None) };
}
