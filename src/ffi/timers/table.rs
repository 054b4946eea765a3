//! What is due and when, whom that concerns, and who waits for it. No threads, no clock.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use super::DeadlineClient;
use crate::sorted::{SortedMap, SortedSet};

#[derive(Default)]
pub(super) struct Table {
    clients: SortedMap<u64, Entry>,
    due: SortedSet<(Instant, u64)>,
    next_id: u64,
    /// Who has expired and is yet to call out.
    pub(super) draining: Vec<Arc<dyn DeadlineClient>>,
    /// The fork of the process in which somebody has the watch. The next one has the table, and no thread.
    pub(super) watched_in: Option<u32>,
    /// Which thread has the watch: they are counted.
    pub(super) watch: u64,
    /// Since when it has been calling out.
    pub(super) calling_since: Option<Instant>,
    /// How often there was something to call out.
    pub(super) calls: u64,
    pub(super) someone_stands_by: bool,
    /// Threads that lost the watch and are not back yet.
    pub(super) late: usize,
}

struct Entry {
    client: Weak<dyn DeadlineClient>,
    at: Option<Instant>,
}

impl Table {
    pub(super) fn add(&mut self, client: Weak<dyn DeadlineClient>) -> u64 {
        self.next_id += 1;
        self.clients.insert(self.next_id, Entry { client, at: None });
        self.next_id
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(at) = self.clients.remove(&id).and_then(|entry| entry.at) {
            self.due.remove(&(at, id));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Whether this is now the first to come.
    pub(super) fn set(&mut self, id: u64, at: Instant) -> bool {
        let earliest = self.next_due();
        let Some(entry) = self.clients.get_mut(&id) else { return false };
        if entry.at.is_some_and(|set| set <= at) {
            return false;
        }
        if let Some(before) = entry.at.replace(at) {
            self.due.remove(&(before, id));
        }
        self.due.insert((at, id), ());
        earliest.is_none_or(|earliest| at < earliest)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|((at, _), ())| *at)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Arc<dyn DeadlineClient>> {
        let mut taken = Vec::new();
        while let Some(((_, id), ())) = self.due.pop_first_if(|(at, _)| *at <= now) {
            let Some(entry) = self.clients.get_mut(&id) else { continue };
            entry.at = None;
            taken.extend(entry.client.upgrade());
        }
        taken
    }

    /// Has them call out, each once: what they decide until then leaves with it.
    pub(super) fn have_drained(&mut self, expired: Vec<Arc<dyn DeadlineClient>>) {
        for client in expired {
            if !self.draining.iter().any(|waiting| is_same(waiting, &client)) {
                self.draining.push(client);
            }
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        !self.draining.is_empty()
    }

    pub(super) fn next_draining(&mut self) -> Option<Arc<dyn DeadlineClient>> {
        // They are as few as managers are.
        self.is_draining().then(|| self.draining.remove(0))
    }

    pub(super) fn next_watch(&mut self) -> u64 {
        self.watch += 1;
        self.watch
    }

    /// Whoever has the watch has been calling out for too long, and may be left to it.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        let late =
            self.calling_since.is_some_and(|at| now.saturating_duration_since(at) >= PATIENCE);
        late && self.late < MAX_LATE
    }

    /// What managers of the process that was forked wait for is that process's business: here it would use their hosts' connections as
    /// well.
    pub(super) fn forget_parent(&mut self) {
        // Whoever ends asks for the lock that is held here.
        std::mem::forget(std::mem::take(&mut self.draining));
        let clients = std::mem::take(&mut self.clients);
        *self = Self { clients, next_id: self.next_id, watch: self.watch, ..Self::default() };
        self.clients.values_mut().for_each(|entry| entry.at = None);
    }
}

fn is_same(one: &Arc<dyn DeadlineClient>, other: &Arc<dyn DeadlineClient>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// A host that is told not to block, and does for so long, is not waited for.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// Hosts that are not waited for, at a time.
pub(super) const MAX_LATE: usize = 8;
