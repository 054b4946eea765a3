//! Frames of data tracks in an MCAP file (mcap.dev), which Foxglove and others open.
//!
//! A channel is a track: its topic is `PUBLISHER/TRACK`, its encoding and schema are the track's, and its metadata have `publisher`,
//! `name`, `sid` and `user_timestamp`. `log_time` is when a frame came, `publish_time` its user timestamp in nanoseconds: the
//! metadata say of which unit it is, so that it can be had back to the digit. Without a timestamp, both times are the same.

use std::{collections::BTreeMap, fs::File, io::BufWriter};

use clap::Args;
use mcap::{McapResult, WriteOptions, Writer, records::MessageHeader};

use crate::{
    publish::since_epoch,
    recorded::{UNKNOWN_ENCODING, Unit},
};

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

pub(crate) fn now_nanoseconds() -> u64 {
    u64::try_from(since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::recorded::{
        MOST_MICROSECONDS, MOST_MILLISECONDS, encoding_of, name_of, publisher_of, read,
        user_timestamp_of,
    };

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
        let read: Vec<_> = read(File::open(&path).unwrap()).map(Result::unwrap).collect();
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
