//! Frames of data tracks in an MCAP file (mcap.dev), which Foxglove and others open.
//!
//! A channel is a track: its topic is `PUBLISHER/TRACK`, its encoding and schema are the track's, and its metadata have `publisher`,
//! `name`, `sid` and `user_timestamp`. `log_time` is when a frame came, `publish_time` its user timestamp in nanoseconds: the
//! metadata say of which unit it is, so that it can be had back to the digit. Without a timestamp, both times are the same.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

use clap::Args;
use mcap::{
    Channel, McapError, McapResult, Message, WriteOptions, Writer, io::MessageReader,
    records::MessageHeader, sans_io::LinearReaderOptions,
};

use crate::publish::since_epoch;

/// What is known of a track when its recording begins.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) publisher: String,
    pub(crate) name: String,
    pub(crate) sid: String,
    pub(crate) encoding: Option<String>,
    pub(crate) schema: Option<Schema>,
}

#[derive(Clone, Debug)]
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) encoding: String,
    pub(crate) contents: Vec<u8>,
}

/// Which tracks are meant.
#[derive(Args)]
pub(crate) struct Selection {
    /// Only tracks of this name; may be given several times
    #[arg(long, value_name = "TRACK")]
    name: Vec<String>,
    /// Only tracks of this participant
    #[arg(long, value_name = "IDENTITY")]
    publisher: Option<String>,
}

impl Selection {
    pub(crate) fn has(&self, publisher: &str, name: &str) -> bool {
        (self.name.is_empty() || self.name.iter().any(|wanted| wanted == name))
            && self.publisher.as_ref().is_none_or(|wanted| wanted == publisher)
    }
}

/// A file that is being written.
pub(crate) struct Recording {
    writer: Writer<BufWriter<File>>,
    /// Of each SID, by the unit of its timestamps.
    channels: BTreeMap<String, BTreeMap<Unit, u16>>,
    frames: u32,
}

impl Recording {
    pub(crate) fn create(file: File) -> McapResult<Self> {
        let options = WriteOptions::new().compression(None).library("datatracks");
        let writer = options.create(BufWriter::new(file))?;
        Ok(Self { writer, channels: BTreeMap::new(), frames: 0 })
    }

    /// Adds a frame that has come at a time, in nanoseconds since 1970.
    pub(crate) fn add(
        &mut self,
        source: &Source,
        payload: &[u8],
        user_timestamp: Option<u64>,
        log_time: u64,
    ) -> McapResult<()> {
        let unit = Unit::of(user_timestamp);
        let channel_id = self.channel(source, unit)?;
        let publish_time =
            user_timestamp.map_or(log_time, |timestamp| timestamp * unit.nanoseconds());
        let header = MessageHeader { channel_id, sequence: self.frames, log_time, publish_time };
        self.frames = self.frames.wrapping_add(1);
        self.writer.write_to_known_channel(&header, payload)
    }

    pub(crate) fn finish(mut self) -> McapResult<()> {
        self.writer.finish().map(|_| ())
    }

    fn channel(&mut self, source: &Source, unit: Unit) -> McapResult<u16> {
        if let Some(channel) = self.channels.get(&source.sid).and_then(|of| of.get(&unit)) {
            return Ok(*channel);
        }
        let channel = self.add_channel(source, unit)?;
        self.channels.entry(source.sid.clone()).or_default().insert(unit, channel);
        Ok(channel)
    }

    fn add_channel(&mut self, source: &Source, unit: Unit) -> McapResult<u16> {
        let schema = match &source.schema {
            Some(Schema { name, encoding, contents }) => {
                self.writer.add_schema(name, encoding, contents)?
            }
            None => 0,
        };
        let topic = format!("{}/{}", source.publisher, source.name);
        let metadata = BTreeMap::from([
            ("publisher".into(), source.publisher.clone()),
            ("name".into(), source.name.clone()),
            ("sid".into(), source.sid.clone()),
            ("user_timestamp".into(), unit.name().into()),
        ]);
        let encoding = source.encoding.as_deref().unwrap_or(UNKNOWN_ENCODING);
        self.writer.add_channel(schema, &topic, encoding, &metadata)
    }
}

/// Frames of a file as they were written.
pub(crate) fn read(
    path: &Path,
) -> std::io::Result<impl Iterator<Item = McapResult<Message<'static>>>> {
    let options = LinearReaderOptions::default().with_record_length_limit(LARGEST_RECORD);
    Ok(MessageReader::new_with_options(BufReader::new(File::open(path)?), options))
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

pub(crate) fn now_nanoseconds() -> u64 {
    u64::try_from(since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// What a user timestamp counts: applications send times in milliseconds or microseconds; all else is kept as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    None,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    fn of(user_timestamp: Option<u64>) -> Self {
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

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    fn nanoseconds(self) -> u64 {
        match self {
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::None | Self::Nanoseconds => 1,
        }
    }
}

/// Until the year 2286. Times 10⁶ they still fit into 64 bits.
const MOST_MILLISECONDS: u64 = 9_999_999_999_999;

/// As above.
const MOST_MICROSECONDS: u64 = 9_999_999_999_999_999;

/// Of a track that names none.
const UNKNOWN_ENCODING: &str = "application/octet-stream";

/// Far more than a chunk of ours, which ends behind the frame that fills it; others write chunks of some megabytes.
const LARGEST_RECORD: usize = 256 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn timestamps_of_any_unit_come_back_to_the_digit() {
        let path = std::env::temp_dir().join(format!("datatracks-{}.mcap", std::process::id()));
        let source = Source {
            publisher: "alice".into(),
            name: "pose".into(),
            sid: "DTR_1".into(),
            encoding: Some("json".into()),
            schema: None,
        };
        let timestamps =
            [None, Some(0), Some(1), Some(MOST_MILLISECONDS), Some(MOST_MILLISECONDS + 1)]
                .into_iter()
                .chain([MOST_MICROSECONDS, MOST_MICROSECONDS + 1, u64::MAX].map(Some));
        let mut recording = Recording::create(File::create(&path).unwrap()).unwrap();
        for (index, timestamp) in timestamps.clone().enumerate() {
            recording.add(&source, &[index as u8], timestamp, 1_800_000_000_000_000_000).unwrap();
        }
        recording.finish().unwrap();
        let read: Vec<_> = read(&path).unwrap().map(Result::unwrap).collect();
        std::fs::remove_file(path).unwrap();
        assert!(read.iter().map(user_timestamp_of).eq(timestamps));
        for (index, message) in read.iter().enumerate() {
            assert_eq!(message.data.as_ref(), [index as u8]);
            let channel = &message.channel;
            assert_eq!(channel.topic, "alice/pose");
            assert_eq!((publisher_of(channel), name_of(channel)), ("alice", "pose"));
            assert_eq!(encoding_of(channel), Some("json"));
        }
    }
}
