//! The rules, and what a file does against them.

use std::fmt;

use crate::source::{Path, paths};

/// A forbidden word, with the place and the rule that forbids it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) word: String,
    pub(crate) rule: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, word, rule } = self;
        write!(f, "{file}:{line}: {word}: {rule}")
    }
}

/// What `source`, the text of `file` (a path such as `src/local/mod.rs`), does against the rules.
pub(crate) fn violations(file: &str, source: &str) -> Vec<Violation> {
    let place = Place::of(file);
    let mut found = Vec::new();
    for path in paths(source) {
        let broken = place.broken_edge(&path).into_iter().chain(place.broken_words(&path));
        found.extend(broken.map(|rule| Violation {
            file: file.into(),
            line: path.line,
            word: path.segments.join("::"),
            rule,
        }));
    }
    found
}

/// Where a file stands.
struct Place<'a> {
    file: &'a str,
    module: Vec<&'a str>,
}

impl<'a> Place<'a> {
    fn of(file: &'a str) -> Self {
        let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<_> = inner.split('/').collect();
        if matches!(module.last(), Some(&"mod" | &"lib" | &"main")) {
            module.pop();
        }
        Self { file, module }
    }

    /// The part of the crate: a top-level module, or "" for the crate root.
    fn part(&self) -> &str {
        self.module.first().copied().unwrap_or("")
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| match place.strip_suffix(".rs") {
            Some(_) => self.file == format!("src/{place}"),
            None => self.part() == *place,
        })
    }

    fn broken_edge(&self, path: &Path) -> Option<&'static str> {
        if self.part().is_empty() || path.is_member {
            return None;
        }
        let target = self.resolve(path)?;
        let (from, to) = (self.part(), part_of(&target));
        if from == to {
            return None;
        }
        match from {
            "local" | "remote" if to == "local" || to == "remote" => Some(STRANGERS),
            "host" => (!HOST_MAY.contains(&to) && !SHARED.contains(&to)).then_some(HOST),
            "ffi" => (to == "host").then_some(LAYERS),
            "local" | "remote" => {
                (!CORE_MAY.contains(&to) && !SHARED.contains(&to)).then_some(LAYERS)
            }
            _ => (!SHARED.contains(&to)).then_some(LAYERS),
        }
    }

    /// A path of this crate, from its root; None for a path of another crate or a plain word.
    fn resolve(&self, path: &Path) -> Option<Vec<String>> {
        let mut segments = path.segments.iter().map(String::as_str);
        let mut base: Vec<&str> = self.module.clone();
        base.extend(path.modules.iter().map(String::as_str));
        let mut rest: Vec<&str> = Vec::new();
        match segments.next()? {
            "crate" | "datatracks" if path.segments.len() > 1 => base.clear(),
            "self" if path.segments.len() > 1 => {}
            "super" => drop(base.pop()),
            _ => return None,
        }
        for segment in segments {
            match segment {
                "super" => drop(base.pop()),
                other => rest.push(other),
            }
        }
        base.extend(rest);
        Some(base.into_iter().map(Into::into).collect())
    }

    fn broken_words(&self, path: &Path) -> Vec<&'static str> {
        let broken = WORDS.iter().filter(|word| word.is_in(path) && !self.is_in(word.allowed));
        broken.map(|word| word.rule).collect()
    }
}

/// The part that a path of this crate names; what the root itself exports is the part "".
fn part_of(target: &[String]) -> &str {
    let first = target.first().map_or("", String::as_str);
    if PARTS.contains(&first) || SHARED.contains(&first) { first } else { "" }
}

/// Words that are allowed in some places only.
struct Word {
    rule: &'static str,
    kind: Kind,
    names: &'static [&'static str],
    /// Top-level modules and files where they are allowed.
    allowed: &'static [&'static str],
}

enum Kind {
    /// First segment of a path: a crate.
    Crate,
    /// Any segment, or a word by itself.
    Anywhere,
    /// The last two segments, as `Type::function`.
    Function,
    /// After a dot.
    Method,
}

