//! Frames of one stream in publishing order.
//!
//! ```text
//!  frame ──► next in line ──────────────────────────────────────► out
//!        ├─► ahead: held until what is missing comes, or its window is over ──► out, with all before it
//!        └─► behind: late
//! ```
//! Next in line is the following frame number, or the following packet: publishers of other SDKs skip numbers of frames that they
//! drop, but no sequence numbers. So where no packet is missing nothing is held. What our own drops while it waits leaves a gap in
//! both, like what is lost. A stream that begins in the middle of a track does not know what came before: its first frame is
//! held for the window too, unless it is the track's very first.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::{frame::DataTrackFrame, packet::serial::is_newer};

/// A complete frame and its place on the track.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) number: u16,
    pub(super) first: u16,
    pub(super) last: u16,
    /// `None` for one that could not be opened or was refused: it is not handed out, but holds nothing up either.
    pub(super) frame: Option<DataTrackFrame>,
}

/// What became of a frame.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is out, and maybe others after it.
    Now,
    /// It waits for an earlier one.
    Held,
    /// Its turn is over.
    Late,
}

/// Holds complete frames back until their turn.
pub(super) struct Ordering {
    window: Duration,
    position: Position,
    /// By frame number.
    held: VecDeque<(Placed, Instant)>,
}

#[derive(Clone, Copy)]
enum Position {
    Start,
    After { number: u16, sequence: u16 },
}

impl Ordering {
    pub(super) fn new(window: Duration) -> Self {
        Self { window, position: Position::Start, held: VecDeque::new() }
    }

    /// How many frames are held.
    pub(super) fn len(&self) -> usize {
        self.held.iter().filter(|(placed, _)| placed.frame.is_some()).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn window(&self) -> Duration {
        self.window
    }

    /// When the next held frame's window is over.
    pub(super) fn due(&self) -> Option<Instant> {
        // Mostly nothing is held, and this is asked for every packet.
        self.held.front()?;
        self.held.iter().map(|(_, due)| *due).min()
    }

    /// Takes a frame; `out` gets it and others whose turn it is.
    pub(super) fn push(
        &mut self,
        placed: Placed,
        now: Instant,
        mut out: impl FnMut(DataTrackFrame),
    ) -> Turn {
        self.release(now, &mut out);
        if self.is_behind(&placed) {
            return Turn::Late;
        }
        if self.window.is_zero() || self.is_next(&placed) && !self.is_after_held(&placed) {
            self.hand_out(placed, &mut out);
            self.hand_out_line(&mut out);
            return Turn::Now;
        }
        let at = self.held.partition_point(|(held, _)| is_newer(placed.number, held.number));
        self.held.insert(at, (placed, now + self.window));
        if self.held.len() > MAX_HELD {
            self.hand_out_through(0, &mut out);
            self.hand_out_line(&mut out);
        }
        Turn::Held
    }

    /// Hands out the frames whose window is over, with all before them, and what follows them without a gap.
    pub(super) fn release(&mut self, now: Instant, mut out: impl FnMut(DataTrackFrame)) {
        if self.held.is_empty() {
            return;
        }
        if let Some(last) = self.held.iter().rposition(|(_, due)| *due <= now) {
            self.hand_out_through(last, &mut out);
            self.hand_out_line(&mut out);
        }
    }

    /// Hands everything out, whatever is missing.
    pub(super) fn flush(&mut self, mut out: impl FnMut(DataTrackFrame)) {
        self.hand_out_through(self.held.len(), &mut out);
    }

    /// Hands everything out; what comes next begins anew.
    pub(super) fn restart(&mut self, out: impl FnMut(DataTrackFrame)) {
        self.flush(out);
        self.position = Position::Start;
    }

    /// The turn of this frame is over.
    pub(super) fn is_behind(&self, placed: &Placed) -> bool {
        match self.position {
            Position::Start => false,
            Position::After { number, .. } => !is_newer(placed.number, number),
        }
    }

    fn is_next(&self, placed: &Placed) -> bool {
        match self.position {
            Position::Start => placed.number == 0 && placed.first == 0,
            Position::After { number, sequence } => {
                placed.number == number.wrapping_add(1) || placed.first == sequence.wrapping_add(1)
            }
        }
    }

    /// An earlier frame is held: what looks like the track's very first is its first after the numbers have wrapped.
    fn is_after_held(&self, placed: &Placed) -> bool {
        self.held.front().is_some_and(|(held, _)| is_newer(placed.number, held.number))
    }

    fn hand_out(&mut self, placed: Placed, out: &mut impl FnMut(DataTrackFrame)) {
        self.position = Position::After { number: placed.number, sequence: placed.last };
        if let Some(frame) = placed.frame {
            out(frame);
        }
    }

    fn hand_out_through(&mut self, last: usize, out: &mut impl FnMut(DataTrackFrame)) {
        for _ in 0..=last {
            let Some((placed, _)) = self.held.pop_front() else { return };
            self.hand_out(placed, out);
        }
    }

    fn hand_out_line(&mut self, out: &mut impl FnMut(DataTrackFrame)) {
        while self.held.front().is_some_and(|(placed, _)| self.is_next(placed)) {
            self.hand_out_through(0, out);
        }
    }
}

/// More than any reordering that can be put right; what is beyond goes out before its window is over.
const MAX_HELD: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const WINDOW: Duration = Duration::from_millis(20);
    const TICK: Duration = Duration::from_nanos(1);

    struct Bench {
        ordering: Ordering,
        now: Instant,
        out: Vec<u64>,
    }

    impl Bench {
        fn new(window: Duration) -> Self {
            Self { ordering: Ordering::new(window), now: Instant::now(), out: Vec::new() }
        }

