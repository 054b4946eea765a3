//! What `udl/datatracks.udl` promises besides types, which the compiler compares: the defaults are those of the Rust code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::{collections::BTreeMap, fmt::Debug};

use datatracks::{DataTrackFrame, DataTrackOptions, DataTrackSubscribeOptions, KeyRingOptions};

#[test]
fn the_defaults_of_publishing_are_those_of_the_udl() {
    let DataTrackOptions {
        name: _,
        schema,
        frame_encoding,
        encryption,
        drop_policy,
        send_mode,
        max_waiting_bytes,
        max_age_ms,
        max_bytes_per_second,
    } = DataTrackOptions::new("name");
    let rust = [
        ("schema", text(schema)),
        ("frame_encoding", text(frame_encoding)),
        ("encryption", text(encryption)),
        ("drop_policy", text(drop_policy)),
        ("send_mode", text(send_mode)),
        ("max_waiting_bytes", text(max_waiting_bytes)),
        ("max_age_ms", text(max_age_ms)),
        ("max_bytes_per_second", text(max_bytes_per_second)),
    ];
    assert_eq!(udl_defaults("DataTrackOptions"), BTreeMap::from(rust));
}

#[test]
fn the_defaults_of_subscribing_are_those_of_the_udl() {
    let DataTrackSubscribeOptions {
        buffer_frames,
        buffer_policy,
        reorder_window_ms,
        max_partial_bytes,
    } = DataTrackSubscribeOptions::default();
    let rust = [
        ("buffer_frames", text(buffer_frames)),
        ("buffer_policy", text(buffer_policy)),
        ("reorder_window_ms", text(reorder_window_ms)),
        ("max_partial_bytes", text(max_partial_bytes)),
    ];
    assert_eq!(udl_defaults("DataTrackSubscribeOptions"), BTreeMap::from(rust));
}

#[test]
fn the_defaults_of_a_key_ring_are_those_of_the_udl() {
    let KeyRingOptions { derivation, salt, ring_size, ratchet_window } = KeyRingOptions::default();
    let rust = [
        ("derivation", text(derivation)),
        ("salt", text(salt)),
        ("ring_size", text(ring_size)),
        ("ratchet_window", text(ratchet_window)),
    ];
    assert_eq!(udl_defaults("KeyRingOptions"), BTreeMap::from(rust));
}

#[test]
fn a_frame_has_no_timestamp_unless_given_one() {
    let DataTrackFrame { payload: _, user_timestamp } = DataTrackFrame::default();
    let rust = [("user_timestamp", text(user_timestamp))];
    assert_eq!(udl_defaults("DataTrackFrame"), BTreeMap::from(rust));
}

#[test]
fn only_these_records_have_defaults() {
    let with_defaults: Vec<_> = UDL
        .split("\ndictionary ")
        .skip(1)
        .filter_map(|text| text.split_once(" {"))
        .filter(|(name, _)| !udl_defaults(name).is_empty())
        .map(|(name, _)| name.to_owned())
        .collect();
    let compared =
        ["DataTrackFrame", "DataTrackOptions", "DataTrackSubscribeOptions", "KeyRingOptions"];
    assert_eq!(with_defaults, compared);
}

fn text(value: impl Debug) -> String {
    format!("{value:?}")
}

/// The fields of a dictionary that have a default, with the default as Rust's `Debug` writes it.
fn udl_defaults(dictionary: &str) -> BTreeMap<&'static str, String> {
    let body = UDL.split_once(&format!("\ndictionary {dictionary} {{")).expect(dictionary).1;
    let body = body.split_once("\n};").unwrap().0;
    let fields = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let defaults = fields.filter_map(|line| line.trim_end_matches(';').split_once(" = "));
    defaults.map(|(field, value)| (field.rsplit(' ').next().unwrap(), as_debug(value))).collect()
}

fn as_debug(udl_value: &str) -> String {
    match udl_value {
        "null" => "None".into(),
        other => other.trim_matches('"').into(),
    }
}

const UDL: &str = include_str!("../udl/datatracks.udl");
