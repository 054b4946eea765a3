//! The command line as scripts see it: data on stdout, remarks on stderr, exit statuses; in rooms of an embedded SFU.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod livekit_server;

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use datatracks::host::room::{ApiKey, Grants};
use livekit_server::LivekitServer;
use sha2::{Digest, Sha256};
use tokio::net::TcpSocket;

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
fn what_cannot_be_read_written_or_bound_ends_with_status_1() {
    let sfu = Sfu::start();
    let address = sfu.url.strip_prefix("ws://").unwrap();
    for (mut run, hint) in [
        (sfu.run(&["publish", "--name", "log", "--file", "/nowhere/file"]), "/nowhere/file"),
        (sfu.run(&["subscribe", "--name", "log", "--out", "/dev/null/folder"]), "/dev/null/folder"),
        (Run::start(&["sfu", "--listen", address], &[]), "port 0"),
        (Run::start(&["sfu", "--plain", address], &[]), "port 0"),
    ] {
        assert_eq!(run.status(), 1);
        assert!(run.remarks().contains(hint), "{}", run.remarks());
    }
}

#[test]
fn a_frame_that_is_too_large_ends_with_status_1() {
    let sfu = Sfu::start();
    let mut publisher =
        sfu.run(&["publish", "--name", "log", "--framing", "length", "--wait-ms", "0"]);
    publisher.write(&[0xff; 4]);
    assert_eq!(publisher.status(), 1);
    assert!(publisher.remarks().contains("--framing"), "{}", publisher.remarks());
}

