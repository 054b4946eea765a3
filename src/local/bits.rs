//! A set of small numbers.

/// A bit a number. Finding the next one looks at 64 numbers at a time.
#[derive(Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn insert(&mut self, number: usize) {
        let (word, bit) = place(number);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) {
            *word |= bit;
            self.len += 1;
        }
    }

    pub(super) fn remove(&mut self, number: usize) {
        let (word, bit) = place(number);
        if let Some(word) = self.words.get_mut(word).filter(|word| **word & bit != 0) {
            *word &= !bit;
            self.len -= 1;
        }
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The first number of the set that is at least `from`.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let (first, bit) = place(from);
        let mut seen = bit.wrapping_sub(1);
        for (at, word) in self.words.iter().enumerate().skip(first) {
            let left = word & !std::mem::take(&mut seen);
            if left != 0 {
                return Some(at * 64 + left.trailing_zeros() as usize);
            }
        }
        None
    }
}

/// A number's word and its bit in it.
fn place(number: usize) -> (usize, u64) {
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_holds(
            steps in prop::collection::vec((any::<bool>(), 0..8_usize), 0..60),
            from in 0..300_usize,
        ) {
            let (mut bits, mut set) = (Bits::default(), BTreeSet::new());
            for (put, number) in steps {
                // Few, so that they come twice; in several words.
                let number = number * 37;
                if put {
                    bits.insert(number);
                    set.insert(number);
                } else {
                    bits.remove(number);
                    set.remove(&number);
                }
                prop_assert_eq!(bits.next(from), set.range(from..).next().copied());
                prop_assert_eq!(bits.next(0), set.first().copied());
                prop_assert_eq!(bits.is_empty(), set.is_empty());
            }
        }
    }
}
