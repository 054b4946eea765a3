//! Which packets are whose, as far as the packet side was told.

use std::collections::VecDeque;

use super::Output;
use crate::{
    remote::catalog::TrackId,
    sorted::{SortedMap, SortedSet},
    track::Handle,
};

/// What each handle in use stands for: a track, or nobody.
#[derive(Default)]
pub(super) struct Routes(SortedMap<Handle, Option<TrackId>>);

impl Routes {
    pub(super) fn set(
        &mut self,
        handle: Handle,
        to: Option<TrackId>,
        outputs: &mut VecDeque<Output>,
    ) {
        if self.0.insert(handle, to) != Some(to) {
            outputs.push_back(Output::Route { handle, to });
        }
    }

    /// A track does not take this handle's packets any more, unless another one does by now. `known`: the SFU still uses it.
    pub(super) fn leave(
        &mut self,
        track: TrackId,
        handle: Handle,
        known: bool,
        outputs: &mut VecDeque<Output>,
    ) {
        match self.0.get(&handle) {
            Some(Some(to)) if *to == track && known => self.set(handle, None, outputs),
            Some(Some(to)) if *to == track => self.remove(handle, outputs),
            Some(_) | None => {}
        }
    }

    /// Brings what nobody takes in line with a snapshot.
    pub(super) fn keep(&mut self, handles: &SortedSet<Handle>, outputs: &mut VecDeque<Output>) {
        let gone: Vec<_> =
            self.0.keys().filter(|handle| !handles.contains_key(handle)).copied().collect();
        gone.into_iter().for_each(|handle| self.remove(handle, outputs));
        for handle in handles.keys() {
            if !self.0.contains_key(handle) {
                self.set(*handle, None, outputs);
            }
        }
    }

    /// A new session, also for packets whose handle was still to come.
    pub(super) fn clear(&mut self, outputs: &mut VecDeque<Output>) {
        self.0.clear();
        outputs.push_back(Output::UnrouteAll);
    }

    fn remove(&mut self, handle: Handle, outputs: &mut VecDeque<Output>) {
        self.0.remove(&handle);
        outputs.push_back(Output::Unroute { handle });
    }
}
