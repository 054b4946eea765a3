//! The wire vectors of protocol §1.11, as the Rust SDK reads them, and the packets that this crate writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod hex;

use datatracks::{
    Handle,
    packet::{DecodeError, Encryption, Extensions, Header, Marker, decode, set_handle},
};
use hex::{bytes, text};

#[test]
fn every_valid_vector_is_read_as_the_rust_sdk_reads_it() {
    for (id, hex, extensions) in [
        ("V01", "18000102030405060708090adeadbeef", NONE),
        ("V02", "1c000102030405060708090a000202081122334455667788deadbeef", TIMESTAMP),
        (
            "V03",
            "1c000102030405060708090a0004010d05000102030405060708090a0b000000deadbeef",
            ENCRYPTED,
        ),
        (
            "V04",
            "1c000102030405060708090a0006010d05000102030405060708090a0b0208112233445566778800deadbeef",
            BOTH,
        ),
        ("V06", "1c000102030405060708090a0003020c1122334455667788ffffffffdeadbeef", TIMESTAMP),
        (
            "V07",
            "1c000102030405060708090a0004011005000102030405060708090a0beeeeeedeadbeef",
            ENCRYPTED,
        ),
        (
            "V08",
            "1c000102030405060708090a0004c80301020302081122334455667788000000deadbeef",
            TIMESTAMP,
        ),
        ("V09", "1c000102030405060708090a00000800deadbeef", NONE),
        ("V10", "1c000102030405060708090a00000000deadbeef", NONE),
        ("V11", "1c000102030405060708090a00030000020811223344556677880000deadbeef", TIMESTAMP),
        ("V13", "1c000102030405060708090a000102043c3c3c3cdeadbeef", NONE),
        ("V14", "1c000102030405060708090a000302043c3c3c3cc806090909090909deadbeef", NONE),
        (
            "V15",
            "1c000102030405060708090a000602081122334455667788010d05000102030405060708090a0b00deadbeef",
            BOTH,
        ),
        ("V17", "1bff0102030405060708090adeadbeef", NONE),
        (
            "V18",
            "1c000102030405060708090a000502081122334455667788020899999999999999990000deadbeef",
            Extensions { user_timestamp: Some(0x9999_9999_9999_9999), ..NONE },
        ),
        ("V19", "1c000102030405060708090a00030208112233445566778800000007deadbeef", TIMESTAMP),
        ("V20", "1c000102030405060708090a0001080301010107deadbeef", NONE),
        ("V21", "1c000102030405060708090a0001080301010100deadbeef", NONE),
    ] {
        let raw = bytes(hex);
        let packet = decode(&raw).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(packet.header, header(extensions), "{id}");
        assert_eq!(packet.payload, [0xde, 0xad, 0xbe, 0xef], "{id}");
    }
}

#[test]
fn an_empty_payload_is_a_packet() {
    let raw = bytes("18000102030405060708090a"); // V16
    let packet = decode(&raw).unwrap();
    assert_eq!(packet.header, header(NONE));
    assert!(packet.payload.is_empty());
}

#[test]
fn a_frame_of_three_packets_is_read_across_the_wrap_of_its_sequence() {
    // V05a, V05b, V05c
    for (hex, marker, sequence, payload) in [
        ("10000102fffeffff0708090aaaaa", Marker::Start, 0xfffe, [0xaa, 0xaa].as_slice()),
        ("00000102ffffffff0708090abbbb", Marker::Inter, 0xffff, &[0xbb, 0xbb]),
        ("080001020000ffff0708090acc", Marker::Final, 0, &[0xcc]),
    ] {
        let raw = bytes(hex);
        let packet = decode(&raw).unwrap();
        let expected = Header { marker, sequence, frame_number: 0xffff, ..header(NONE) };
        assert_eq!((packet.header, packet.payload), (expected, payload));
        assert_eq!(encode(&expected, payload), raw);
    }
}

