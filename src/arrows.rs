//! Which arrows of a drawing were taken: what a simulation of rooms must have come to. A mobile build keeps nothing of it.

/// Counts, by the states before and after.
#[derive(Debug, Default)]
pub(crate) struct Arrows {
    #[cfg(feature = "host")]
    taken: Taken,
}

/// How often each arrow was taken: before, after.
#[cfg(feature = "host")]
pub type Taken = std::collections::BTreeMap<(&'static str, &'static str), u64>;

impl Arrows {
    /// An arrow is taken. Only the feature `host` counts it.
    #[inline(always)]
    pub(crate) fn take(&mut self, before: &'static str, after: &'static str) {
        #[cfg(feature = "host")]
        {
            *self.taken.entry((before, after)).or_default() += 1;
        }
        #[cfg(not(feature = "host"))]
        let _ = (before, after);
    }

    /// What was taken so far.
    #[cfg(feature = "host")]
    pub(crate) fn taken(&self) -> &Taken {
        &self.taken
    }
}
