//! Log records reach the host's sink, at a bearable rate, whatever the sink does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use datatracks::{
    DelegateError, KeyDerivation, KeyRing, KeyRingOptions, LogLevel, LogRecord, LogSink, Payload,
    set_log_sink,
};

#[test]
fn a_record_arrives_with_its_level_target_and_fields() {
    let _turn = turn();
    let records = collect(LogLevel::Trace);
    tracing::warn!(target: "datatracks::local", name = "imu", bytes = 7, "frame {} dropped", 3);
    tracing::trace!(target: "datatracks", flag = true);
    let record = next(&records);
    assert_eq!((record.level, record.dropped), (LogLevel::Warn, 0));
    assert_eq!(record.target, "datatracks::local");
    assert_eq!(record.text, r#"frame 3 dropped name="imu" bytes=7"#);
    let record = next(&records);
    assert_eq!((record.level, record.text.as_str()), (LogLevel::Trace, "flag=true"));
}

#[test]
fn what_others_sent_cannot_forge_a_line() {
    let _turn = turn();
    let records = collect(LogLevel::Info);
    let identity = "eve\nERROR all is lost";
    tracing::info!(target: "datatracks", identity, "joined");
    assert_eq!(next(&records).text, r#"joined identity="eve\nERROR all is lost""#);
}

#[test]
fn a_text_has_an_end() {
    let _turn = turn();
    let records = collect(LogLevel::Info);
    tracing::info!(target: "datatracks", value = "ä".repeat(100_000), "long");
    let text = next(&records).text;
    assert!(text.starts_with("long value=\"ää") && text.ends_with("ä…"), "{text}");
    assert!(text.len() <= 1024 + "…".len(), "{}", text.len());
}

#[test]
fn only_wanted_levels_of_this_library_arrive() {
    let _turn = turn();
    for (level, expected) in [
        (LogLevel::Error, "E"),
        (LogLevel::Warn, "EW"),
        (LogLevel::Info, "EWI"),
        (LogLevel::Debug, "EWID"),
        (LogLevel::Trace, "EWIDT"),
    ] {
        let records = collect(level);
        log_at_each_level();
        set_log_sink(None, LogLevel::Trace);
        let texts: String = records.iter().map(|record| record.text).collect();
        assert_eq!(texts, expected, "{level:?}");
    }
}

fn log_at_each_level() {
    tracing::error!(target: "datatracks", "E");
    tracing::warn!(target: "datatracks::remote", "W");
    tracing::info!(target: "datatracks", "I");
    tracing::debug!(target: "datatracks", "D");
    tracing::trace!(target: "datatracks", "T");
    tracing::error!(target: "hyper", "of another crate");
    tracing::error!(target: "datatracksuite", "of another crate");
}

#[test]
fn without_a_sink_nothing_is_even_written_down() {
    let _turn = turn();
    drop(collect(LogLevel::Trace));
    set_log_sink(None, LogLevel::Trace);
    assert!(!tracing::enabled!(target: "datatracks", tracing::Level::ERROR));
    drop(collect(LogLevel::Info));
    assert!(tracing::enabled!(target: "datatracks", tracing::Level::INFO));
    assert!(!tracing::enabled!(target: "datatracks", tracing::Level::DEBUG));
}

#[test]
fn a_former_sink_is_let_go_and_gets_no_more() {
    let _turn = turn();
    let former = collect(LogLevel::Info);
    let latter = collect(LogLevel::Info);
    tracing::info!(target: "datatracks", "here");
    assert_eq!(former.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
    assert_eq!(next(&latter).text, "here");
}

#[test]
fn a_sink_that_throws_or_panics_harms_nobody() {
    let _turn = turn();
    let (sender, records) = mpsc::channel();
    set_log_sink(
        sink(move |record| {
            sender.send(record.text.clone()).unwrap();
            match record.text.as_str() {
                "panics" => panic!("the sink's own fault"),
                _ => Err(DelegateError::Failed),
            }
        }),
        LogLevel::Info,
    );
    for text in ["throws", "panics", "throws again"] {
        tracing::info!(target: "datatracks", "{text}");
        assert_eq!(records.recv_timeout(DEADLINE).as_deref(), Ok(text));
    }
}

#[test]
fn a_sink_that_logs_and_calls_the_library_gets_each_record_once() {
    let _turn = turn();
    let (sender, records) = mpsc::channel();
    set_log_sink(
        sink(move |record| {
            tracing::error!(target: "datatracks", "logged by the sink");
            if record.text == "first" {
                // The level stays; what matters is that it answers.
                set_log_sink(collector(sender.clone()), LogLevel::Info);
            }
            sender.send(record).map_err(|_| DelegateError::Failed)
        }),
        LogLevel::Info,
    );
    within(DEADLINE, || tracing::info!(target: "datatracks", "first"));
    assert_eq!(next(&records).text, "first");
    within(DEADLINE, || tracing::info!(target: "datatracks", "second"));
    assert_eq!(next(&records).text, "second");
}

#[test]
fn what_a_sink_logs_is_counted() {
    let _turn = turn();
    let (sender, records) = mpsc::channel();
    set_log_sink(
        sink(move |record| {
            tracing::error!(target: "datatracks", "logged by the sink");
            sender.send(record).map_err(|_| DelegateError::Failed)
        }),
        LogLevel::Info,
    );
    for dropped in [0, 1, 1] {
        tracing::info!(target: "datatracks", "logged by the library");
        let record = next(&records);
        assert_eq!((record.text.as_str(), record.dropped), ("logged by the library", dropped));
    }
}

#[test]
fn a_value_that_panics_while_it_is_written_harms_nobody() {
    struct Broken;
    impl std::fmt::Debug for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("broken")
        }
    }
    let _turn = turn();
    let records = collect(LogLevel::Info);
    tracing::info!(target: "datatracks", value = ?Broken, "lost");
    tracing::info!(target: "datatracks", "not lost");
    assert_eq!(next(&records).text, "not lost");
}

#[test]
fn a_sink_that_blocks_holds_up_only_the_thread_that_it_blocks() {
    let _turn = turn();
    let (sender, records) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    set_log_sink(
        sink(move |record| {
            let blocks = record.text == "blocks";
            sender.send(record).unwrap();
            if blocks {
                let _ = released.lock().unwrap().recv_timeout(DEADLINE);
            }
            Ok(())
        }),
        LogLevel::Info,
    );
    thread::scope(|scope| {
        scope.spawn(|| tracing::info!(target: "datatracks", "blocks"));
        assert_eq!(next(&records).text, "blocks");
        tracing::info!(target: "datatracks", "passes");
        assert_eq!(records.recv_timeout(DEADLINE / 10).unwrap().text, "passes");
        release.send(()).unwrap();
    });
}

#[test]
fn a_flood_is_cut_and_every_record_of_it_is_accounted_for() {
    let _turn = turn();
    let records = collect(LogLevel::Info);
    let start = Instant::now();
    let log = || tracing::info!(target: "datatracks", "again and again");
    (0..10_000).for_each(|_| log());
    let earned = start.elapsed().as_millis() / 10 + 1;
    let delivered = records.try_iter().count();
    assert!((200..=200 + earned as usize).contains(&delivered), "{delivered} delivered");

    let mut sent = 10_000;
    let after_the_gap = loop {
        assert!(start.elapsed() < DEADLINE, "no record after the flood");
        log();
        sent += 1;
        if let Ok(record) = records.try_recv() {
            break record;
        }
    };
    assert_eq!(delivered as u64 + after_the_gap.dropped + 1, sent);
}

#[test]
fn the_librarys_own_records_arrive_and_hold_no_keys() {
    let _turn = turn();
    let records = collect(LogLevel::Debug);
    let rings = [(); 2].map(|()| {
        let options = KeyRingOptions {
            derivation: KeyDerivation::Hkdf,
            ratchet_window: 1,
            ..KeyRingOptions::default()
        };
        let ring = Arc::new(KeyRing::new(options).unwrap());
        ring.set_shared_key(b"sesame".to_vec(), 0).unwrap();
        ring
    });
    let [alice, bob] = rings;
    alice.ratchet_shared_key(0).unwrap();
    let sealed = alice.encryption_provider(None).encrypt(Payload::from(b"hello".to_vec()));
    bob.decryption_provider().decrypt(sealed.unwrap(), "alice".into()).unwrap();
    let record = next(&records);
    assert_eq!(record.target, "datatracks::ffi::key_ring");
    assert_eq!(record.text, r#"a publisher has ratcheted its key publisher="alice" key_index=0"#);
}

/// The sink is the process's: one test has it at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(level: LogLevel) -> Receiver<LogRecord> {
    let (sender, records) = mpsc::channel();
    set_log_sink(collector(sender), level);
    records
}

fn collector(sender: Sender<LogRecord>) -> Option<Box<dyn LogSink>> {
    sink(move |record| sender.send(record).map_err(|_| DelegateError::Failed))
}

fn sink(
    log: impl Fn(LogRecord) -> Result<(), DelegateError> + Send + Sync + 'static,
) -> Option<Box<dyn LogSink>> {
    struct Sink<F>(F);
    impl<F: Fn(LogRecord) -> Result<(), DelegateError> + Send + Sync> LogSink for Sink<F> {
        fn log(&self, record: LogRecord) -> Result<(), DelegateError> {
            (self.0)(record)
        }
    }
    Some(Box::new(Sink(log)))
}

fn next(records: &Receiver<LogRecord>) -> LogRecord {
    records.recv_timeout(DEADLINE).expect("a record in time")
}

/// Fails instead of hanging when `work` does not end.
fn within(deadline: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        work();
        done.send(())
    });
    ended.recv_timeout(deadline).expect("to end in time");
}

const DEADLINE: Duration = Duration::from_secs(20);
