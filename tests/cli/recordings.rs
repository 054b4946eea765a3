//! Rooms into files and out of them; lists that go on; servers that are measured.

use std::{
    env, fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use mcap::{Compression, Message, WriteOptions, Writer, records::MessageHeader};
use serde_json::Value;

use crate::run::{KEYS, Run, Sfu};

/// A path of the test's own, where nothing is.
pub(crate) struct Path(PathBuf);

impl Path {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(env::temp_dir().join(format!("datatracks-{}-{number}.mcap", std::process::id())))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn messages(&self) -> Vec<Message<'static>> {
        let file = fs::File::open(&self.0).unwrap();
        mcap::io::MessageReader::new(file).map(Result::unwrap).collect()
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// A file as tools of others write it: topics, seconds, payloads.
pub(crate) fn write(path: &Path, compression: Option<Compression>, frames: &[(&str, u64, &[u8])]) {
    let file = fs::File::create(&path.0).unwrap();
    let mut writer = WriteOptions::new().compression(compression).create(file).unwrap();
    for (topic, seconds, payload) in frames {
        let channel = writer.add_channel(0, topic, "json", &Default::default()).unwrap();
        add(&mut writer, channel, *seconds, payload);
    }
    writer.finish().unwrap();
}

pub(crate) fn add(writer: &mut Writer<fs::File>, channel_id: u16, seconds: u64, payload: &[u8]) {
    let log_time = seconds * 1_000_000_000;
    let header = MessageHeader { channel_id, sequence: 0, log_time, publish_time: log_time };
    writer.write_to_known_channel(&header, payload).unwrap();
}

/// Publishes frames that are fed.
pub(crate) fn open(sfu: &Sfu, identity: &str, name: &str) -> Run {
    let framing = ["--framing", "length", "--wait-ms", "0"];
    sfu.run(&[&["publish", "--identity", identity, "--name", name], &framing[..]].concat())
}

/// So many frames of so many bytes, and no more.
pub(crate) fn feed(publisher: &mut Run, frames: u8, bytes: u32) {
    for number in 0..frames {
        publisher.write(&bytes.to_be_bytes());
        publisher.write(&vec![number; bytes as usize]);
    }
    publisher.close_input();
    assert_eq!(publisher.status(), 0);
}

pub(crate) fn publish(sfu: &Sfu, identity: &str, name: &str, pattern: &str) -> Run {
    sfu.run(&["publish", "--identity", identity, "--name", name, "--generate", pattern])
}

#[test]
fn a_room_is_recorded_and_sent_again() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let mut early = open(&sfu, "alice", "pose");
    early.until("published");
    let mut recorder = sfu.run(&["record", "--out", path.text()]);
    recorder.until("recording \"pose\" of \"alice\"");
    feed(&mut early, 40, 100);
    let mut late = open(&sfu, "bob", "map");
    recorder.until("recording \"map\" of \"bob\"");
    feed(&mut late, 4, 300_000);
    recorder.until("\"map\" of \"bob\" has ended");
    recorder.interrupt();
    recorder.until("recorded 44 frames, 1204000 bytes");
    assert_eq!(recorder.status(), 0);

    let file = fs::read(&path.0).unwrap();
    let summary = mcap::Summary::read(&file).unwrap().expect("a summary, to seek by");
    assert_eq!(summary.stats.unwrap().message_count, 44);
    let mut chunks = summary.chunk_indexes.iter();
    assert!(chunks.len() > 0 && chunks.all(|chunk| !chunk.message_index_offsets.is_empty()));

    let messages = path.messages();
    let of = |topic| messages.iter().filter(move |message| message.channel.topic == topic);
    assert_eq!((of("alice/pose").count(), of("bob/map").count()), (40, 4));
    assert!(messages.iter().all(|message| message.publish_time <= message.log_time));
    let sent: Vec<_> = of("alice/pose").map(|message| message.data.to_vec()).collect();

    let mut reader =
        sfu.run(&["subscribe", "--name", "pose", "--publisher", "copy", "--json", "--count", "40"]);
    let mut replay =
        sfu.run(&["replay", path.text(), "--identity", "copy", "--timestamps", "recorded"]);
    assert_eq!((replay.status(), reader.status()), (0, 0));
    for (line, (payload, message)) in reader.data().iter().zip(sent.iter().zip(of("alice/pose"))) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["sha"], crate::digest(payload));
        assert_eq!(line["ts"], message.publish_time / 1_000_000);
    }
}