impl Word {
    fn is_in(&self, path: &Path) -> bool {
        let segments = &path.segments;
        match self.kind {
            Kind::Crate => !path.is_member && segments.first().is_some_and(|name| self.has(name)),
            Kind::Anywhere => segments.iter().any(|name| self.has(name)),
            Kind::Function => segments.windows(2).any(|pair| self.has(&pair.join("::"))),
            Kind::Method => path.is_member && segments.first().is_some_and(|name| self.has(name)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(&name)
    }
}

pub(crate) const LAYERS: &str =
    "ffi → {local, remote} → {packet, e2ee, signal} → shared words, never the other way";
pub(crate) const STRANGERS: &str = "local and remote never name each other";
pub(crate) const HOST: &str =
    "host names only what the crate exports: its root, signal, packet and the shared words";
pub(crate) const UNIFFI: &str = "uniffi only in ffi and udl/scaffolding.rs";
pub(crate) const TOKIO: &str = "tokio only in host";
pub(crate) const PROST: &str = "prost only in signal";
pub(crate) const WEBRTC: &str = "webrtc and rtc only in host";
pub(crate) const CRYPTO: &str = "aes_gcm, hkdf and pbkdf2 only in e2ee";
pub(crate) const HASHES: &str = "sha2 and hmac only in e2ee and host";
pub(crate) const CHANCE: &str =
    "the system's random numbers only in ffi/random.rs and host; cores take `&mut dyn Random`";
pub(crate) const CLOCK: &str =
    "the clock is read only in ffi/environment.rs and host; cores take `now: Instant`";
pub(crate) const LOCKS: &str = "locks only in ffi and host";
pub(crate) const WAITING: &str = "nothing below ffi awaits or spawns";
pub(crate) const MAPS: &str = "cores iterate in order: no HashMap, no HashSet";
pub(crate) const UNSAFE: &str =
    "unsafe only in ffi/payload.rs, ffi/forks.rs and the scaffolding of lib.rs";

/// Every rule; `planted` has a violation of each.
pub(crate) const RULES: &[&str] = &[
    LAYERS, STRANGERS, HOST, UNIFFI, TOKIO, PROST, WEBRTC, CRYPTO, HASHES, CHANCE, CLOCK, LOCKS,
    WAITING, MAPS, UNSAFE,
];

const PARTS: &[&str] = &["packet", "e2ee", "signal", "local", "remote", "ffi", "host"];
const SHARED: &[&str] =
    &["frame", "track", "options", "error", "stats", "random", "share", "sorted", "arrows"];
const CORE_MAY: &[&str] = &["packet", "e2ee", "signal"];
const HOST_MAY: &[&str] = &["", "packet", "signal"];

const WORDS: &[Word] = &[
    Word { rule: UNIFFI, kind: Kind::Crate, names: &["uniffi"], allowed: &["ffi"] },
    Word { rule: TOKIO, kind: Kind::Crate, names: &["tokio"], allowed: &["host"] },
    Word { rule: PROST, kind: Kind::Crate, names: &["prost"], allowed: &["signal"] },
    Word { rule: WEBRTC, kind: Kind::Crate, names: &["webrtc", "rtc"], allowed: &["host"] },
    Word {
        rule: CRYPTO,
        kind: Kind::Crate,
        names: &["aes_gcm", "hkdf", "pbkdf2"],
        allowed: &["e2ee"],
    },
    Word { rule: HASHES, kind: Kind::Crate, names: &["sha2", "hmac"], allowed: &["e2ee", "host"] },
    Word {
        rule: CHANCE,
        kind: Kind::Crate,
        names: &["getrandom", "rand"],
        allowed: &["ffi/random.rs", "host"],
    },
    Word {
        rule: CLOCK,
        kind: Kind::Function,
        names: &["Instant::now", "SystemTime::now"],
        allowed: &["ffi/environment.rs", "host"],
    },
    Word {
        rule: CLOCK,
        kind: Kind::Method,
        names: &["elapsed"],
        allowed: &["ffi/environment.rs", "host"],
    },
    Word {
        rule: LOCKS,
        kind: Kind::Anywhere,
        names: &["Mutex", "RwLock", "Condvar", "Once", "OnceLock", "LazyLock"],
        allowed: &["ffi", "host"],
    },
    Word {
        rule: WAITING,
        kind: Kind::Anywhere,
        names: &["async", "await", "thread", "spawn"],
        allowed: &["ffi", "host"],
    },
    Word {
        rule: MAPS,
        kind: Kind::Anywhere,
        names: &["HashMap", "HashSet"],
        allowed: &["ffi", "host", "lib.rs"],
    },
    Word {
        rule: UNSAFE,
        kind: Kind::Anywhere,
        names: &["unsafe"],
        allowed: &["ffi/payload.rs", "ffi/forks.rs"],
    },
    Word {
        rule: UNSAFE,
        kind: Kind::Anywhere,
        names: &["unsafe_code"],
        allowed: &["ffi/payload.rs", "ffi/forks.rs", "lib.rs"],
    },
];
