//! The checker itself, tried on planted violations: each must be caught under its rule, and innocent look-alikes must not.

use crate::rules::{self, *};

#[test]
fn every_planted_violation_is_caught_at_its_line() {
    for (file, source, rule) in PLANTED {
        let found = violations(file, source);
        assert_eq!(found.len(), 1, "{file}: {source}\nfound {found:?}");
        assert_eq!((found[0].rule, found[0].line), (*rule, 2), "{file}: {source}");
    }
}

#[test]
fn every_rule_has_a_planted_violation() {
    let missing: Vec<_> = RULES
        .iter()
        .filter(|rule| !PLANTED.iter().any(|(_, _, planted)| planted == *rule))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn look_alikes_are_left_alone() {
    for (file, source) in INNOCENT {
        assert_eq!(violations(file, source), [], "{file}: {source}");
    }
}

#[test]
fn a_violation_reads_as_place_word_and_rule() {
    let found = violations("src/remote/mod.rs", "\nuse crate::local::Publication;\n");
    let expected = format!("src/remote/mod.rs:2: crate::local::Publication: {}", rules::STRANGERS);
    assert_eq!(found[0].to_string(), expected);
}

/// File, source with the violation in line 2, rule.
const PLANTED: &[(&str, &str, &str)] = &[
    ("src/local/mod.rs", "\nuse crate::remote::Catalog;", STRANGERS),
    ("src/remote/stream.rs", "\nuse super::super::local::Publication;", STRANGERS),
    ("src/remote/stream.rs", "fn f() {\n    crate::local::publish(); }", STRANGERS),
    ("src/local/mod.rs", "\nuse crate::{ffi::Environment, frame::Payload};", LAYERS),
    ("src/local/mod.rs", "\nuse crate::LocalDataTrack;", LAYERS),
    ("src/packet/mod.rs", "\nuse crate::e2ee::AesKey;", LAYERS),
    ("src/packet/mod.rs", "use crate::{frame::Payload,\n    local::queue::{Queue}};", LAYERS),
    ("src/signal/decode.rs", "\npub(in crate::local) struct X;", LAYERS),
    ("src/frame.rs", "\nuse crate::packet::MTU;", LAYERS),
    ("src/frame.rs", "mod inner { use super::Frame;\n use super::super::packet::MTU; }", LAYERS),
    ("src/ffi/wait.rs", "\nuse crate::host::room::Room;", LAYERS),
    ("src/host/room/mod.rs", "\nuse crate::local::Publication;", HOST),
    ("src/host/sfu/mod.rs", "\nuse crate::e2ee::AesKey;", HOST),
    ("src/host/sfu/mod.rs", "\nuse crate::ffi::environment::Environment;", HOST),
    ("src/host/cli/main.rs", "\nuse datatracks::ffi::lock::Hold;", HOST),
    ("src/local/mod.rs", "\n#[uniffi::export]\nfn f() {}", UNIFFI),
    ("src/ffi/wait.rs", "\nuse tokio::sync::oneshot;", TOKIO),
    ("src/ffi/wait.rs", "fn f() {\n    tokio::spawn(g()); }", TOKIO),
    ("src/host/sfu/mod.rs", "\n#[derive(prost::Message)]\nstruct M;", PROST),
    ("src/ffi/mod.rs", "\nuse webrtc::data_channel::DataChannel;", WEBRTC),
    ("src/signal/mod.rs", "\nuse ::rtc::Sdp;", WEBRTC),
    ("src/ffi/key_ring.rs", "\nuse aes_gcm::Aes128Gcm;", CRYPTO),
    ("src/host/room/token.rs", "\nuse hkdf::Hkdf;", CRYPTO),
    ("src/signal/mod.rs", "\nuse sha2::Sha256;", HASHES),
    ("src/local/mod.rs", "fn f() {\n    getrandom::fill(&mut iv); }", CHANCE),
    ("src/local/mod.rs", "fn f() {\n    let now = std::time::Instant::now(); }", CLOCK),
    ("src/ffi/local_manager.rs", "fn f() {\n    let now = Instant::now(); }", CLOCK),
    ("src/remote/mod.rs", "fn f() {\n    if since.elapsed() > LIMIT {} }", CLOCK),
    ("src/e2ee/ring.rs", "\nuse std::sync::{Arc, Mutex};", LOCKS),
    ("src/local/mod.rs", "\npub async fn f() {}", WAITING),
    ("src/remote/mod.rs", "fn f() {\n    std::thread::sleep(long); }", WAITING),
    ("src/remote/catalog.rs", "\nuse std::collections::{BTreeMap, HashMap};", MAPS),
    ("src/ffi/lock.rs", "fn f() {\n    unsafe { g() } }", UNSAFE),
    ("src/packet/mod.rs", "\n#![allow(unsafe_code)]", UNSAFE),
];

const INNOCENT: &[(&str, &str)] = &[
    (
        "src/local/mod.rs",
        "// use crate::remote::Catalog;\n/* unsafe { tokio } /* HashMap */ Mutex */",
    ),
    ("src/local/mod.rs", "/// As [`crate::remote`] does.\nconst A: &str = \"crate::remote::X\";"),
    (
        "src/local/mod.rs",
        "const A: &str = r#\"use crate::remote::X; \"quoted\" unsafe\"#; const Q: char = '\"';",
    ),
    (
        "src/local/mod.rs",
        "#[cfg(test)]\nmod tests { use std::collections::HashMap; use crate::remote::X; }",
    ),
    ("src/local/mod.rs", "use super::frame::Payload; use crate::{packet, signal::SignalOut};"),
    ("src/local/queue.rs", "use super::publication::Publication; use crate::local::budget;"),
    ("src/local/mod.rs", "fn f<'a>(remote: &'a str) -> &'a str { remote }"),
    ("src/signal/mod.rs", "use prost::Message; #[derive(prost::Oneof)] enum E {}"),
    (
        "src/host/room/mod.rs",
        "use tokio::sync::mpsc; use crate::{RemoteDataTrackManager, packet, signal::tag};",
    ),
    ("src/host/room/mod.rs", "use super::sfu::Sfu; async fn f() { Instant::now(); }"),
    ("src/host/cli/main.rs", "use datatracks::{Environment, host::room::Room};"),
    ("src/ffi/environment.rs", "fn now() -> Instant { Instant::now() }"),
    (
        "src/lib.rs",
        "pub use self::{ffi::*, local as _}; mod scaffolding { use super::*; include!(\"d\"); }",
    ),
];
