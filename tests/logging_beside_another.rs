//! A Rust host that has a `tracing` subscriber keeps it: nothing panics, and no record is taken from it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};

use datatracks::{DelegateError, LogLevel, LogRecord, LogSink, set_log_sink};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

#[test]
fn the_subscriber_that_was_there_first_stays() {
    tracing::subscriber::set_global_default(Host).unwrap();
    set_log_sink(Some(Box::new(Sink)), LogLevel::Trace);
    tracing::info!(target: "datatracks", "to the host");
    set_log_sink(None, LogLevel::Error);
    tracing::info!(target: "datatracks", "to the host");
    assert_eq!(EVENTS.load(Ordering::Relaxed), 2);
    assert_eq!(RECORDS.load(Ordering::Relaxed), 0);
}

struct Host;

impl Subscriber for Host {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {
        EVENTS.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

static EVENTS: AtomicUsize = AtomicUsize::new(0);

static RECORDS: AtomicUsize = AtomicUsize::new(0);

struct Sink;

impl LogSink for Sink {
    fn log(&self, _: LogRecord) -> Result<(), DelegateError> {
        RECORDS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
