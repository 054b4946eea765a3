//! The command line as scripts see it: data on stdout, remarks on stderr, exit statuses; in rooms of an embedded SFU.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod failures;
mod interrupts;
#[path = "../livekit_server/mod.rs"]
mod livekit_server;
mod recordings;
mod replays;
mod run;
mod secrets;
mod serving;

use std::{collections::BTreeSet, env, fs};

use run::Sfu;
use sha2::{Digest, Sha256};

#[test]
fn frames_cross_as_lines_of_text() {
    let sfu = Sfu::start();
    let mut reader =
        sfu.run(&["subscribe", "--name", "log", "--count", "2", "--publisher", "alice"]);
    let mut publisher =
        sfu.run(&["publish", "--name", "log", "--identity", "alice", "--wait-ms", "0"]);
    reader.until("subscribed to \"log\" of \"alice\"");
    publisher.write(b"first\nsecond\n");
    assert_eq!(reader.status(), 0);
    publisher.close_input();
    assert_eq!(publisher.status(), 0);
    let lines = reader.data();
    assert!(lines[0].starts_with("#0  5 bytes") && lines[0].ends_with("  first"), "{lines:?}");
    assert!(lines[1].starts_with("#1  6 bytes") && lines[1].ends_with("  second"), "{lines:?}");
}

#[test]
fn patterns_arrive_byte_for_byte() {
    let sfu = Sfu::start();
    let folder = env::temp_dir().join(format!("datatracks-cli-{}", std::process::id()));
    let out = folder.to_str().unwrap();
    let mut reader =
        sfu.run(&["subscribe", "--name", "load", "--json", "--count", "5", "--out", out]);
    let pattern = "size=40000,rate=50";
    let mut publisher = sfu.run(&["publish", "--name", "load", "--generate", pattern]);
    assert_eq!(reader.status(), 0);
    publisher.kill();
    let lines = reader.data();
    assert_eq!(lines.len(), 5);
    let mut first_bytes = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let frame = fs::read(folder.join(format!("00000{index}.bin"))).unwrap();
        first_bytes.insert(frame[0]);
        let pattern: Vec<u8> = (0..40_000).map(|k| (usize::from(frame[0]) + 7 * k) as u8).collect();
        assert_eq!(frame, pattern);
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["i"], &line["len"]), (&index.into(), &40_000.into()));
        assert_eq!(line["sha"], digest(&frame));
        assert!(line["latency_ms"].is_i64() && line["ts"].is_u64(), "{line}");
    }
    assert_eq!(first_bytes.len(), 5, "each frame has another");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn lengths_frame_any_bytes_and_timestamps_can_be_left_out() {
    let sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "raw", "--json", "--count", "2"]);
    let arguments =
        ["publish", "--name", "raw", "--framing", "length", "--no-timestamp", "--wait-ms", "0"];
    let mut publisher = sfu.run(&arguments);
    reader.until("subscribed to");
    publisher.write(b"\0\0\0\0\0\0\0\x02\n\xff");
    assert_eq!(reader.status(), 0);
    publisher.kill();
    let nothing = digest(b"");
    let frame = digest(b"\n\xff");
    assert_eq!(
        reader.data(),
        [
            format!(r#"{{"i":0,"len":0,"sha":"{nothing}","ts":null,"latency_ms":null}}"#),
            format!(r#"{{"i":1,"len":2,"sha":"{frame}","ts":null,"latency_ms":null}}"#),
        ]
    );
}

#[test]
fn the_list_names_tracks() {
    let sfu = Sfu::start();
    let mut publisher = sfu.secretly(&["publish", "--name", "log", "--identity", "alice"]);
    publisher.until("published \"log\"");
    let mut list = sfu.run(&["list", "--json"]);
    assert_eq!(list.status(), 0);
    let line: serde_json::Value = serde_json::from_str(&list.data()[0]).unwrap();
    assert_eq!((&line["publisher"], &line["name"]), (&"alice".into(), &"log".into()));
    assert_eq!(line["encrypted"], true);
    let mut list = sfu.run(&["list"]);
    assert_eq!(list.status(), 0);
    let lines = list.data();
    assert!(lines[0].starts_with("alice\tlog\tDTR_") && lines[0].ends_with("\tencrypted"));
    publisher.kill();
}

#[test]
fn names_of_others_neither_end_lines_nor_move_the_cursor() {
    let sfu = Sfu::start();
    let name = "a\nb\tc\u{1b}[31m\u{202e}ä";
    let mut publisher = sfu.run(&["publish", "--name", name, "--identity", "al\rice"]);
    publisher.until("published");
    let mut reader = sfu.run(&["subscribe", "--name", name]);
    reader.until("subscribed to");
    let mut list = sfu.run(&["list"]);
    assert_eq!(list.status(), 0);
    let lines = list.data();
    let written_out = r"a\nb\tc\u{1b}[31m\u{202e}ä";
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(&format!("al\\rice\t{written_out}\tDTR_")), "{lines:?}");
    for run in [&publisher, &reader] {
        assert!(run.remarks().contains(written_out), "{}", run.remarks());
    }
    reader.kill();
    publisher.kill();
}

/// The first 16 digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
