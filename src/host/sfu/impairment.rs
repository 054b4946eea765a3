//! What a bad network does to the packets of a subscriber, as text: `loss=2%,reorder=8,duplicate=1%,delay=10ms,seed=7`.

use std::{str::FromStr, time::Duration};

use thiserror::Error;

/// Faults of a subscriber's downlink. The default is a perfect network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// Probability that a packet is dropped, 0 to 1.
    pub loss: f64,
    /// Probability that a packet comes twice, 0 to 1.
    pub duplicate: f64,
    /// A packet is overtaken by at most so many later ones.
    pub reorder: u32,
    /// Every packet comes so much later.
    pub delay: Duration,
    /// The same seed makes the same choices.
    pub seed: u64,
}

impl Impairment {
    /// True when packets pass as they come.
    pub fn is_none(&self) -> bool {
        self.loss <= 0.0 && self.duplicate <= 0.0 && self.reorder == 0 && self.delay.is_zero()
    }
}

/// Why a text is no [`Impairment`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImpairmentError {
    /// A part is not of the form `key=value`.
    #[error("`{0}` is not of the form key=value")]
    NoValue(String),
    /// There is no such key.
    #[error("`{0}` is none of loss, duplicate, reorder, delay, seed")]
    UnknownKey(String),
    /// A key is there twice.
    #[error("`{0}` is given twice")]
    Repeated(String),
    /// The value does not fit the key.
    #[error("`{key}={value}`: expected {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl FromStr for Impairment {
    type Err = ImpairmentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut impairment = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| ImpairmentError::NoValue(part.to_owned()))?;
            let (key, value) = (key.trim(), value.trim());
            if seen.contains(&key) {
                return Err(ImpairmentError::Repeated(key.to_owned()));
            }
            seen.push(key);
            impairment.set(key, value)?;
        }
        Ok(impairment)
    }
}

impl Impairment {
    fn set(&mut self, key: &str, value: &str) -> Result<(), ImpairmentError> {
        let bad = |expected| ImpairmentError::BadValue {
            key: key.to_owned(),
            value: value.to_owned(),
            expected,
        };
        match key {
            "loss" => self.loss = probability(value).ok_or_else(|| bad(PROBABILITY))?,
            "duplicate" => self.duplicate = probability(value).ok_or_else(|| bad(PROBABILITY))?,
            "reorder" => {
                let places = value.parse().ok().filter(|places| *places <= MAX_REORDER);
                self.reorder = places.ok_or_else(|| bad("a number of places up to 1000"))?;
            }
            "delay" => {
                let delay = duration(value).filter(|delay| *delay <= MAX_DELAY);
                self.delay = delay.ok_or_else(|| bad("a time up to 10s, such as 10ms"))?;
            }
            "seed" => self.seed = value.parse().map_err(|_| bad("a number"))?,
            _ => return Err(ImpairmentError::UnknownKey(key.to_owned())),
        }
        Ok(())
    }
}

/// `2%` or `0.02`.
fn probability(text: &str) -> Option<f64> {
    let value: f64 = match text.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.0..=1.0).contains(&value).then_some(value)
}

/// `10ms` or `2s`.
fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.trim_end().parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.trim_end().parse().ok().map(Duration::from_secs)
}

const PROBABILITY: &str = "a probability such as 2% or 0.02";

/// Bounds what a link holds back.
const MAX_REORDER: u32 = 1000;
const MAX_DELAY: Duration = Duration::from_secs(10);
