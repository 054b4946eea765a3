//! What is known about everybody in a room: the time, who published what, and what the run has come to.

use std::{
    fmt::Display,
    sync::{Arc, Mutex},
    time::Instant,
};

use datatracks::Environment;

use super::coverage::Coverage;

/// See the module.
pub struct Ledger {
    pub environment: Arc<Environment>,
    start: Instant,
    publications: Mutex<Vec<Origin>>,
    coverage: Mutex<Coverage>,
}

/// Where the frames of a publication come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub publisher: String,
    pub name: String,
}

impl Ledger {
    pub fn new(environment: Arc<Environment>) -> Self {
        let start = environment.now();
        Self { environment, start, publications: Mutex::default(), coverage: Mutex::default() }
    }

    pub fn now_ms(&self) -> u64 {
        (self.environment.now() - self.start).as_millis() as u64
    }

    /// A number for the frames of a new publication.
    pub fn register(&self, publisher: &str, name: &str) -> u64 {
        let mut publications = self.publications.lock().unwrap();
        publications.push(Origin { publisher: publisher.to_owned(), name: name.to_owned() });
        publications.len() as u64 - 1
    }

    pub fn origin(&self, publication: u64) -> Option<Origin> {
        self.publications.lock().unwrap().get(publication as usize).cloned()
    }

    pub fn visit(&self, topic: &'static str, what: impl Display) {
        self.add_all(topic, [(what, 1)]);
    }

    pub fn add_all<W: Display>(
        &self,
        topic: &'static str,
        all: impl IntoIterator<Item = (W, u64)>,
    ) {
        self.coverage.lock().unwrap().add_all(topic, all);
    }

    /// How often something was visited so far.
    pub fn times(&self, topic: &'static str, what: &str) -> u64 {
        self.coverage.lock().unwrap().times(topic, what)
    }

    pub fn take_coverage(&self) -> Coverage {
        std::mem::take(&mut self.coverage.lock().unwrap())
    }
}