#[test]
fn every_malformed_vector_is_refused_by_its_name() {
    use DecodeError::{
        HeaderOverrun, InvalidHandle, MalformedExt, MissingExtWords, TooShort, UnsupportedVersion,
    };
    for (id, hex, error) in [
        ("M01", "", TooShort),
        ("M02", "1800010203040506070809", TooShort),
        ("M03", "38000102030405060708090adeadbeef", UnsupportedVersion(1)),
        ("M04", "18000000030405060708090adeadbeef", InvalidHandle),
        ("M05", "1c000102030405060708090a", MissingExtWords),
        ("M06", "1c000102030405060708090a00", MissingExtWords),
        ("M07", "1c000102030405060708090a00010000", HeaderOverrun),
        ("M08", "1c000102030405060708090affff0000", HeaderOverrun),
        ("M09", "1c000102030405060708090a000202091122334455667788deadbeef", MalformedExt(2)),
        ("M10", "1c000102030405060708090a0001080501010101deadbeef", MalformedExt(8)),
        ("M11", "1c000102030405060708090a0002010d0101010101010101deadbeef", MalformedExt(1)),
        ("M12", "1c000102030405060708090a00000204deadbeef", MalformedExt(2)),
        (
            "V12",
            "1c000102030405060708090a00030002081122334455667788000000deadbeef",
            MalformedExt(8),
        ),
    ] {
        assert_eq!(decode(&bytes(hex)), Err(error), "{id}");
    }
}

#[test]
fn every_version_but_zero_is_refused_before_anything_else_is_looked_at() {
    for version in 1..=7 {
        let mut raw = [0; 12]; // its handle is invalid too
        raw[0] = version << 5;
        assert_eq!(decode(&raw), Err(DecodeError::UnsupportedVersion(version)));
    }
}

#[test]
fn what_is_written_is_what_the_other_sdks_write() {
    for (extensions, len, hex) in [
        (NONE, 12, "18000102030405060708090adeadbeef"),
        (TIMESTAMP, 24, "1c000102030405060708090a000202081122334455667788deadbeef"),
        (ENCRYPTED, 32, "1c000102030405060708090a0004010d05000102030405060708090a0b000000deadbeef"),
        (
            BOTH,
            40,
            "1c000102030405060708090a0006010d05000102030405060708090a0b0208112233445566778800deadbeef",
        ),
    ] {
        assert_eq!(extensions.header_len(), len);
        assert_eq!(text(&encode(&header(extensions), &[0xde, 0xad, 0xbe, 0xef])), hex);
    }
}

#[test]
fn another_handle_changes_nothing_else() {
    let mut raw = encode(&header(BOTH), b"payload");
    let other = Handle::new(0xabcd).unwrap();
    set_handle(&mut raw, other).unwrap();
    assert_eq!(raw, encode(&Header { handle: other, ..header(BOTH) }, b"payload"));
    assert_eq!(set_handle(&mut raw[..11], other), Err(DecodeError::TooShort));
}

fn header(extensions: Extensions) -> Header {
    Header {
        marker: Marker::Single,
        handle: Handle::new(0x0102).unwrap(),
        sequence: 0x0304,
        frame_number: 0x0506,
        timestamp: 0x0708_090a,
        extensions,
    }
}

fn encode(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    header.encode(&mut out);
    assert_eq!(out.len(), header.extensions.header_len());
    out.extend_from_slice(payload);
    out
}

const NONE: Extensions = Extensions { encryption: None, user_timestamp: None };
const TIMESTAMP: Extensions = Extensions { user_timestamp: Some(0x1122_3344_5566_7788), ..NONE };
const ENCRYPTED: Extensions = Extensions {
    encryption: Some(Encryption { key_index: 5, iv: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }),
    ..NONE
};
const BOTH: Extensions =
    Extensions { encryption: ENCRYPTED.encryption, user_timestamp: TIMESTAMP.user_timestamp };
