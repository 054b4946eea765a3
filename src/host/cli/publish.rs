//! `datatracks publish`

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use datatracks::{
    DataTrackFrame, DataTrackOptions, LocalDataTrack, error::WaitError, host::room::Room,
};
use tokio::time::sleep;

use crate::{
    connection::{self, Connection},
    failure::Failure,
    frames::{Frames, Framing, Pattern},
    output::tell,
};

/// Publish a data track and send frames on it
///
/// Frames come from standard input (a line each), from files (a frame each), or are made up. Nobody can know who will
/// read the track: before the first frame there is time for subscribers (--wait-ms), after the last one for it to arrive.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Publish {
    /// Name of the track
    #[arg(long, value_name = "TRACK")]
    name: String,
    /// Read frames from this file; may be given several times
    #[arg(long, value_name = "PATH", conflicts_with = "generate")]
    file: Vec<PathBuf>,
    /// How frames follow each other in the input [default: lines; files: whole]
    #[arg(long, conflicts_with = "generate")]
    framing: Option<Framing>,
    /// Make frames up: size=BYTES,rate=FRAMES-A-SECOND,count=FRAMES
    #[arg(long, value_name = "PATTERN")]
    generate: Option<Pattern>,
    /// Send no user timestamp; otherwise it is the time of sending in milliseconds since 1970
    #[arg(long)]
    no_timestamp: bool,
    /// Time for subscribers before the first frame
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    wait_ms: u64,
    /// Time for the last frame to arrive before the track ends
    #[arg(long, value_name = "MS", default_value_t = 500)]
    linger_ms: u64,
    /// Drop a frame that waited longer to be sent, rather than be late; 0: no limit
    #[arg(long, value_name = "MS", default_value_t = 0)]
    max_age_ms: u64,
    #[command(flatten)]
    connection: Connection,
}

impl Publish {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let frames = match &self.generate {
            Some(_) => None,
            None => Some(Frames::read(&self.file, self.framing).await?),
        };
        let joined = self.connection.join(false).await?;
        joined.run(async |room| self.publish(room, frames).await).await
    }

    async fn publish(&self, room: &Room, frames: Option<Frames>) -> Result<(), Failure> {
        connection::wait_until_open(room).await?;
        let publishing = room.local().publish_track(self.options(), None);
        let track = publishing
            .await
            .map_err(|error| Failure::publishing(error, &self.name, room.participant()))?;
        let info = track.info();
        let encrypted = if info.uses_e2ee { ", encrypted" } else { "" };
        tell(&format!("published \"{}\" ({}{encrypted})", info.name, info.sid));
        sleep(Duration::from_millis(self.wait_ms)).await;
        let frames = match (&self.generate, frames) {
            (Some(pattern), _) => Frames::made(pattern.clone()),
            (None, Some(frames)) => frames,
            (None, None) => return Ok(()),
        };
        self.send_all(&track, frames).await?;
        sleep(Duration::from_millis(self.linger_ms)).await;
        Ok(())
    }

    fn options(&self) -> DataTrackOptions {
        DataTrackOptions { max_age_ms: self.max_age_ms, ..DataTrackOptions::new(&self.name) }
    }

    async fn send_all(&self, track: &LocalDataTrack, mut frames: Frames) -> Result<(), Failure> {
        while let Some(payload) = frames.next().await? {
            let user_timestamp = (!self.no_timestamp).then(clock_ms);
            let frame = DataTrackFrame { payload: payload.into(), user_timestamp };
            track.send(frame, None).await.map_err(Failure::sending)?;
        }
        flush(track).await
    }
}

/// Waits until all frames have left, and tells how many.
pub(crate) async fn flush(track: &LocalDataTrack) -> Result<(), Failure> {
    track.flush(FLUSH_LIMIT_MS, None).await.map_err(not_flushed)?;
    let stats = track.stats();
    tell(&format!("sent {} frames, {} bytes", stats.frames_sent, stats.bytes_sent));
    match stats.frames_accepted - stats.frames_sent {
        0 => Ok(()),
        dropped => Err(Failure::other(format!("{dropped} frames could not be sent"))),
    }
}

fn not_flushed(_: WaitError) -> Failure {
    Failure::TimedOut("the last frames could not be sent in time".into())
}

pub(crate) fn clock_ms() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// Since 1970.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A frame of two megabytes leaves in about one second.
const FLUSH_LIMIT_MS: u64 = 30_000;

const AFTER_HELP: &str = "\
Examples:
  Send each line of a sensor's output as it comes:
    sensor | datatracks publish --room lab --name readings
  Send two files, each as one frame:
    datatracks publish --room lab --name maps --file a.png --file b.png
  Send 100 frames a second for half a minute, to try a receiver:
    datatracks publish --room lab --name load --generate size=1000,rate=100,count=3000
  The same, encrypted:
    DATATRACKS_E2EE_PASSPHRASE=… datatracks publish --room lab --name load --generate size=1000

A frame carries at most about 2 MB. Byte k of frame i of --generate is (31·i + 7·k) mod 256.";
