//! `datatracks list`

use std::time::Duration;

use clap::Args;
use datatracks::{
    DataTrackInfo, RemoteDataTrack,
    host::room::Room,
    track::{DataTrackFrameEncoding, DataTrackSchemaEncoding},
};
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    connection::Connection,
    failure::Failure,
    output::{data, tell},
};

/// List the data tracks of a room
///
/// Joins unseen by the others (with key and secret), prints a line a track, and leaves.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct List {
    /// Wait for tracks that are published just now; servers announce them up to 3 seconds late
    #[arg(long, value_name = "MS", default_value_t = 0)]
    wait_ms: u64,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let joined = self.connection.join(true).await?;
        joined.run(async |room| self.print(room).await).await
    }

    async fn print(&self, room: &Room) -> Result<(), Failure> {
        sleep(Duration::from_millis(self.wait_ms)).await;
        let tracks = room.remote().tracks();
        for track in &tracks {
            let line = Line::of(track);
            data(&if self.json {
                serde_json::to_string(&line).unwrap_or_default()
            } else {
                line.text()
            })?;
        }
        if tracks.is_empty() {
            tell("there are no tracks");
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Line {
    publisher: String,
    name: String,
    sid: String,
    encrypted: bool,
    frame_encoding: Option<String>,
    schema: Option<String>,
    schema_encoding: Option<String>,
}

impl Line {
    fn of(track: &RemoteDataTrack) -> Self {
        let DataTrackInfo { sid, name, uses_e2ee, schema, frame_encoding } = track.info();
        Self {
            publisher: track.publisher_identity(),
            name,
            sid,
            encrypted: uses_e2ee,
            frame_encoding: frame_encoding.map(frame_encoding_name),
            schema: schema.as_ref().map(|schema| schema.name.clone()),
            schema_encoding: schema.map(|schema| schema_encoding_name(schema.encoding)),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\t{}\t{}", self.publisher, self.name, self.sid);
        if self.encrypted {
            text += "\tencrypted";
        }
        if let Some(encoding) = &self.frame_encoding {
            text += &format!("\t{encoding}");
        }
        if let (Some(schema), Some(encoding)) = (&self.schema, &self.schema_encoding) {
            text += &format!("\t{schema} ({encoding})");
        }
        text
    }
}

fn frame_encoding_name(encoding: DataTrackFrameEncoding) -> String {
    match encoding {
        DataTrackFrameEncoding::Ros1 => "ros1".into(),
        DataTrackFrameEncoding::Cdr => "cdr".into(),
        DataTrackFrameEncoding::Protobuf => "protobuf".into(),
        DataTrackFrameEncoding::Flatbuffer => "flatbuffer".into(),
        DataTrackFrameEncoding::Cbor => "cbor".into(),
        DataTrackFrameEncoding::Msgpack => "msgpack".into(),
        DataTrackFrameEncoding::Json => "json".into(),
        DataTrackFrameEncoding::Custom { identifier } => identifier,
        DataTrackFrameEncoding::Unknown { code } => code.to_string(),
    }
}

fn schema_encoding_name(encoding: DataTrackSchemaEncoding) -> String {
    match encoding {
        DataTrackSchemaEncoding::Protobuf => "protobuf".into(),
        DataTrackSchemaEncoding::Flatbuffer => "flatbuffer".into(),
        DataTrackSchemaEncoding::Ros1Msg => "ros1msg".into(),
        DataTrackSchemaEncoding::Ros2Msg => "ros2msg".into(),
        DataTrackSchemaEncoding::Ros2Idl => "ros2idl".into(),
        DataTrackSchemaEncoding::OmgIdl => "omgidl".into(),
        DataTrackSchemaEncoding::JsonSchema => "jsonschema".into(),
        DataTrackSchemaEncoding::Custom { identifier } => identifier,
        DataTrackSchemaEncoding::Unknown { code } => code.to_string(),
    }
}

const AFTER_HELP: &str = "\
Examples:
  datatracks list --room lab
  datatracks list --room lab --json | jq -r .name

Columns: publisher, name, SID, and where they apply: encrypted, encoding, schema.";