        /// A frame of one packet whose sequence number is its frame number.
        fn push(&mut self, number: u16) -> Turn {
            self.push_packets(number, number, number)
        }

        fn push_packets(&mut self, number: u16, first: u16, last: u16) -> Turn {
            let frame =
                DataTrackFrame { user_timestamp: Some(number.into()), ..DataTrackFrame::default() };
            let placed = Placed { number, first, last, frame: Some(frame) };
            self.ordering.push(placed, self.now, |frame| self.out.extend(frame.user_timestamp))
        }

        fn release_at(&mut self, now: Instant) {
            self.now = now;
            self.ordering.release(now, |frame| self.out.extend(frame.user_timestamp));
        }
    }

    #[test]
    fn frames_in_order_are_never_held() {
        let mut bench = Bench::new(WINDOW);
        for number in 0..=u16::MAX {
            assert!(matches!(bench.push(number), Turn::Now));
        }
        assert!(matches!(bench.push(0), Turn::Now), "across the wrap");
        assert_eq!(bench.out.len(), 65_537);
    }

    #[test]
    fn a_frame_waits_for_an_earlier_one_until_its_window_is_over() {
        let mut bench = Bench::new(WINDOW);
        bench.push(0);
        assert!(matches!(bench.push(2), Turn::Held));
        assert!(matches!(bench.push(3), Turn::Held));
        assert_eq!(bench.ordering.due(), Some(bench.now + WINDOW));
        bench.release_at(bench.now + WINDOW - TICK);
        assert_eq!(bench.out, [0], "one tick early");
        bench.release_at(bench.now + TICK);
        assert_eq!(bench.out, [0, 2, 3]);
        assert!(matches!(bench.push(1), Turn::Late));
        assert!(matches!(bench.push(4), Turn::Now));
    }

    #[test]
    fn an_earlier_frame_within_the_window_comes_out_first() {
        let mut bench = Bench::new(WINDOW);
        bench.push(0);
        bench.push(3);
        bench.push(2);
        assert!(matches!(bench.push(1), Turn::Now));
        assert_eq!(bench.out, [0, 1, 2, 3]);
        assert_eq!(bench.ordering.due(), None);
    }

    #[test]
    fn a_window_that_is_over_is_noticed_by_the_next_frame() {
        let mut bench = Bench::new(WINDOW);
        bench.push(0);
        bench.push(2);
        bench.now += WINDOW;
        assert!(matches!(bench.push(3), Turn::Now));
        assert_eq!(bench.out, [0, 2, 3]);
    }

    #[test]
    fn a_number_that_the_publisher_skipped_holds_nothing_up() {
        let mut bench = Bench::new(WINDOW);
        bench.push_packets(0, 0, 65_534);
        assert!(matches!(bench.push_packets(7, 65_535, 2), Turn::Now));
        assert!(matches!(bench.push_packets(9, 4, 4), Turn::Held), "packet 3 is missing");
        assert_eq!(bench.out, [0, 7]);
    }

    #[test]
    fn a_start_in_the_middle_waits_for_what_may_have_been_overtaken() {
        let mut bench = Bench::new(WINDOW);
        assert!(matches!(bench.push(501), Turn::Held));
        assert!(matches!(bench.push(500), Turn::Held));
        bench.release_at(bench.now + WINDOW);
        assert_eq!(bench.out, [500, 501]);
        assert!(matches!(bench.push(502), Turn::Now));
    }

    #[test]
    fn a_start_at_the_wrap_is_no_start_of_the_track() {
        let mut bench = Bench::new(WINDOW);
        assert!(matches!(bench.push_packets(0, 900, 900), Turn::Held));
        assert!(matches!(bench.push_packets(65_535, 899, 899), Turn::Held));
        bench.release_at(bench.now + WINDOW);
        assert_eq!(bench.out, [65_535, 0]);
    }

    #[test]
    fn a_start_just_before_both_numbers_wrap_is_handed_out_in_order() {
        let mut bench = Bench::new(WINDOW);
        for number in [65_535, 0, 1] {
            assert!(matches!(bench.push(number), Turn::Held));
        }
        bench.release_at(bench.now + WINDOW);
        assert_eq!(bench.out, [65_535, 0, 1]);
        assert!(matches!(bench.push(2), Turn::Now));
    }

    #[test]
    fn without_a_window_frames_go_out_at_once_and_earlier_ones_are_late() {
        let mut bench = Bench::new(Duration::ZERO);
        assert!(matches!(bench.push(700), Turn::Now));
        assert!(matches!(bench.push(702), Turn::Now));
        assert!(matches!(bench.push(701), Turn::Late));
        assert_eq!(bench.out, [700, 702]);
    }

    #[test]
    fn too_many_held_frames_go_out_before_their_window_is_over() {
        let mut bench = Bench::new(WINDOW);
        bench.push(0);
        for number in 0..MAX_HELD as u16 {
            bench.push(2 + 2 * number);
        }
        assert_eq!((bench.ordering.len(), bench.out.len()), (MAX_HELD, 1));
        bench.push(9_000);
        assert_eq!((bench.ordering.len(), bench.out.len()), (MAX_HELD, 2));
        assert_eq!(bench.out[1], 2);
    }

    #[test]
    fn what_follows_a_frame_that_had_to_go_out_goes_with_it() {
        let mut bench = Bench::new(WINDOW);
        bench.push(0);
        for number in 0..=MAX_HELD as u16 {
            bench.push(2 + number);
        }
        assert_eq!((bench.ordering.len(), bench.out.len()), (0, 2 + MAX_HELD));
    }
}
