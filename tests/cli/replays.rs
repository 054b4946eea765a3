//! Files of ours and of others, sent again; and what cannot be sent.

use std::{collections::BTreeMap, fs};

use mcap::{Compression, Writer};
use serde_json::Value;

use crate::{
    recordings::{Path, add, feed, open, publish, write},
    run::{Run, Sfu},
};

#[test]
fn a_recording_that_was_cut_is_sent_as_far_as_it_goes() {
    let (sfu, whole, cut) = (Sfu::start(), Path::new(), Path::new());
    let mut recorder = sfu.run(&["record", "--out", whole.text()]);
    recorder.until("recording into");
    let mut publisher = open(&sfu, "alice", "map");
    recorder.until("recording \"map\" of \"alice\"");
    feed(&mut publisher, 8, 500_000);
    recorder.until("\"map\" of \"alice\" has ended");
    recorder.interrupt();
    assert_eq!(recorder.status(), 0);
    let bytes = fs::read(whole.text()).unwrap();
    fs::write(cut.text(), &bytes[..bytes.len() * 2 / 5]).unwrap();
    let mut replay = sfu.run(&["replay", cut.text(), "--wait-ms", "0", "--speed", "10"]);
    replay.until("the recording was not finished");
    replay.until("sent 3 frames");
    assert_eq!(replay.status(), 0);
}

#[test]
fn files_of_others_are_sent_however_they_are_compressed() {
    let sfu = Sfu::start();
    let payloads = [vec![7; 100_000], vec![8; 100_000]];
    let frames = [("pose", 1, &payloads[0][..]), ("pose", 1, &payloads[1][..])];
    for compression in [None, Some(Compression::Zstd), Some(Compression::Lz4)] {
        let path = Path::new();
        write(&path, compression, &frames);
        let packed = fs::metadata(path.text()).unwrap().len();
        assert_eq!(compression.is_some(), packed < 100_000, "{compression:?}: {packed} bytes");
        let mut reader = sfu.run(&["subscribe", "--name", "pose", "--json", "--count", "2"]);
        let mut replay = sfu.run(&["replay", path.text()]);
        assert_eq!((replay.status(), reader.status()), (0, 0), "{compression:?}");
        for (line, payload) in reader.data().iter().zip(&payloads) {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["sha"], crate::digest(payload), "{compression:?}");
        }
    }
}

#[test]
fn a_schema_that_no_track_can_have_is_left_out() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let mut writer = Writer::new(fs::File::create(path.text()).unwrap()).unwrap();
    let (fits, too_large) = ([1; 10], [1; 70_000]);
    for (topic, encoding, schema) in [
        ("pose", "protobuf", Some(("protobuf", &too_large[..]))),
        ("scan", "cdr", None),
        ("imu", "json", Some(("protobuf", &fits[..]))),
    ] {
        let id = schema.map_or(0, |(encoding, contents)| {
            writer.add_schema(topic, encoding, contents).unwrap()
        });
        let channel = writer.add_channel(id, topic, encoding, &Default::default()).unwrap();
        add(&mut writer, channel, 0, b"first");
        add(&mut writer, channel, 0, b"last");
    }
    writer.finish().unwrap();
    let names = ["pose", "scan", "imu"];
    let mut readers =
        names.map(|name| sfu.run(&["subscribe", "--name", name, "--json", "--count", "2"]));
    readers.iter_mut().for_each(|reader| reader.until("joined"));
    let mut list = sfu.run(&["list", "--watch", "--json"]);
    list.until("there are no tracks");
    let mut replay = sfu.run(&["replay", path.text()]);
    let encodings: BTreeMap<_, _> = names
        .iter()
        .map(|_| serde_json::from_str(&list.line()).unwrap())
        .map(|mut line: Value| (line["name"].to_string(), line["frame_encoding"].take()))
        .collect();
    let expected = [("imu", "json".into()), ("pose", Value::Null), ("scan", Value::Null)];
    assert!(encodings.into_iter().eq(expected.map(|(name, of)| (format!("{name:?}"), of))));
    assert_eq!(replay.status(), 0);
    for text in ["the schema \"imu\" is left out", "the encoding \"cdr\" is left out"] {
        assert!(replay.remarks().contains(text), "{}", replay.remarks());
    }
    readers.iter_mut().for_each(|reader| assert_eq!(reader.status(), 0));
}

