//! Which handles the SFU's last message of handles (protocol §3.8) gave to which SIDs.

use std::collections::BTreeMap;

use crate::track::Handle;

/// Handles by SID. As numbers: the catalog has a map of the same type, and a second type of map is 4 KB of code.
#[derive(Default)]
pub(super) struct Snapshot(BTreeMap<String, u32>);

impl Snapshot {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn insert(&mut self, sid: String, handle: Handle) {
        self.0.insert(sid, handle.get().into());
    }

    pub(super) fn handle_of(&self, sid: &str) -> Option<Handle> {
        self.0.get(sid).copied().and_then(|number| u16::try_from(number).ok()).and_then(Handle::new)
    }

    /// Whether any track has this handle.
    pub(super) fn has(&self, handle: Handle) -> bool {
        self.0.values().any(|known| *known == u32::from(handle.get()))
    }
}