#[test]
fn what_makes_no_sense_ends_with_status_2() {
    for (line, hint) in [
        ("publish", "--name"),
        ("subscribe --room lab --name x --url nowhere", "--url"),
        ("publish --room lab --name x --url ws://a --generate size=x", "--generate"),
        ("publish --room lab --name x --url ws://a --generate size=1 --file f", "--file"),
        ("subscribe --room lab --name x --url ws://a --timeout soon", "--timeout"),
        ("list --room lab --url ws://a", "LIVEKIT_API_KEY"),
    ] {
        let mut run = Run::start(&line.split(' ').collect::<Vec<_>>(), &[]);
        assert_eq!(run.status(), 2, "{line}");
        assert!(run.remarks().contains(hint), "{line}: {}", run.remarks());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_with_status_3() {
    // Taken, so that no other test listens there, and nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("ws://{}", taken.local_addr().unwrap());
    let mut list = Run::start(&["list", "--room", "lab", "--url", &url], &KEYS);
    assert_eq!(list.status(), 3);
    assert!(list.remarks().contains("Is the server running"));
}

#[test]
fn a_wrong_secret_ends_with_status_4_and_shows_nowhere() {
    let sfu = Sfu::start();
    let keys = [("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "hush-hush")];
    let mut list = Run::start(&["-vv", "list", "--room", "lab", "--url", &sfu.url], &keys);
    assert_eq!(list.status(), 4);
    let remarks = list.remarks();
    assert!(remarks.contains("LIVEKIT_API_SECRET") && !remarks.contains("hush-hush"), "{remarks}");
    assert!(!remarks.contains("eyJ"), "a token shows: {remarks}");
    let mut help = Run::start(&["list", "--help"], &keys);
    assert_eq!(help.status(), 0);
    assert!(!help.data().concat().contains("hush-hush"));
}

#[test]
fn a_track_that_does_not_appear_ends_with_status_6() {
    let sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "none", "--timeout", "0.5"]);
    assert_eq!(reader.status(), 6);
    assert!(reader.remarks().contains("there are no tracks"));
}

#[test]
fn too_few_frames_in_time_end_with_status_7_and_too_few_at_all_with_10() {
    let sfu = Sfu::start();
    let mut publisher = sfu.run(&["publish", "--name", "log", "--wait-ms", "0"]);
    publisher.until("published");
    let mut patient = sfu.run(&["subscribe", "--name", "log", "--count", "2"]);
    let mut hasty = sfu.run(&["subscribe", "--name", "log", "--count", "2", "--timeout", "8"]);
    patient.until("subscribed to");
    hasty.until("subscribed to");
    publisher.write(b"only\n");
    assert_eq!(hasty.status(), 7);
    assert!(hasty.remarks().contains("not enough frames"), "{}", hasty.remarks());
    publisher.close_input();
    assert_eq!((publisher.status(), patient.status()), (0, 10));
    assert!(patient.remarks().contains("after 1 of 2 frames"));
}

#[test]
fn an_encrypted_track_without_the_passphrase_ends_with_status_8() {
    let sfu = Sfu::start();
    let mut publisher = sfu.secretly(&["publish", "--name", "log"]);
    publisher.until("encrypted");
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    assert_eq!(reader.status(), 8);
    assert!(reader.remarks().contains("DATATRACKS_E2EE_PASSPHRASE"));
    publisher.kill();
}

#[test]
fn a_token_without_the_permission_ends_with_status_8() {
    let sfu = Sfu::start();
    let mut publisher = sfu.run(&["publish", "--name", "log"]);
    publisher.until("published");
    for (command, permission) in [("publish", "canPublishData"), ("subscribe", "canSubscribe")] {
        let mut grants = Grants::new("eve", "lab");
        (grants.can_publish_data, grants.can_subscribe) = (false, false);
        let token = ApiKey::new(KEYS[0].1, KEYS[1].1).sign(&grants);
        let environment = [("LIVEKIT_TOKEN", token.as_str()), ("LIVEKIT_URL", &sfu.url)];
        let mut run = Run::start(&[command, "--name", "log"], &environment);
        assert_eq!(run.status(), 8, "{command}");
        assert!(run.remarks().contains(permission), "{command}: {}", run.remarks());
    }
}

#[test]
#[ignore = "needs DATATRACKS_LIVEKIT_SERVER"]
fn a_server_without_data_tracks_ends_with_status_5() {
    let server = LivekitServer::start_with("enable_data_tracks: false");
    let url = format!("ws://127.0.0.1:{}", server.port());
    let keys =
        [("LIVEKIT_API_KEY", livekit_server::KEY), ("LIVEKIT_API_SECRET", livekit_server::SECRET)];
    for command in ["publish", "subscribe"] {
        let mut run =
            Run::start(&[command, "--room", "lab", "--name", "log", "--url", &url], &keys);
        assert_eq!(run.status(), 5, "{command}: {}", run.remarks());
        assert!(run.remarks().contains("enable_data_tracks"), "{command}: {}", run.remarks());
    }
}

#[test]
fn a_taken_identity_ends_the_older_one_with_status_9() {
    let sfu = Sfu::start();
    let mut older = sfu.run(&["subscribe", "--name", "none", "--identity", "me"]);
    older.until("joined");
    let mut newer = sfu.run(&["subscribe", "--name", "none", "--identity", "me"]);
    assert_eq!(older.status(), 9);
    assert!(older.remarks().contains("--identity"));
    newer.kill();
}

#[test]
fn an_interrupt_leaves_the_room_with_status_130() {
    let sfu = Sfu::start();
    let mut reader = sfu.run(&["subscribe", "--name", "log"]);
    let mut publisher = sfu.run(&["publish", "--name", "log", "--identity", "alice"]);
    reader.until("subscribed to");
    publisher.interrupt();
    assert_eq!(publisher.status(), 130);
    assert_eq!(reader.status(), 0, "the track ended");
}

/// An embedded SFU in a process of its own, and processes in one of its rooms.
struct Sfu {
    process: Run,
    url: String,
}

impl Sfu {
    fn start() -> Self {
        let process = Run::start(&["sfu", "--listen", "127.0.0.1:0"], &KEYS);
        let line = process.stdout.recv_timeout(LIMIT).expect("the SFU says where it is");
        let url = line.strip_prefix("listening ").expect("an address").to_owned();
        Self { process, url }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &KEYS)
    }

    fn secretly(&self, arguments: &[&str]) -> Run {
        let keys = [KEYS[0], KEYS[1], ("DATATRACKS_E2EE_PASSPHRASE", "secret")];
        self.run_with(arguments, &keys)
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let room = ["--room", "lab", "--url", &self.url];
        Run::start(&[arguments, &room].concat(), environment)
    }
}

impl Drop for Sfu {
    fn drop(&mut self) {
        self.process.kill();
    }
}

struct Run {
    process: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    remarks: Vec<String>,
}

impl Run {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_datatracks"))
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(process.stdout.take().unwrap());
        let stderr = lines(process.stderr.take().unwrap());
        Self { process, stdout, stderr, remarks: Vec::new() }
    }

    /// Waits until stderr says so.
    fn until(&mut self, text: &str) {
        while !self.remarks.last().is_some_and(|line| line.contains(text)) {
            let Ok(line) = self.stderr.recv_timeout(LIMIT) else {
                panic!("no {text:?}: {:?}", self.remarks);
            };
            self.remarks.push(line);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    fn close_input(&mut self) {
        self.process.stdin = None;
    }

    /// The exit status, when it has ended.
    fn status(&mut self) -> i32 {
        while let Ok(line) = self.stderr.recv_timeout(LIMIT) {
            self.remarks.push(line);
        }
        let deadline = Instant::now() + LIMIT;
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "still runs: {:?}", self.remarks);
            thread::sleep(Duration::from_millis(2));
        }
        let ended = self.process.wait().unwrap();
        ended.code().expect("no signal ended it")
    }

    fn data(&self) -> Vec<String> {
        self.stdout.iter().collect()
    }

    fn remarks(&self) -> String {
        self.remarks.join("\n")
    }

    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The first 16 digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

const KEYS: [(&str, &str); 2] = [("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "secret")];

const LIMIT: Duration = Duration::from_secs(20);
