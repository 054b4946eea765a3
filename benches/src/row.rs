//! One line of the table: what both sides did, and what was hoped for.

use serde::Serialize;

use crate::measure::Measured;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// As rows are chosen: `publish/1KiB`.
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) ours: Measured,
    pub(crate) peer: Option<Measured>,
    pub(crate) limit: Option<Limit>,
    pub(crate) aims: Vec<Aim>,
    /// What is good enough for a quick run on a noisy machine.
    pub(crate) floor: Option<Aim>,
}

/// What no implementation can go below: a bare copy or a bare cipher on the same bytes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Limit {
    pub(crate) what: &'static str,
    pub(crate) measured: Measured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Better {
    Less,
    More,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) enum Aim {
    /// So many times better than the peer.
    Times(f64),
    /// Ours, in the row's unit.
    AtMost(f64),
    AtLeast(f64),
    /// At least this share of the limit's speed.
    OfLimit(f64),
    /// Allocations a frame, at most.
    Allocations(f64),
    /// Whatever was accepted arrived, or was dropped with a count.
    NothingLost,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        unit: &'static str,
        better: Better,
        ours: Measured,
    ) -> Self {
        let (name, aims) = (name.into(), Vec::new());
        Self { name, unit, better, ours, peer: None, limit: None, aims, floor: None }
    }

    pub(crate) fn against(self, peer: Measured) -> Self {
        Self { peer: Some(peer), ..self }
    }

    pub(crate) fn limited_by(self, what: &'static str, measured: Measured) -> Self {
        Self { limit: Some(Limit { what, measured }), ..self }
    }

    /// How many times better than the peer, by the medians.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.times(self.ours.median, self.peer.as_ref()?.median)
    }

    /// The same of each round and the one beside it: the least and the most.
    pub(crate) fn ratios(&self) -> Option<(f64, f64)> {
        let rounds = self.ours.rounds.iter().zip(&self.peer.as_ref()?.rounds);
        let mut ratios = rounds.filter_map(|(ours, peer)| self.times(ours.value, peer.value));
        let first = ratios.next()?;
        Some(
            ratios.fold((first, first), |(least, most), ratio| (least.min(ratio), most.max(ratio))),
        )
    }

    fn times(&self, ours: f64, peer: f64) -> Option<f64> {
        let ratio = match self.better {
            Better::Less => peer / ours,
            Better::More => ours / peer,
        };
        ratio.is_finite().then_some(ratio)
    }

    /// How much of the limit's speed is reached.
    pub(crate) fn share_of_limit(&self) -> Option<f64> {
        Some(self.limit.as_ref()?.measured.median / self.ours.median)
    }

    /// Whether an aim or a floor is met.
    pub(crate) fn meets(&self, aim: Aim) -> bool {
        match aim {
            Aim::Times(times) => self.ratio().is_some_and(|ratio| ratio >= times),
            Aim::AtMost(most) => self.ours.median <= most,
            Aim::AtLeast(least) => self.ours.median >= least,
            Aim::OfLimit(share) => self.share_of_limit().is_some_and(|reached| reached >= share),
            Aim::Allocations(most) => self.ours.allocations.is_some_and(|count| count <= most),
            Aim::NothingLost => self.ours.lost == Some(0.0),
        }
    }

    /// Whether a floor is kept: by the medians or, against the peer, by the best round of each side. What else runs on a machine makes
    /// rounds slower, and none faster.
    pub(crate) fn keeps(&self, floor: Aim) -> bool {
        let best = |side: &Measured| match self.better {
            Better::Less => side.least,
            Better::More => side.most,
        };
        let best_ratio = || self.times(best(&self.ours), best(self.peer.as_ref()?));
        self.meets(floor)
            || matches!(floor, Aim::Times(times) if best_ratio().is_some_and(|ratio| ratio >= times))
    }

    /// Whether all aims are met; nothing when there are none.
    pub(crate) fn verdict(&self) -> Option<bool> {
        (!self.aims.is_empty()).then(|| self.aims.iter().all(|aim| self.meets(*aim)))
    }
}
