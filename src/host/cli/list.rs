//! `datatracks list`

use std::{sync::Arc, time::Duration};

use clap::Args;
use datatracks::{
    DataTrackInfo, RemoteDataTrack,
    host::room::{Room, RoomEvent},
};
use serde::Serialize;
use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use crate::{
    connection::Connection,
    encodings::{frame_encoding_name, schema_encoding_name},
    failure::Failure,
    output::{data, plain, tell},
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
    /// Go on, and print a line for every track that begins (+) or ends (-), until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let joined = self.connection.join(true).await?;
        joined.run_with_tracks(async |room, tracks| self.list(room, tracks).await).await
    }

    async fn list(
        &self,
        room: &Room,
        mut changes: UnboundedReceiver<RoomEvent>,
    ) -> Result<(), Failure> {
        sleep(Duration::from_millis(self.wait_ms)).await;
        // What has happened until now is in the list.
        while changes.try_recv().is_ok() {}
        let mut shown = room.remote().tracks();
        for track in &shown {
            self.print(track, Change::Published)?;
        }
        if shown.is_empty() {
            tell("there are no tracks");
        }
        while self.watch
            && let Some(change) = changes.recv().await
        {
            self.follow(change, &mut shown)?;
        }
        Ok(())
    }

    /// What happened while the list was made is told twice, by the list and by an event.
    fn follow(
        &self,
        change: RoomEvent,
        shown: &mut Vec<Arc<RemoteDataTrack>>,
    ) -> Result<(), Failure> {
        let place =
            |track: &Arc<RemoteDataTrack>| shown.iter().position(|known| Arc::ptr_eq(known, track));
        match change {
            RoomEvent::TrackPublished(track) if place(&track).is_none() => {
                self.print(&track, Change::Published)?;
                shown.push(track);
            }
            RoomEvent::TrackUnpublished(track, _) => {
                if let Some(at) = place(&track) {
                    self.print(&track, Change::Unpublished)?;
                    shown.remove(at);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn print(&self, track: &RemoteDataTrack, change: Change) -> Result<(), Failure> {
        let line = Line::of(track, self.watch.then_some(change));
        data(&if self.json {
            serde_json::to_string(&line).unwrap_or_default()
        } else {
            line.text()
        })
    }
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Published,
    Unpublished,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Change>,
    publisher: String,
    name: String,
    sid: String,
    encrypted: bool,
    frame_encoding: Option<String>,
    schema: Option<String>,
    schema_encoding: Option<String>,
}

impl Line {
    fn of(track: &RemoteDataTrack, event: Option<Change>) -> Self {
        let DataTrackInfo { sid, name, uses_e2ee, schema, frame_encoding } = track.info();
        Self {
            event,
            publisher: track.publisher_identity(),
            name,
            sid,
            encrypted: uses_e2ee,
            frame_encoding: frame_encoding.as_ref().map(frame_encoding_name),
            schema: schema.as_ref().map(|schema| schema.name.clone()),
            schema_encoding: schema.map(|schema| schema_encoding_name(&schema.encoding)),
        }
    }

    fn text(&self) -> String {
        let sign = match self.event {
            Some(Change::Published) => "+\t",
            Some(Change::Unpublished) => "-\t",
            None => "",
        };
        let [publisher, name, sid] = [&self.publisher, &self.name, &self.sid].map(|of| plain(of));
        let mut text = format!("{sign}{publisher}\t{name}\t{sid}");
        if self.encrypted {
            text += "\tencrypted";
        }
        if let Some(encoding) = &self.frame_encoding {
            text += &format!("\t{}", plain(encoding));
        }
        if let (Some(schema), Some(encoding)) = (&self.schema, &self.schema_encoding) {
            text += &format!("\t{} ({})", plain(schema), plain(encoding));
        }
        text
    }
}

const AFTER_HELP: &str = "\
Examples:
  datatracks list --room lab
  datatracks list --room lab --json | jq -r .name
  datatracks list --room lab --watch

Columns: publisher, name, SID, and where they apply: encrypted, encoding, schema. Control characters in them are written out, as \\n.";
