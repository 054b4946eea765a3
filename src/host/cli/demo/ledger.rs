//! What became of every frame of a track: pure bookkeeping, no clock, no lock.
//!
//! ```text
//!  offered ──refused──► refused, or taken back
//!     │ accepted
//!     ▼
//!  outstanding ──delivered, byte for byte──► delivered        anything else delivered: a fault
//!     └─ still outstanding after the drain = missing: explained by a lost packet, by a count of drops, or by nothing
//! ```

use std::{collections::BTreeSet, time::Duration};

use datatracks::packet::serial;
use serde::Serialize;

use crate::latency::Latencies;

#[derive(Default)]
pub(super) struct Ledger {
    next: u64,
    refused: u64,
    outstanding: BTreeSet<u64>,
    delivered: u64,
    newest: Option<u64>,
    faults: Faults,
    lossy: BTreeSet<u64>,
    latencies: Latencies,
}

/// Deliveries that should never happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Faults {
    /// Bytes that no frame of the track has.
    pub(super) damaged: u64,
    /// Frames that came again.
    pub(super) duplicated: u64,
    /// Frames that came after a newer one.
    pub(super) out_of_order: u64,
}

/// What the statistics of sender and receiver say of frames that were not delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Drops {
    /// At the sender, for whatever reason.
    pub(super) sender: u64,
    /// Complete after the reorder window only.
    pub(super) late: u64,
    /// The reader was too slow.
    pub(super) reader: u64,
}

/// The ledger at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    pub(super) pushed: u64,
    pub(super) refused: u64,
    pub(super) delivered: u64,
    pub(super) dropped: Drops,
    /// Missing, and at least one of their packets was lost on the way.
    pub(super) lost: u64,
    /// Missing, and nothing tells why.
    pub(super) unexplained: u64,
    #[serde(flatten)]
    pub(super) faults: Faults,
}

impl Ledger {
    /// The number of the frame that is about to be pushed. Noted first: it may be delivered before the push returns.
    pub(super) fn offer(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.outstanding.insert(number);
        number
    }

    /// The frame just offered was not accepted; its number goes to the next.
    pub(super) fn refuse(&mut self, number: u64) {
        self.take_back(number);
        self.refused += 1;
    }

    /// The frame just offered was never pushed: the end came first.
    pub(super) fn take_back(&mut self, number: u64) {
        self.outstanding.remove(&number);
        self.next = number;
    }

    /// A frame arrived intact.
    pub(super) fn deliver(&mut self, number: u64, latency: Duration) {
        if number >= self.next {
            self.faults.damaged += 1;
        } else if !self.outstanding.remove(&number) {
            self.faults.duplicated += 1;
        } else {
            self.delivered += 1;
            self.latencies.record(latency);
            if self.newest.is_some_and(|newest| newest > number) {
                self.faults.out_of_order += 1;
            }
            self.newest = self.newest.max(Some(number));
        }
    }

    /// Something arrived that is no frame of this track.
    pub(super) fn deliver_damaged(&mut self) {
        self.faults.damaged += 1;
    }

    /// A packet of the frame of this number was lost on the way. Numbers on the wire wrap; the nearest one is meant.
    pub(super) fn lose(&mut self, frame_number: u16) {
        let newest = self.next.saturating_sub(1);
        let ahead = serial::distance(newest as u16, frame_number);
        let number = newest.saturating_add_signed(ahead.into());
        if self.outstanding.contains(&number) {
            self.lossy.insert(number);
        }
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Frames that are neither delivered nor known to have lost a packet.
    pub(super) fn open(&self) -> u64 {
        self.outstanding.difference(&self.lossy).count() as u64
    }

    /// Sums up. Every missing frame counts once: as lost, else against what the statistics dropped, else as unexplained.
    pub(super) fn account(&self, dropped: Drops) -> Account {
        let missing = self.outstanding.len() as u64;
        let lost = missing - self.open();
        let known = dropped.sender + dropped.late + dropped.reader;
        Account {
            pushed: self.next + self.refused,
            refused: self.refused,
            delivered: self.delivered,
            dropped,
            lost,
            unexplained: self.open().saturating_sub(known),
            faults: self.faults,
        }
    }
}

impl Account {
    /// Whether all is as it should be on a network that does, or does not, harm packets on purpose.
    pub(super) fn is_good(&self, impaired: bool) -> bool {
        let Drops { sender, late, reader } = self.dropped;
        self.faults == Faults::default()
            && self.unexplained == 0
            && self.pushed == self.refused + self.delivered + self.missing()
            && (impaired || self.missing() == 0)
            && (impaired || sender + late + reader == 0)
    }