#[test]
fn what_cannot_be_sent_again_is_known_before_the_room_is_joined() {
    let (sfu, nameless) = (Sfu::start(), Path::new());
    write(&nameless, None, &[("", 0, b"a frame")]);
    let mut replay = sfu.run(&["replay", nameless.text()]);
    // A pipe here: once read, it is gone.
    let mut piped = sfu.run(&["replay", "/dev/stdin"]);
    for (run, hint) in [(&mut replay, "--name"), (&mut piped, "read twice")] {
        assert_eq!(run.status(), 1);
        let remarks = run.remarks();
        assert!(remarks.contains(hint) && !remarks.contains("joined"), "{remarks}");
    }
}

#[test]
fn a_frame_that_is_too_large_holds_up_no_other() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let (large, too_large) = (vec![1; 1_900_000], vec![2; 2_100_000]);
    write(&path, None, &[("map", 0, &large), ("map", 0, &too_large)]);
    let mut reader = sfu.run(&["subscribe", "--name", "map", "--json", "--count", "1"]);
    reader.until("joined");
    let mut replay = sfu.run(&["replay", path.text(), "--wait-ms", "3000"]);
    assert_eq!((replay.status(), reader.status()), (1, 0));
    assert!(replay.remarks().contains("1 frames are larger"), "{}", replay.remarks());
}

#[test]
fn each_track_is_told_of_by_its_name() {
    let (sfu, path) = (Sfu::start(), Path::new());
    write(&path, None, &[("map", 0, b"one"), ("map", 1, b"two"), ("pose", 1, b"three")]);
    let mut replay = sfu.run(&["replay", path.text(), "--wait-ms", "0"]);
    assert_eq!(replay.status(), 0);
    let remarks = replay.remarks();
    let told = |what: &str, name: &str| {
        remarks.lines().any(|line| line.starts_with(what) && line.ends_with(name))
    };
    assert!(told("sent 2 frames", "\"map\""), "{remarks}");
    assert!(told("sent 1 frames", "\"pose\""), "{remarks}");
}

#[test]
fn a_time_that_is_missing_makes_nothing_wait() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let frames = [("tf", 0, &b"one"[..]), ("tf", 1_800_000_000, b"two"), ("tf", 0, b"three")];
    write(&path, None, &frames);
    let mut replay = sfu.run(&["replay", path.text(), "--wait-ms", "0"]);
    replay.until("sent 3 frames");
    assert_eq!(replay.status(), 0);
}

#[test]
fn what_is_compressed_in_another_way_says_what_helps() {
    let (sfu, path) = (Sfu::start(), Path::new());
    write(&path, Some(Compression::Zstd), &[("pose", 1, &[7; 100_000])]);
    let mut bytes = fs::read(path.text()).unwrap();
    let named: Vec<_> = bytes.windows(4).enumerate().filter(|(_, at)| *at == b"zstd").collect();
    let places: Vec<_> = named.iter().map(|(place, _)| *place).collect();
    places.iter().for_each(|place| bytes[*place..place + 4].copy_from_slice(b"zpaq"));
    fs::write(path.text(), bytes).unwrap();
    let mut replay = sfu.run(&["replay", path.text()]);
    assert_eq!(replay.status(), 1);
    let remarks = replay.remarks();
    assert!(remarks.contains("zpaq") && remarks.contains("mcap compress"), "{remarks}");
}

#[test]
fn a_name_of_two_publishers_asks_for_a_choice() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let mut publishers =
        ["alice", "bob"].map(|identity| publish(&sfu, identity, "pose", "size=10,rate=50"));
    publishers.iter_mut().for_each(|publisher| publisher.until("published"));
    let mut recorder = sfu.run(&["record", "--out", path.text(), "--seconds", "3"]);
    assert_eq!(recorder.status(), 0);
    publishers.iter_mut().for_each(Run::kill);
    let mut replay = sfu.run(&["replay", path.text()]);
    replay.until("choose one with --publisher");
    assert_eq!(replay.status(), 2);
    let mut replay = sfu.run(&["replay", path.text(), "--publisher", "bob", "--wait-ms", "0"]);
    assert_eq!(replay.status(), 0);
}
