//! Log records to the host's sink.
//!
//! ```text
//!  tracing::info!(…) ──► Forwarder: level and target? ──► Limit: a token left? ──► LogSink::log
//!                                          └ no: nothing          └ no: counted, told with the next record
//! ```
//! Owns the process-wide sink and its rate limit. The sink is called on the thread that logs, with no lock held; managers log
//! while they drain outputs, when they hold none either. A sink may log, call the library, throw or panic: what it logs is
//! counted and not handed to it, and nothing comes back into the library.

mod limit;
mod text;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU8, Ordering},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};

use self::limit::Limit;
use super::{
    Environment, LogRecord, LogSink,
    lock::{Hold, Mutex},
};
use crate::options::LogLevel;

/// Sends log records of at least `level` to `sink`, or to nobody. Process-wide; the last call wins. A record that is on its way may still
/// reach the former sink.
///
/// The first call with a sink becomes the global default subscriber of `tracing`. In a Rust program that has one already, that one
/// keeps getting all records and this function has no effect; one that is set later is refused by `tracing`.
pub fn set_log_sink(sink: Option<Box<dyn LogSink>>, level: LogLevel) {
    if sink.is_some() {
        LazyLock::force(&INSTALLED);
    }
    let most_verbose = sink.as_ref().map_or(NOTHING, |_| verbosity(level));
    let output = sink
        .map(|sink| Output { sink: sink.into(), limit: Limit::new(Environment::system().now()) });
    let mut current = OUTPUT.hold();
    let former = std::mem::replace(&mut *current, output);
    VERBOSITY.store(most_verbose, Ordering::Relaxed);
    // Under the lock, so that of two calls at once the last one's level is what `tracing` remembers.
    tracing::callsite::rebuild_interest_cache();
    drop(current);
    drop(former);
}

/// Where records go, and how many of them.
struct Output {
    sink: Arc<dyn LogSink>,
    limit: Limit,
}

/// What `tracing` hands records to. Its answers depend on nothing but an atomic, and are cached at each place that logs.
struct Forwarder;

impl Subscriber for Forwarder {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.enabled(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span()
            && verbosity(level_of(metadata)) <= VERBOSITY.load(Ordering::Relaxed)
            && is_ours(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match VERBOSITY.load(Ordering::Relaxed) {
            NOTHING => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let Some(_turn) = Turn::take() else {
            OUTPUT.hold().iter_mut().for_each(|output| output.limit.drop_one());
            return;
        };
        let now = Environment::system().now();
        let admitted = OUTPUT.hold().as_mut().and_then(|output| {
            let dropped = output.limit.admit(now)?;
            Some((Arc::clone(&output.sink), dropped))
        });
        let Some((sink, dropped)) = admitted else { return };
        // A sink that fails, or a value that panics while it is written down, must not end what was being logged.
        let _ = catch_unwind(AssertUnwindSafe(|| sink.log(record(event, dropped))));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A thread's turn to log: it has one at a time.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        let free = LOGGING.try_with(|logging| !logging.replace(true));
        free.unwrap_or(false).then_some(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = LOGGING.try_with(|logging| logging.set(false));
    }
}

fn record(event: &Event<'_>, dropped: u64) -> LogRecord {
    let metadata = event.metadata();
    LogRecord {
        level: level_of(metadata),
        target: metadata.target().to_owned(),
        text: text::of(event),
        dropped,
    }
}

fn is_ours(target: &str) -> bool {
    let rest = target.strip_prefix(env!("CARGO_CRATE_NAME"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn level_of(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

fn verbosity(level: LogLevel) -> u8 {
    match level {
        LogLevel::Error => 1,
        LogLevel::Warn => 2,
        LogLevel::Info => 3,
        LogLevel::Debug => 4,
        LogLevel::Trace => 5,
    }
}

/// Whether `tracing` took the forwarder.
static INSTALLED: LazyLock<bool> =
    LazyLock::new(|| tracing::subscriber::set_global_default(Forwarder).is_ok());

static OUTPUT: Mutex<Option<Output>> = Mutex::new(None);

/// The most verbose level that is wanted, as [`verbosity`] counts.
static VERBOSITY: AtomicU8 = AtomicU8::new(NOTHING);

/// No level is wanted.
const NOTHING: u8 = 0;

thread_local! {
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}
