//! The demo, as people run it: real WebRTC on loopback, and every frame accounted for.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    process::{Command, Output},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

#[test]
fn everything_arrives() {
    let report = run(&[]);
    for track in tracks(&report) {
        assert_eq!(track["delivered"], track["pushed"], "{track}");
    }
    assert_eq!(report["sfu"]["packets_sent"], report["sfu"]["packets_received"]);
}

#[test]
fn everything_arrives_encrypted() {
    let report = run(&["--e2ee"]);
    assert_eq!(report["e2ee"], true);
    for track in tracks(&report) {
        assert_eq!(track["delivered"], track["pushed"], "{track}");
    }
}

#[test]
fn what_a_bad_network_loses_is_explained() {
    let report = run(&["--impair", "loss=2%,reorder=8,duplicate=1%,seed=7"]);
    for track in tracks(&report) {
        let missing = number(&track["pushed"]) - number(&track["delivered"]);
        let dropped = &track["dropped"];
        let dropped = ["sender", "late", "reader"].map(|reason| number(&dropped[reason]));
        assert_eq!(missing, number(&track["lost"]) + dropped.iter().sum::<u64>(), "{track}");
    }
    let sfu = &report["sfu"];
    for count in ["packets_lost", "packets_duplicated", "packets_reordered"] {
        assert!(number(&sfu[count]) > 0, "{count}: the network was not bad at all: {sfu}");
    }
}

#[test]
fn people_get_a_table_and_a_verdict() {
    let output = datatracks(&["demo", "--seconds", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in ["imu", "pose", "cloud", "first frame after", "every frame is accounted for"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\x1b'), "no terminal, no escape sequences: {text:?}");
}

#[test]
fn bad_faults_are_explained_and_nothing_runs() {
    let output = datatracks(&["demo", "--impair", "loss=lots"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("loss=lots"), "{text}");
}

/// Runs the demo for three seconds and holds its report to what every run owes.
fn run(options: &[&str]) -> Value {
    let output = datatracks(&[&["demo", "--seconds", "3", "--json"], options].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {told}\n{text}", output.status);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["ok"], true);
    assert!(report["first_frame_ms"].as_f64().unwrap() > 0.0);
    let names: Vec<_> = tracks(&report).iter().map(|track| track["name"].clone()).collect();
    assert_eq!(names, ["imu", "pose", "cloud"]);
    for track in tracks(&report) {
        assert!(number(&track["delivered"]) > 0, "{track}");
        for fault in ["damaged", "duplicated", "out_of_order", "unexplained"] {
            assert_eq!(track[fault], 0, "{fault}: {track}");
        }
    }
    report
}

/// One at a time: each run is a load of its own.
fn datatracks(arguments: &[&str]) -> Output {
    static MACHINE: Mutex<()> = Mutex::new(());
    let _turn = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(env!("CARGO_BIN_EXE_datatracks")).args(arguments).output().unwrap()
}

fn tracks(report: &Value) -> &[Value] {
    report["tracks"].as_array().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
