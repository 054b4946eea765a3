//! The embedded SFU holds the conversation of the script, in virtual time.
#![cfg(feature = "host")]

mod common;

use common::{script, simulated_room::SimulatedRoom};

#[test]
fn the_embedded_sfu_holds_the_conversation() {
    script::run(SimulatedRoom::new());
}

#[test]
fn the_same_conversation_is_the_same_twice() {
    assert_eq!(script::run(SimulatedRoom::new()), script::run(SimulatedRoom::new()));
}
