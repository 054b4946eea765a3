//! What holds for all packets, counters and clock readings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use datatracks::{
    Handle,
    packet::{
        DecodeError, Encryption, Extensions, Header, Marker, MediaClock, decode,
        serial::{distance, is_newer},
    },
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(FileFailurePersistence::WithSource("regressions")))]

    #[test]
    fn what_was_written_is_read(header in headers(), payload in prop::collection::vec(any::<u8>(), 0..64)) {
        let raw = encode(&header, &payload);
        let packet = decode(&raw).unwrap();
        prop_assert_eq!(packet.header, header);
        prop_assert_eq!(packet.payload, &payload);
    }

    #[test]
    fn a_header_has_the_length_that_it_announces(header in headers()) {
        prop_assert_eq!(encode(&header, &[]).len(), header.extensions.header_len());
    }

    #[test]
    fn a_header_cut_short_is_refused(header in headers(), cut in any::<prop::sample::Index>()) {
        let raw = encode(&header, &[]);
        prop_assert!(decode(&raw[..cut.index(raw.len())]).is_err());
    }

    #[test]
    fn any_bytes_are_read_as_a_naive_reader_reads_them(raw in messages()) {
        let read = decode(&raw).map(|packet| (packet.header.extensions, packet.payload.to_vec()));
        prop_assert_eq!(read, naive_decode(&raw));
    }

    #[test]
    fn what_was_read_survives_being_written_again(raw in messages()) {
        let Ok(packet) = decode(&raw) else { return Ok(()) };
        let again = encode(&packet.header, packet.payload);
        let again = decode(&again).unwrap();
        prop_assert_eq!((again.header, again.payload), (packet.header, packet.payload));
    }

    #[test]
    fn a_distance_leads_from_one_number_to_the_other(from: u16, to: u16) {
        prop_assert_eq!(from.wrapping_add_signed(distance(from, to)), to);
    }

    #[test]
    fn up_to_half_a_circle_ahead_is_newer(from: u16, ahead in 1_u16..0x8000) {
        prop_assert!(is_newer(from.wrapping_add(ahead), from));
    }

    #[test]
    fn the_clock_ticks_at_90_khz_through_any_gap(base: u32, gaps in prop::collection::vec(gaps(), 1..20)) {
        let start = Instant::now();
        let mut clock = MediaClock::new(base, start);
        let mut elapsed = Duration::ZERO;
        for gap in gaps {
            elapsed += gap;
            let ticks = (elapsed.as_nanos() * 90_000 + 500_000_000) / 1_000_000_000;
            prop_assert_eq!(clock.at(start + elapsed), base.wrapping_add(ticks as u32));
        }
    }

    #[test]
    fn the_clock_never_goes_back(base: u32, forward in gaps(), back in gaps(), again in gaps()) {
        let start = Instant::now() + YEAR * 10;
        let mut clock = MediaClock::new(base, start);
        let latest = clock.at(start + forward);
        let earlier = (start + forward).checked_sub(back).unwrap_or(start);
        prop_assert_eq!(clock.at(earlier), latest);
        let mut straight = MediaClock::new(base, start);
        prop_assert_eq!(clock.at(start + forward + again), straight.at(start + forward + again));
    }
}

#[test]
fn of_two_numbers_one_is_newer_unless_they_are_half_a_circle_apart() {
    let pairs = [0_u16, 1, 0x7fff, 0x8000, 0xffff].map(|a| (0..=0xffff).map(move |b| (a, b)));
    for (a, b) in pairs.into_iter().flatten() {
        let ordered = a != b && a.wrapping_sub(b) != 0x8000;
        assert_eq!(is_newer(a, b) ^ is_newer(b, a), ordered, "{a} and {b}");
        assert!(!(is_newer(a, b) && is_newer(b, a)), "{a} and {b}");
    }
}

