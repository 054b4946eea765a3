//! `datatracks record`

use std::{
    collections::BTreeSet,
    fs::{self, File},
    future::pending,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use datatracks::{
    DataTrackFrame, DataTrackInfo, DataTrackStream, LocalDataTrackManager, RemoteDataTrack,
    frame::Payload,
    host::room::{Room, RoomEvent},
    track::DataTrackSchemaId,
};
use mcap::McapError;
use tokio::{
    select,
    sync::mpsc::{Receiver, Sender, UnboundedReceiver, channel},
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    connection::{self, Connection},
    encodings::{frame_encoding_name, schema_encoding_name},
    failure::Failure,
    output::{Progress, tell},
    recording::{Recording, Schema, Selection, Source, now_nanoseconds},
    subscribe::{reading_options, seconds, tell_losses, unwritable},
};

/// Record data tracks into a file
///
/// Writes every frame of every track, of those that appear later as well, until Ctrl-C or --seconds. The file is MCAP: Foxglove
/// opens it, and `datatracks replay` sends it again.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Record {
    /// The file to write; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    seconds: Option<Duration>,
    #[command(flatten)]
    connection: Connection,
}

/// A frame on its way into the file.
struct Frame {
    source: Arc<Source>,
    payload: Payload,
    user_timestamp: Option<u64>,
    came_at: u64,
}

impl Record {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let file = File::create_new(&self.out).map_err(|error| unwritable(&self.out, &error))?;
        let joined = self.connection.join(false).await;
        // Nothing was recorded, and the next attempt may have the name.
        let joined = joined.inspect_err(|_| drop(fs::remove_file(&self.out)))?;
        let (frames, received) = channel(FRAMES_ON_THE_WAY);
        let path = self.out.clone();
        let writing = spawn_blocking(move || write(&path, file, received));
        let outcome =
            joined.run_with_tracks(async |room, tracks| self.record(room, tracks, frames).await);
        let outcome = outcome.await;
        // Everybody who sends frames is gone with the room.
        let written = writing.await.map_err(|_| Failure::other("the recording ended early"))?;
        tell(&written?);
        match outcome {
            Err(Failure::Interrupted) => Ok(()),
            outcome => outcome,
        }
    }

    /// Begins to read every track that is wanted and every one that appears, until the end.
    async fn record(
        &self,
        room: &Room,
        mut tracks: UnboundedReceiver<RoomEvent>,
        frames: Sender<Frame>,
    ) -> Result<(), Failure> {
        connection::wait_until_open(room).await?;
        let end = async {
            match self.seconds {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
        };
        let mut end = pin!(end);
        let (mut readers, mut known) = (JoinSet::new(), BTreeSet::new());
        let mut found = room.remote().tracks();
        tell(&format!("recording into {}; Ctrl-C ends it", self.out.display()));
        loop {
            for track in found.drain(..).filter(|track| self.wants(track)) {
                if known.insert(track.info().sid) {
                    let local = Arc::clone(room.local());
                    readers.spawn(read(local, track, frames.clone()));
                }
            }
            select! {
                () = &mut end => return Ok(()),
                () = frames.closed() => return Err(Failure::other("the file cannot be written any more")),
                event = tracks.recv() => match event {
                    Some(RoomEvent::TrackPublished(track)) => found.push(track),
                    Some(_) => {}
                    None => return pending().await,
                },
            }
        }
    }

    fn wants(&self, track: &RemoteDataTrack) -> bool {
        self.selection.has(&track.publisher_identity(), &track.info().name)
    }
}

/// Reads a track until it ends, or nobody writes any more.
async fn read(
    local: Arc<LocalDataTrackManager>,
    track: Arc<RemoteDataTrack>,
    frames: Sender<Frame>,
) {
    let what = format!("\"{}\" of \"{}\"", track.info().name, track.publisher_identity());
    let stream = match track.subscribe_with_options(reading_options(), None).await {
        Ok(stream) => stream,
        Err(error) => return tell(&format!("{what} is not recorded: {error}")),
    };
    let source = Arc::new(source_of(&local, &track).await);
    let reading = Reading { track, stream };
    tell(&format!("recording {what}"));
    while let Ok(Some(DataTrackFrame { payload, user_timestamp })) = reading.stream.next(None).await
    {
        let source = Arc::clone(&source);
        let frame = Frame { source, payload, user_timestamp, came_at: now_nanoseconds() };
        if frames.send(frame).await.is_err() {
            return;
        }
    }
    tell(&format!("{what} has ended"));
}

/// Tells what is missing, however reading ends.
struct Reading {
    track: Arc<RemoteDataTrack>,
    stream: Arc<DataTrackStream>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.stream.shutdown();
        let frames = self.stream.stats().frames_dropped_closed;
        if frames > 0 {
            tell(&format!("{frames} frames came before the end and were not written any more"));
        }
        tell_losses(&self.track, &self.stream);
    }
}

/// With the schema, where there is one to be had.
async fn source_of(local: &LocalDataTrackManager, track: &RemoteDataTrack) -> Source {
    let DataTrackInfo { sid, name, schema, frame_encoding, .. } = track.info();
    let publisher = track.publisher_identity();
    let schema = match schema {
        Some(id) => schema_of(local, &publisher, id).await,
        None => None,
    };
    let encoding = frame_encoding.as_ref().map(frame_encoding_name);
    Source { publisher, name, sid, encoding, schema }
}

async fn schema_of(
    local: &LocalDataTrackManager,
    publisher: &str,
    id: DataTrackSchemaId,
) -> Option<Schema> {
    match local.get_schema(publisher.into(), id.clone(), None).await {
        Ok(contents) => {
            let encoding = schema_encoding_name(&id.encoding);
            Some(Schema { name: id.name, encoding, contents })
        }
        Err(error) => {
            tell(&format!("the schema \"{}\" is not recorded: {error}", id.name));
            None
        }
    }
}

/// Writes what comes until nobody sends any more, and says what has been written.
fn write(path: &Path, file: File, mut received: Receiver<Frame>) -> Result<String, Failure> {
    let unwritable =
        |error: McapError| Failure::other(format!("cannot write {}: {error}", path.display()));
    let mut recording = Recording::create(file).map_err(unwritable)?;
    let (mut frames, mut bytes, mut progress) = (0_u64, 0_u64, Progress::begin());
    while let Some(Frame { source, payload, user_timestamp, came_at }) = received.blocking_recv() {
        recording.add(&source, payload.as_ref(), user_timestamp, came_at).map_err(unwritable)?;
        frames += 1;
        bytes += payload.as_ref().len() as u64;
        progress.tell(|| format!("{frames} frames, {bytes} bytes"));
    }
    recording.finish().map_err(unwritable)?;
    Ok(format!("recorded {frames} frames, {bytes} bytes, into {}", path.display()))
}

/// Each has two megabytes at most.
const FRAMES_ON_THE_WAY: usize = 16;

const AFTER_HELP: &str = "\
Examples:
  Record a room until Ctrl-C, and send it again into another:
    datatracks record --room lab --out lab.mcap
    datatracks replay --room copy lab.mcap
  Record two tracks of alice for a minute:
    datatracks record --room lab --publisher alice --name pose --name imu --seconds 60 --out alice.mcap

A channel of the file is a track: topic PUBLISHER/TRACK, with its encoding and schema, and with the metadata publisher, name, sid and
user_timestamp. log_time is when a frame came; publish_time is its user timestamp in nanoseconds, user_timestamp its unit (ms, us, ns;
none: there was none). The file has indexes: tools of MCAP can seek in it.";
