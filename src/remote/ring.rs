//! The frames of one stream that wait for `next`: bounded, and frank about what it drops.

use std::collections::VecDeque;

use crate::{frame::DataTrackFrame, options::BufferPolicy};

/// A bounded queue of frames.
pub(super) struct Ring {
    frames: VecDeque<DataTrackFrame>,
    capacity: usize,
    policy: BufferPolicy,
}

impl Ring {
    /// A ring for `capacity` frames, at least one.
    pub(super) fn new(capacity: usize, policy: BufferPolicy) -> Self {
        let capacity = match policy {
            BufferPolicy::DropOldest | BufferPolicy::DropNewest => capacity.max(1),
            BufferPolicy::LatestOnly => 1,
        };
        Self { frames: VecDeque::new(), capacity, policy }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Takes a frame; answers the one that is dropped for it.
    pub(super) fn push(&mut self, frame: DataTrackFrame) -> Option<DataTrackFrame> {
        if self.frames.len() < self.capacity {
            self.frames.push_back(frame);
            return None;
        }
        match self.policy {
            BufferPolicy::DropNewest => Some(frame),
            BufferPolicy::DropOldest | BufferPolicy::LatestOnly => {
                let oldest = self.frames.pop_front();
                self.frames.push_back(frame);
                oldest
            }
        }
    }

    /// Drops the oldest frame for want of memory, unless the policy keeps what came first.
    pub(super) fn make_room(&mut self) -> Option<DataTrackFrame> {
        match self.policy {
            BufferPolicy::DropNewest => None,
            BufferPolicy::DropOldest | BufferPolicy::LatestOnly => self.frames.pop_front(),
        }
    }

    pub(super) fn pop(&mut self) -> Option<DataTrackFrame> {
        self.frames.pop_front()
    }

    /// Up to `most` frames, oldest first.
    pub(super) fn drain(&mut self, most: usize) -> impl Iterator<Item = DataTrackFrame> {
        self.frames.drain(..most.min(self.frames.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64) -> DataTrackFrame {
        DataTrackFrame { user_timestamp: Some(number), ..DataTrackFrame::default() }
    }

    fn run(capacity: usize, policy: BufferPolicy) -> (Vec<u64>, Vec<u64>) {
        let mut ring = Ring::new(capacity, policy);
        let dropped = (0..5).filter_map(|number| ring.push(frame(number))?.user_timestamp);
        let dropped = dropped.collect();
        let kept = std::iter::from_fn(|| ring.pop()?.user_timestamp).collect();
        (kept, dropped)
    }

    #[test]
    fn each_policy_drops_what_it_says() {
        assert_eq!(run(3, BufferPolicy::DropOldest), (vec![2, 3, 4], vec![0, 1]));
        assert_eq!(run(3, BufferPolicy::DropNewest), (vec![0, 1, 2], vec![3, 4]));
        assert_eq!(run(3, BufferPolicy::LatestOnly), (vec![4], vec![0, 1, 2, 3]));
        assert_eq!(run(0, BufferPolicy::DropOldest), (vec![4], vec![0, 1, 2, 3]), "never none");
    }
}
