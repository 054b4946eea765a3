//! Calls of `wait_for_track`.

use std::time::Instant;

use super::FinderId;
use crate::remote::catalog::Entry;

/// Who waits for a track of some name.
#[derive(Debug)]
pub(super) struct Finder {
    pub(super) id: FinderId,
    pub(super) name: String,
    pub(super) publisher: Option<String>,
    pub(super) deadline: Option<Instant>,
}

/// All that wait.
#[derive(Default)]
pub(super) struct Finders(Vec<Finder>);

impl Finder {
    pub(super) fn matches(&self, entry: &Entry) -> bool {
        self.name == entry.info.name
            && self.publisher.as_ref().is_none_or(|publisher| **publisher == *entry.key.publisher)
    }
}

impl Finders {
    pub(super) fn add(&mut self, finder: Finder) {
        self.0.push(finder);
    }

    pub(super) fn take(&mut self, id: FinderId) -> Option<Finder> {
        let at = self.0.iter().position(|finder| finder.id == id)?;
        Some(self.0.remove(at))
    }

    pub(super) fn take_matching(&mut self, entry: &Entry) -> Vec<Finder> {
        self.0.extract_if(.., |finder| finder.matches(entry)).collect()
    }

    pub(super) fn take_all(&mut self) -> Vec<Finder> {
        std::mem::take(&mut self.0)
    }
}
