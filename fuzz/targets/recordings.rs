//! Any bytes as a recording: the frames that are in them and no more, and then an end or an error that says what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;

use recorded::{encoding_of, name_of, publisher_of, read, user_timestamp_of};

/// As `datatracks replay` has it.
#[allow(dead_code)]
#[path = "../../src/host/cli/recorded.rs"]
mod recorded;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes.len();
    for message in read(bytes) {
        let message = match message {
            Ok(message) => message,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        rest = rest.checked_sub(message.data.len()).expect("no more than there is");
        let channel = &message.channel;
        assert!(
            [publisher_of(channel), name_of(channel)].iter().all(|text| text.len() <= bytes.len())
        );
        assert_ne!(encoding_of(channel), Some(""));
        assert!(
            user_timestamp_of(&message).is_none_or(|timestamp| timestamp <= message.publish_time)
        );
    }
});
