//! One script in one room, and how it failed.

use std::{
    cell::{Cell, RefCell},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use super::{checks, coverage::Coverage, room::Room, script::Script};

/// A promise that was not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it was seen.
    place: String,
    pub message: String,
    /// How many steps were taken until then.
    pub steps: usize,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Failure {
    /// Whether it is the same fault: seen at the same place, in the same words, whatever the numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        self.place == other.place && self.head() == other.head()
    }

    fn head(&self) -> String {
        let words = self.message.chars().filter(|character| !character.is_ascii_digit());
        words.take_while(|character| *character != '\n').take(HEAD).collect()
    }
}

/// Plays a script, heals the room, and answers what was visited.
pub fn run(script: &Script) -> Result<Coverage, Failure> {
    run_with(script, |_| ())
}

/// The same, with one more thing that must be true after every step.
pub fn run_with(script: &Script, holds: impl Fn(&Room)) -> Result<Coverage, Failure> {
    let taken = Cell::new(0);
    attempt(|| {
        let mut room = Room::new(script.seed, script.size);
        if script.is_old {
            room.use_up_handles();
        }
        for step in &script.steps {
            taken.set(taken.get() + 1);
            room.step(*step);
            checks::invariants(&room, taken.get(), step.who);
            holds(&room);
        }
        room.heal();
        checks::intents_fulfilled(&mut room);
        room.close()
    })
    .map_err(|(place, message)| Failure { place, message, steps: taken.get() })
}

/// Place and words of the panic that ends `play`. Panics that were caught further down are told with it.
fn attempt<T>(play: impl FnOnce() -> T) -> Result<T, (String, String)> {
    listen();
    PANICS.set(Some(Vec::new()));
    let played = catch_unwind(AssertUnwindSafe(play));
    let mut panics = PANICS.take().unwrap_or_default();
    played.map_err(|_| {
        let (place, mut message) = panics.pop().unwrap_or_default();
        for (place, caught) in panics {
            message += &format!("\nbefore that, caught at {place}: {caught}");
        }
        (place, message)
    })
}

/// From now on panics in a run are kept for its failure instead of being printed.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let kept = PANICS.with_borrow_mut(|panics| {
                let Some(panics) = panics else { return false };
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                panics.push((place, info.payload_as_str().unwrap_or("?").to_owned()));
                true
            });
            if !kept {
                print(info);
            }
        }));
    });
}

thread_local! {
    static PANICS: RefCell<Option<Vec<(String, String)>>> = const { RefCell::new(None) };
}

/// Characters by which messages are compared.
const HEAD: usize = 60;
