//! Who holds much of a manager's memory leaves some of it to those that hold little, or a few greedy tracks, or readers that have
//! stopped, would have all of it for good.

/// What a track or stream that holds `held` bytes leaves of its manager's memory.
pub(crate) const fn kept_from(held: usize) -> usize {
    if held > LITTLE { KEPT_FOR_LITTLE } else { 0 }
}

/// More than a track or stream holds that is slow, or is read in time.
const LITTLE: usize = 64 << 10;

/// For sixty-four such ones.
pub(crate) const KEPT_FOR_LITTLE: usize = 4 << 20;
