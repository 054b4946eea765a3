//! The embedded SFU and livekit-server say the same in the same conversation.
//!
//! Needs the server's binary: `DATATRACKS_LIVEKIT_SERVER=/path/to/livekit-server`. Without it nothing is compared, and the test
//! says so: the project's test command takes `NOT RUN` for a failure where the server is expected.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used)]

mod common;

use std::io::Write;

use common::{
    livekit_room::LivekitRoom, livekit_server::LivekitServer, script, simulated_room::SimulatedRoom,
};

#[test]
fn embedded_sfu_and_livekit_server_say_the_same() {
    if std::env::var_os(BINARY).is_none() {
        // Past the harness, which keeps the prints of a passing test to itself.
        let note =
            format!("NOT RUN: tests/sfu_against_livekit.rs: {BINARY} names no livekit-server\n");
        return std::io::stderr().write_all(note.as_bytes()).unwrap();
    }
    let real = script::run(LivekitRoom::new(LivekitServer::start()));
    let embedded = script::run(SimulatedRoom::new());
    let differences = embedded.differences(&real);
    assert!(differences.is_empty(), "embedded, then real:\n{}", differences.join("\n"));
}

const BINARY: &str = "DATATRACKS_LIVEKIT_SERVER";
