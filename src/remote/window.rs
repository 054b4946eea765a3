//! What became of the last frames of a track, by frame number.

use crate::packet::serial::distance;

/// What is known of a frame number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Neither completed nor given up.
    Open,
    /// Completed: what comes now is a duplicate.
    Completed,
    /// Given up: what comes now is too late.
    GivenUp,
    /// So far behind that nothing is known any more.
    TooOld,
}

/// The fates of the last [`FRAMES`] frames up to the newest one that has any.
#[derive(Default)]
pub(super) struct Window {
    /// Kept from the first fate on, so that an idle track is small.
    fates: Option<Box<Fates>>,
}

struct Fates {
    newest: u16,
    completed: Bits,
    given_up: Bits,
}

impl Window {
    pub(super) fn seen(&self, number: u16) -> Seen {
        let Some(fates) = &self.fates else { return Seen::Open };
        match distance(fates.newest, number) {
            1.. => Seen::Open,
            behind if behind <= -FRAMES => Seen::TooOld,
            _ if fates.completed.has(number) => Seen::Completed,
            _ if fates.given_up.has(number) => Seen::GivenUp,
            _ => Seen::Open,
        }
    }

    pub(super) fn complete(&mut self, number: u16) {
        self.reach(number).completed.set(number);
    }

    /// What is older than the window needs no place in it, and has none.
    pub(super) fn give_up(&mut self, number: u16) {
        let fates = self.reach(number);
        if distance(fates.newest, number) > -FRAMES {
            fates.given_up.set(number);
        }
    }

    /// Moves on to `number` if it is newer, forgetting what falls out at the other end.
    fn reach(&mut self, number: u16) -> &mut Fates {
        let fates = self.fates.get_or_insert_with(|| Box::new(Fates::beginning_at(number)));
        let ahead = distance(fates.newest, number);
        let entering = ahead.clamp(0, FRAMES).cast_unsigned();
        for back in 0..entering {
            fates.completed.clear(number.wrapping_sub(back));
            fates.given_up.clear(number.wrapping_sub(back));
        }
        if ahead > 0 {
            fates.newest = number;
        }
        fates
    }
}

impl Fates {
    fn beginning_at(number: u16) -> Self {
        Self { newest: number, completed: Bits::default(), given_up: Bits::default() }
    }
}

#[derive(Default)]
struct Bits([u64; WORDS]);

impl Bits {
    fn has(&self, number: u16) -> bool {
        let (word, bit) = place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn set(&mut self, number: u16) {
        let (word, bit) = place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    fn clear(&mut self, number: u16) {
        let (word, bit) = place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }
}

fn place(number: u16) -> (usize, u64) {
    let index = usize::from(number) % (WORDS * 64);
    (index / 64, 1 << (index % 64))
}

const WORDS: usize = 32;

/// Far more than the 64 frames that packets may be late by; small enough that an outage is noticed as such.
const FRAMES: i16 = (WORDS * 64) as i16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_are_remembered_across_the_wrap_and_forgotten_beyond_the_window() {
        let mut window = Window::default();
        assert_eq!(window.seen(65_000), Seen::Open);
        window.complete(65_000);
        window.give_up(65_001);
        assert_eq!(window.seen(65_000), Seen::Completed);
        assert_eq!(window.seen(65_001), Seen::GivenUp);
        assert_eq!(window.seen(64_999), Seen::Open, "within the window, without a fate");
        assert_eq!(window.seen(65_002), Seen::Open);
        window.complete(1_000);
        assert_eq!(window.seen(65_000), Seen::Completed);
        window.complete(1_511);
        assert_eq!(window.seen(65_000), Seen::Completed, "the oldest of 2048");
        window.complete(1_512);
        assert_eq!(window.seen(65_000), Seen::TooOld);
        assert_eq!(window.seen(65_001), Seen::GivenUp);
    }

    #[test]
    fn numbers_that_enter_the_window_again_have_no_fate() {
        let mut window = Window::default();
        (0..2048).for_each(|number| window.complete(number));
        window.complete(2048 + 2000);
        assert!((2048..2048 + 2000).all(|number| window.seen(number) == Seen::Open));
        assert_eq!(window.seen(2047), Seen::Completed);
        window.complete(20_000);
        assert!((18_000..20_000).all(|number| window.seen(number) == Seen::Open));
        (18_000..20_000).for_each(|number| window.give_up(number));
        window.complete(22_000);
        assert!((20_001..22_000).all(|number| window.seen(number) == Seen::Open));
    }

    #[test]
    fn what_is_given_up_too_late_takes_no_other_frames_place() {
        let mut window = Window::default();
        window.complete(2_180);
        window.give_up(100);
        assert_eq!((window.seen(100), window.seen(100 + 2_048)), (Seen::TooOld, Seen::Open));
    }

    #[test]
    fn a_number_behind_moves_nothing() {
        let mut window = Window::default();
        window.complete(100);
        window.complete(90);
        assert_eq!(window.seen(100), Seen::Completed);
        assert_eq!(window.seen(95), Seen::Open);
    }
}
