//! Ctrl-C: whatever is at work leaves in time, and with a status that says so. `record` ends well by it, which `recordings` has.

use std::{net::TcpListener, time::Instant};

use crate::{
    recordings::{Path, write},
    run::{KEYS, Run, Sfu},
};

/// Asks it to end, and answers the status.
fn interrupted(run: &mut Run) -> i32 {
    let asked = Instant::now();
    run.interrupt();
    let status = run.status();
    assert!(asked.elapsed().as_secs() < SECONDS, "it takes {:?}", asked.elapsed());
    status
}

#[test]
fn who_publishes_takes_the_track_along() {
    let sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    let mut publisher = sfu.run(&["publish", "--name", "log", "--identity", "alice"]);
    reader.until("subscribed to");
    assert_eq!(interrupted(&mut publisher), 130);
    assert_eq!(reader.status(), 0, "the track ended");
}

#[test]
fn who_waits_for_input_does_not_wait_for_it_to_end() {
    let sfu = Sfu::start();
    let mut asked = reading_input(&sfu, "asked");
    let mut left_alone = reading_input(&sfu, "left-alone");
    assert_eq!(interrupted(&mut asked), 130);
    sfu.process.interrupt();
    assert_eq!(left_alone.status(), 9);
}

/// Publishes a line that a reader gets, and waits for the next.
fn reading_input(sfu: &Sfu, name: &str) -> Run {
    let mut publisher = sfu.run(&["publish", "--name", name, "--wait-ms", "0"]);
    let mut reader = sfu.run(&["subscribe", "--name", name, "--count", "1"]);
    reader.until("subscribed to");
    publisher.write(b"a line\n");
    assert_eq!(reader.status(), 0);
    publisher
}

#[test]
fn who_is_terminated_leaves_as_well() {
    let sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    let mut publisher = sfu.run(&["publish", "--name", "log"]);
    reader.until("subscribed to");
    publisher.signal("TERM");
    assert_eq!(publisher.status(), 143);
    assert!(publisher.remarks().contains("terminated"), "{}", publisher.remarks());
    assert_eq!(reader.status(), 0, "the track ended");
}

#[test]
fn who_is_not_read_any_more_ends_without_a_word() {
    let sfu = Sfu::start();
    let mut publisher = sfu.run(&["publish", "--name", "log", "--generate", "size=10,rate=50"]);
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    reader.line();
    reader.close_output();
    assert_eq!(reader.status(), 141);
    let last = reader.remarks().lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("subscribed to"), "{last}");
    publisher.kill();
}

#[test]
fn who_replays_takes_the_tracks_along() {
    let (sfu, path) = (Sfu::start(), Path::new());
    write(&path, None, &[("pose", 0, b"first"), ("pose", 3600, b"an hour later")]);
    let mut reader = sfu.run(&["subscribe", "--name", "pose", "--json"]);
    let mut replay = sfu.run(&["replay", path.text(), "--wait-ms", "3000"]);
    reader.until("subscribed to");
    reader.line();
    assert_eq!(interrupted(&mut replay), 130);
    assert_eq!(reader.status(), 0, "the track ended");
}

#[test]
fn who_reads_leaves_the_publisher_as_it_was() {
    let sfu = Sfu::start();
    let mut publisher = sfu.run(&["publish", "--name", "log", "--wait-ms", "0"]);
    publisher.until("published");
    for mut reader in [sfu.run(&["subscribe", "--name", "log"]), sfu.run(&["list", "--watch"])] {
        reader.until("joined");
        assert_eq!(interrupted(&mut reader), 130);
    }
    publisher.write(b"a frame\n");
    publisher.close_input();
    assert_eq!(publisher.status(), 0);
}

#[test]
fn who_measures_stops_between_two_loads() {
    let sfu = Sfu::start();
    let mut bench = sfu.outside(&["bench", "--seconds", "60", "--json"]);
    bench.until("joined");
    bench.until("joined");
    assert_eq!(interrupted(&mut bench), 130);
}

#[test]
fn who_serves_says_goodbye() {
    let mut sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    reader.until("joined");
    assert_eq!(interrupted(&mut sfu.process), 130);
    reader.until("the server shuts down");
    assert_eq!(reader.status(), 9);
}

#[test]
fn who_is_not_let_in_yet_ends_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let mut list = Run::start(&["list", "--room", "lab", "--url", &url], &KEYS);
    let _silent = listener.accept().unwrap();
    assert_eq!(interrupted(&mut list), 130);
}

#[test]
fn a_server_that_is_frozen_holds_nobody_up() {
    let sfu = Sfu::start();
    let mut publisher = sfu.run(&["publish", "--name", "log"]);
    publisher.until("published");
    sfu.process.signal("STOP");
    assert_eq!(interrupted(&mut publisher), 130);
}

/// To leave; usually far below one, and some when nobody answers any more.
const SECONDS: u64 = 10;