    fn missing(&self) -> u64 {
        let Drops { sender, late, reader } = self.dropped;
        self.lost + sender + late + reader + self.unexplained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(100);

    fn pushed(frames: u64) -> Ledger {
        let mut ledger = Ledger::default();
        for number in 0..frames {
            assert_eq!(ledger.offer(), number);
        }
        ledger
    }

    #[test]
    fn all_delivered_is_good() {
        let mut ledger = pushed(3);
        (0..3).for_each(|number| ledger.deliver(number, QUICK));
        let account = ledger.account(Drops::default());
        assert_eq!((account.pushed, account.delivered), (3, 3));
        assert!(account.is_good(false));
    }

    #[test]
    fn a_missing_frame_is_unexplained_unless_something_tells_why() {
        let mut ledger = pushed(2);
        ledger.deliver(0, QUICK);
        let account = ledger.account(Drops::default());
        assert_eq!(account.unexplained, 1);
        assert!(!account.is_good(true));
        let late = ledger.account(Drops { late: 1, ..Drops::default() });
        assert!(late.is_good(true) && !late.is_good(false));
        ledger.lose(1);
        let lost = ledger.account(Drops::default());
        assert_eq!((lost.lost, lost.unexplained), (1, 0));
        assert!(lost.is_good(true) && !lost.is_good(false));
    }

    #[test]
    fn drops_that_no_missing_frame_stands_for_are_not_good() {
        let mut ledger = pushed(1);
        ledger.deliver(0, QUICK);
        assert!(!ledger.account(Drops { late: 1, ..Drops::default() }).is_good(true));
    }

    #[test]
    fn faults_are_never_good() {
        for fault in [
            |ledger: &mut Ledger| ledger.deliver(0, QUICK),
            |ledger: &mut Ledger| ledger.deliver(9, QUICK),
            |ledger: &mut Ledger| ledger.deliver_damaged(),
        ] {
            let mut ledger = pushed(1);
            ledger.deliver(0, QUICK);
            fault(&mut ledger);
            assert!(!ledger.account(Drops::default()).is_good(true));
        }
        let mut ledger = pushed(2);
        ledger.deliver(1, QUICK);
        ledger.deliver(0, QUICK);
        assert_eq!(ledger.account(Drops::default()).faults.out_of_order, 1);
    }

    #[test]
    fn a_refused_frame_gives_its_number_back() {
        let mut ledger = Ledger::default();
        let number = ledger.offer();
        ledger.refuse(number);
        assert_eq!(ledger.offer(), number);
        ledger.deliver(number, QUICK);
        let account = ledger.account(Drops::default());
        assert_eq!((account.pushed, account.refused, account.delivered), (2, 1, 1));
        assert!(account.is_good(false));
    }

    #[test]
    fn a_frame_that_the_end_came_before_was_never_pushed() {
        let mut ledger = pushed(1);
        let number = ledger.offer();
        ledger.take_back(number);
        ledger.deliver(0, QUICK);
        let account = ledger.account(Drops::default());
        assert_eq!((account.pushed, account.refused, account.delivered), (1, 0, 1));
    }

    #[test]
    fn numbers_on_the_wire_wrap() {
        let mut ledger = pushed(65_540);
        ledger.lose(1);
        ledger.lose(65_535);
        ledger.lose(3_000);
        assert_eq!(ledger.lossy.into_iter().collect::<Vec<_>>(), [65_535, 65_537]);
    }
}
