//! What an MCAP file says, whoever wrote it: its frames, and the tracks that they are of.
//!
//! Whatever the bytes are, there is an end, an error that says what is wrong, and no more memory than [`LARGEST_RECORD`]. Knows nothing of
//! rooms or of the command line, so that a fuzzer can have it (`fuzz/targets/recordings.rs`).

use std::io::Read;

use mcap::{
    Channel, McapError, McapResult, Message, io::MessageReader, sans_io::LinearReaderOptions,
};

/// Frames of a file as they were written.
pub(crate) fn read(file: impl Read) -> impl Iterator<Item = McapResult<Message<'static>>> {
    let options = LinearReaderOptions::default().with_record_length_limit(LARGEST_RECORD);
    MessageReader::new_with_options(file, options)
}

/// A recording that was not finished ends in the middle; what is before can be had.
pub(crate) fn is_cut(error: &McapError) -> bool {
    matches!(error, McapError::UnexpectedEof | McapError::UnexpectedEoc)
}

pub(crate) fn publisher_of<'a>(channel: &'a Channel<'_>) -> &'a str {
    channel.metadata.get("publisher").map_or("", String::as_str)
}

/// Of a file that others wrote, the topic.
pub(crate) fn name_of<'a>(channel: &'a Channel<'_>) -> &'a str {
    channel.metadata.get("name").unwrap_or(&channel.topic)
}

pub(crate) fn encoding_of<'a>(channel: &'a Channel<'_>) -> Option<&'a str> {
    Some(channel.message_encoding.as_str()).filter(|name| ![UNKNOWN_ENCODING, ""].contains(name))
}

/// The user timestamp as it was, for files of ours.
pub(crate) fn user_timestamp_of(message: &Message<'_>) -> Option<u64> {
    let unit = Unit::named(message.channel.metadata.get("user_timestamp")?)?;
    message.publish_time.checked_div(unit.nanoseconds())
}

/// What a user timestamp counts: applications send times in milliseconds or microseconds; all else is kept as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    None,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    pub(crate) fn of(user_timestamp: Option<u64>) -> Self {
        match user_timestamp {
            None => Self::None,
            Some(..=MOST_MILLISECONDS) => Self::Milliseconds,
            Some(..=MOST_MICROSECONDS) => Self::Microseconds,
            Some(_) => Self::Nanoseconds,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Milliseconds, Self::Microseconds, Self::Nanoseconds]
            .into_iter()
            .find(|unit| unit.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    pub(crate) fn nanoseconds(self) -> u64 {
        match self {
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::None | Self::Nanoseconds => 1,
        }
    }
}

/// Until the year 2286. Times 10⁶ they still fit into 64 bits.
pub(crate) const MOST_MILLISECONDS: u64 = 9_999_999_999_999;

/// As above.
pub(crate) const MOST_MICROSECONDS: u64 = 9_999_999_999_999_999;

/// Of a track that names none.
pub(crate) const UNKNOWN_ENCODING: &str = "application/octet-stream";

/// Far more than a chunk of ours, which ends behind the frame that fills it; others write chunks of some megabytes.
const LARGEST_RECORD: usize = 256 << 20;