#[test]
fn who_is_terminated_keeps_what_was_recorded() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let mut recorder = sfu.run(&["record", "--out", path.text()]);
    recorder.until("recording into");
    let mut publisher = open(&sfu, "alice", "pose");
    recorder.until("recording \"pose\" of \"alice\"");
    feed(&mut publisher, 40, 100);
    recorder.until("\"pose\" of \"alice\" has ended");
    recorder.signal("TERM");
    recorder.until("recorded 40 frames");
    assert_eq!((recorder.status(), path.messages().len()), (0, 40));
}

#[test]
fn only_what_is_wanted_is_recorded() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let mut publishers = [("alice", "pose"), ("bob", "pose"), ("carol", "imu")]
        .map(|(identity, name)| publish(&sfu, identity, name, "size=10,rate=50"));
    publishers.iter_mut().for_each(|publisher| publisher.until("published"));
    let wanted = ["--name", "pose", "--publisher", "alice", "--seconds", "3"];
    let mut recorder = sfu.run(&[&["record", "--out", path.text()], &wanted[..]].concat());
    assert_eq!(recorder.status(), 0);
    publishers.iter_mut().for_each(Run::kill);
    let messages = path.messages();
    assert!(!messages.is_empty());
    assert!(messages.iter().all(|message| message.channel.topic == "alice/pose"));
}

#[test]
fn files_that_are_there_stay_and_files_that_are_none_are_named() {
    let (sfu, path) = (Sfu::start(), Path::new());
    fs::write(&path.0, NO_RECORDING).unwrap();
    let mut recorder = sfu.run(&["record", "--out", path.text()]);
    recorder.until("cannot write");
    assert_eq!(recorder.status(), 1);
    assert!(!recorder.remarks().contains("joined"), "{}", recorder.remarks());
    assert_eq!(fs::read(&path.0).unwrap(), NO_RECORDING);
    let mut replay = sfu.run(&["replay", path.text()]);
    replay.until("it is no MCAP file");
    assert_eq!(replay.status(), 1);
}

#[test]
fn who_cannot_join_leaves_no_file_behind() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let keys = [KEYS[0], ("LIVEKIT_API_SECRET", "another")];
    let mut recorder = sfu.run_with(&["record", "--out", path.text()], &keys);
    assert_eq!(recorder.status(), 4);
    assert!(!path.0.exists());
}

#[test]
fn long_work_tells_how_far_it_is() {
    let (sfu, path, copy) = (Sfu::start(), Path::new(), Path::new());
    write(&path, None, &[("pose", 0, b"first"), ("pose", 6, b"second"), ("pose", 12, b"last")]);
    let mut recorder = sfu.run(&["record", "--out", copy.text()]);
    recorder.until("recording into");
    let mut replay = sfu.run(&["replay", path.text(), "--wait-ms", "3000"]);
    replay.until("2 of 3 frames");
    recorder.until("2 frames, 11 bytes");
    assert_eq!(replay.status(), 0);
    recorder.interrupt();
    assert_eq!(recorder.status(), 0);
}

#[test]
fn a_list_goes_on() {
    let sfu = Sfu::start();
    let mut list = sfu.run(&["list", "--watch"]);
    list.until("there are no tracks");
    feed(&mut open(&sfu, "alice", "pose"), 1, 1);
    let [begun, ended] = [list.line(), list.line()];
    assert!(begun.starts_with("+\talice\tpose\tDTR_"), "{begun}");
    assert!(ended.starts_with("-\talice\tpose\tDTR_"), "{ended}");
    list.interrupt();
    assert_eq!(list.status(), 130);
}

#[test]
fn a_server_is_measured() {
    let sfu = Sfu::start();
    let mut bench = sfu.outside(&["bench", "--seconds", "0.3", "--json"]);
    assert_eq!(bench.status(), 0);
    let lines: Vec<Value> =
        bench.data().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    for line in &lines {
        assert!(
            line["delivered"].as_u64() > Some(0)
                && line["delivered"].as_u64() <= line["sent"].as_u64(),
            "{line}"
        );
        assert!(line["median_ms"].as_f64() <= line["longest_ms"].as_f64(), "{line}");
    }
}

const NO_RECORDING: &[u8] = b"a file of somebody";
