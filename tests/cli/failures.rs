//! Each exit status that `--help` lists, and whether its text says what to do.

use std::{fs, net::TcpListener};

use datatracks::host::room::{ApiKey, Grants};
use tokio::net::TcpSocket;

use super::{
    livekit_server::{self, LivekitServer},
    recordings::Path,
    run::{KEYS, Run, Sfu},
};

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
fn made_up_frames_that_no_track_can_carry_are_refused_before_anybody_joins() {
    let sfu = Sfu::start();
    let publish = |size, more: &[&str]| {
        let generate = format!("size={size},count=1");
        let publish = ["publish", "--name", "log", "--wait-ms", "0", "--generate", &generate];
        [&publish[..], more].concat().into_iter().map(String::from).collect::<Vec<_>>()
    };
    for (most, more) in [(2_044_928, &[][..]), (2_046_464, &["--no-timestamp"])] {
        let too_large = publish(most + 1, more);
        let mut run = sfu.run(&too_large.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(run.status(), 2);
        let remarks = run.remarks();
        assert!(remarks.contains(&most.to_string()) && !remarks.contains("joined"), "{remarks}");
        let largest = publish(most, more);
        assert_eq!(sfu.run(&largest.iter().map(String::as_str).collect::<Vec<_>>()).status(), 0);
    }
    let mut sealed = sfu.secretly(&["publish", "--name", "log", "--generate", "size=2042865"]);
    assert_eq!(sealed.status(), 2);
    assert!(sealed.remarks().contains("2042864"), "{}", sealed.remarks());
}

#[test]
fn input_that_cannot_be_read_is_named() {
    let (sfu, file) = (Sfu::start(), Path::new());
    fs::write(file.text(), [0xff; 4]).unwrap();
    let publish = ["publish", "--name", "log", "--framing", "length", "--wait-ms", "0", "--file"];
    let mut torn = sfu.run(&[&publish[..], &[file.text()]].concat());
    assert_eq!(torn.status(), 1);
    assert!(torn.remarks().contains(file.text()), "{}", torn.remarks());
    let mut directory = sfu.run(&[&publish[..], &["/"]].concat());
    assert_eq!(directory.status(), 1);
    let remarks = directory.remarks();
    assert!(remarks.contains("cannot read /: ") && !remarks.contains("joined"), "{remarks}");
}

#[test]
fn what_makes_no_sense_ends_with_status_2() {
    for (line, hint) in [
        ("publish", "--name"),
        ("subscribe --room lab --name x --url nowhere", "--url"),
        ("publish --room lab --name x --url ws://a --generate size=x", "--generate"),
        ("publish --room lab --name x --url ws://a --generate size=1 --file f", "--file"),
        ("subscribe --room lab --name x --url ws://127.0.0.1:78800", "--url"),
        ("subscribe --room lab --name x --url ws://a --timeout soon", "--timeout"),
        ("subscribe --room lab --name x --url ws://a --timeout 1e19", "--timeout"),
        ("record --room lab --out x.mcap --url ws://a --seconds 1e19", "--seconds"),
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
fn a_server_that_says_nothing_takes_no_longer_than_the_reader_has_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let arguments = ["subscribe", "--room", "lab", "--name", "log", "--timeout", "0.5"];
    let mut reader = Run::start(&[&arguments[..], &["--url", &url]].concat(), &KEYS);
    assert_eq!(reader.status(), 7);
    assert!(reader.remarks().contains("--timeout"), "{}", reader.remarks());
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
fn a_server_that_is_gone_for_good_ends_all_with_status_9() {
    let mut sfu = Sfu::start();
    let publisher = sfu.run(&["publish", "--name", "load", "--generate", "size=10,rate=1000"]);
    let watcher = sfu.run(&["list", "--watch"]);
    let mut reader = sfu.run(&["subscribe", "--name", "load"]);
    reader.until("subscribed to");
    watcher.line();
    sfu.process.kill();
    for mut run in [publisher, reader, watcher] {
        assert_eq!(run.status(), 9, "after {}", run.remarks());
        assert!(run.remarks().contains("the room is lost"));
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
