//! What happens in a room, step by step: drawn from a seed, or read from a file.
//!
//! Each step brings its own luck, from which it draws all that it needs: it means the same when others are left out. One whose
//! precondition does not hold does nothing.

use std::{fmt, str::FromStr};

use super::{actions::Action, chance::Chance};

/// A room and what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Of the room itself: how it encrypts, the SFU's chance.
    pub seed: u64,
    /// How many take part.
    pub size: usize,
    /// The first of them has published so much that its next handles are those that it had long ago.
    pub is_old: bool,
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    /// To whom, modulo the size of the room.
    pub who: usize,
    pub luck: u32,
}

impl Script {
    /// Draws a room, and steps by their weights. Most rooms are small.
    pub fn drawn(seed: u64, steps: u64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0x51_7C_C1_B7));
        let size = if chance.one_in(10) { 6 + chance.below(15) } else { 2 + chance.below(4) };
        let is_old = Chance::new(seed).one_in(25);
        let draw = |_| Step {
            action: Action::drawn(&mut chance),
            who: chance.below(size),
            luck: chance.next() as u32,
        };
        Self { seed, size, is_old, steps: (0..steps).map(draw).collect() }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = if self.is_old { "old" } else { "new" };
        writeln!(f, "room {} of {} {age}", self.seed, self.size)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:08x}", self.action, self.who, self.luck)
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let room = lines.next().unwrap_or_default();
        let words: Vec<_> = room.split_whitespace().collect();
        let ["room", seed, "of", size, age @ ("old" | "new")] = words[..] else {
            return Err(format!("`{room}` is not of the form `room SEED of SIZE old|new`"));
        };
        let size = number(size)? as usize;
        if !(1..=20).contains(&size) {
            return Err(format!("a room of {size}"));
        }
        let steps = lines.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { seed: number(seed)?, size, is_old: age == "old", steps })
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [action, who, luck] = words[..] else {
            return Err(format!("`{line}` is not of the form `ACTION WHO LUCK`"));
        };
        let known = Action::ALL.iter().find(|known| format!("{known:?}") == action);
        let luck = u32::from_str_radix(luck, 16).map_err(|error| format!("`{luck}`: {error}"))?;
        let action = *known.ok_or_else(|| format!("no action is called `{action}`"))?;
        Ok(Self { action, who: number(who)? as usize, luck })
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|error| format!("`{text}`: {error}"))
}