#[test]
fn the_clock_goes_on_after_a_day_of_sleep_and_a_wrap() {
    let start = Instant::now();
    let mut clock = MediaClock::new(u32::MAX, start);
    assert_eq!(clock.at(start), u32::MAX);
    assert_eq!(clock.at(start + Duration::from_secs(1)), 89_999);
    let day = Duration::from_secs(24 * 60 * 60);
    let after = clock.at(start + day);
    assert_eq!(after, u32::MAX.wrapping_add((24_u64 * 60 * 60 * 90_000) as u32));
    assert_eq!(clock.at(start + day + Duration::from_secs(1)), after.wrapping_add(90_000));
}

fn headers() -> impl Strategy<Value = Header> {
    let marker =
        prop::sample::select(vec![Marker::Single, Marker::Start, Marker::Inter, Marker::Final]);
    (marker, 1_u16.., any::<(u16, u16, u32)>(), extensions()).prop_map(
        |(marker, handle, (sequence, frame_number, timestamp), extensions)| Header {
            marker,
            handle: Handle::new(handle).unwrap(),
            sequence,
            frame_number,
            timestamp,
            extensions,
        },
    )
}

fn extensions() -> impl Strategy<Value = Extensions> {
    any::<(Option<(u8, [u8; 12])>, Option<u64>)>().prop_map(|(encryption, user_timestamp)| {
        let encryption = encryption.map(|(key_index, iv)| Encryption { key_index, iv });
        Extensions { encryption, user_timestamp }
    })
}

/// Bytes from random to almost a packet: most reach the extension block, and many its elements.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..80);
    let small = prop_oneof![4 => 0_u8..4, 2 => 8_u8..16, 1 => any::<u8>()];
    let block = (0_u16..12, prop::collection::vec(small, 0..64));
    let extended = (headers(), block).prop_map(|(header, (words, elements))| {
        let mut raw = encode(&Header { extensions: Extensions::default(), ..header }, &[]);
        raw[0] |= 0x04;
        raw.extend_from_slice(&words.to_be_bytes());
        raw.extend_from_slice(&elements);
        raw
    });
    prop_oneof![1 => noise, 4 => extended]
}

/// From nothing over a minute to a year: most are longer than half of a timestamp's circle.
fn gaps() -> impl Strategy<Value = Duration> {
    let nanos = prop_oneof![0..1_000_000_000_u64, 0..60_000_000_000_u64, 0..YEAR.as_nanos() as u64];
    nanos.prop_map(Duration::from_nanos)
}

/// The tables of protocol §1.5 and 1.6 word by word, with an index instead of patterns.
fn naive_decode(raw: &[u8]) -> Result<(Extensions, Vec<u8>), DecodeError> {
    let mut found = Extensions::default();
    if raw.len() < 12 {
        return Err(DecodeError::TooShort);
    }
    if raw[0] & 0xe0 != 0 {
        return Err(DecodeError::UnsupportedVersion(raw[0] >> 5));
    }
    if raw[2] == 0 && raw[3] == 0 {
        return Err(DecodeError::InvalidHandle);
    }
    if raw[0] & 0x04 == 0 {
        return Ok((found, raw[12..].to_vec()));
    }
    if raw.len() < 14 {
        return Err(DecodeError::MissingExtWords);
    }
    let words = usize::from(raw[12]) * 256 + usize::from(raw[13]);
    let end = 12 + 4 * (words + 1);
    if end > raw.len() {
        return Err(DecodeError::HeaderOverrun);
    }
    let mut at = 14;
    while end - at >= 2 {
        let (id, len) = (raw[at], usize::from(raw[at + 1]));
        at += 2;
        if id == 0 {
            continue;
        }
        if at + len > end {
            return Err(DecodeError::MalformedExt(id));
        }
        if id == 1 && len >= 13 {
            let iv = raw[at + 1..at + 13].try_into().unwrap();
            found.encryption = Some(Encryption { key_index: raw[at], iv });
        }
        if id == 2 && len >= 8 {
            let value = raw[at..at + 8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            found.user_timestamp = Some(value);
        }
        at += len;
    }
    Ok((found, raw[end..].to_vec()))
}

fn encode(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    header.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
