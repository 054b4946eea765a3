//! `datatracks publish`

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use datatracks::{DataTrackFrame, DataTrackOptions, LocalDataTrack, host::room::Room};
use futures_util::future::try_join_all;
use tokio::time::sleep;

use crate::{
    connection::{self, Connection},
    failure::Failure,
    flush::flush,
    frames::{self, Frames, Framing, Pattern},
    output::tell,
    secrets,
};

/// Publish a data track and send frames on it
///
/// Frames come from standard input (a line each), from files (a frame each), or are made up, for several tracks at once if you like.
/// Nobody can know who will read a track: before the first frame there is time for subscribers (--wait-ms), after the last one for it
/// to arrive.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Publish {
    /// Name of the track; several take a --generate each, in the same order
    #[arg(long, value_name = "TRACK", required = true)]
    name: Vec<String>,
    /// Read frames from this file; may be given several times
    #[arg(long, value_name = "PATH", conflicts_with = "generate")]
    file: Vec<PathBuf>,
    /// How frames follow each other in the input [default: lines; files: whole]
    #[arg(long, conflicts_with = "generate")]
    framing: Option<Framing>,
    /// Make frames up: size=BYTES,rate=FRAMES-A-SECOND,count=FRAMES
    #[arg(long, value_name = "PATTERN")]
    generate: Vec<Pattern>,
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
    /// Send no more than this in a second, for readers that are known to be slow; 0: no limit
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    max_bytes_per_second: u64,
    #[command(flatten)]
    connection: Connection,
}

impl Publish {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let sources = self.sources().await?;
        let joined = self.connection.join(false).await?;
        joined.run(async |room| self.publish_all(room, sources).await).await
    }

    /// What each track sends.
    async fn sources(&self) -> Result<Vec<Source>, Failure> {
        if self.name.len() != self.generate.len().max(1) {
            return Err(Failure::Usage("give as many --name as --generate, or one".into()));
        }
        if self.generate.is_empty() {
            return Ok(vec![Source::Read(Frames::read(&self.file, self.framing).await?)]);
        }
        let most = frames::largest(secrets::encrypts(), !self.no_timestamp);
        self.generate.iter().try_for_each(|pattern| pattern.check(most))?;
        Ok(self.generate.iter().cloned().map(Source::Made).collect())
    }

    async fn publish_all(&self, room: &Room, sources: Vec<Source>) -> Result<(), Failure> {
        connection::wait_until_open(room).await?;
        let tracks = self.name.iter().zip(sources);
        let published = tracks.map(|(name, source)| self.publish(room, name, source));
        try_join_all(published).await?.into_iter().collect()
    }

    /// Answers what of the frames could not be sent, which is no reason to cut the other tracks short.
    async fn publish(
        &self,
        room: &Room,
        name: &str,
        source: Source,
    ) -> Result<Result<(), Failure>, Failure> {
        let publishing = room.local().publish_track(self.options(name), None);
        let track = publishing
            .await
            .map_err(|error| Failure::publishing(error, name, room.participant()))?;
        let info = track.info();
        let encrypted = if info.uses_e2ee { ", encrypted" } else { "" };
        tell(&format!("published \"{}\" ({}{encrypted})", info.name, info.sid));
        sleep(Duration::from_millis(self.wait_ms)).await;
        self.send_all(&track, source.frames()).await?;
        let flushed = flush(&track, self.max_bytes_per_second).await;
        sleep(Duration::from_millis(self.linger_ms)).await;
        Ok(flushed)
    }

    fn options(&self, name: &str) -> DataTrackOptions {
        DataTrackOptions {
            max_age_ms: self.max_age_ms,
            max_bytes_per_second: self.max_bytes_per_second,
            ..DataTrackOptions::new(name)
        }
    }

    async fn send_all(&self, track: &LocalDataTrack, mut frames: Frames) -> Result<(), Failure> {
        while let Some(payload) = frames.next().await? {
            let user_timestamp = (!self.no_timestamp).then(clock_ms);
            let frame = DataTrackFrame { payload: payload.into(), user_timestamp };
            track.send(frame, None).await.map_err(Failure::sending)?;
        }
        Ok(())
    }
}

/// Where frames come from. Those that are made up begin when they are first asked for.
enum Source {
    Read(Frames),
    Made(Pattern),
}

impl Source {
    fn frames(self) -> Frames {
        match self {
            Self::Read(frames) => frames,
            Self::Made(pattern) => Frames::made(pattern),
        }
    }
}

pub(crate) fn clock_ms() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// Since 1970.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

const AFTER_HELP: &str = "\
Examples:
  Send each line of a sensor's output as it comes:
    sensor | datatracks publish --room lab --name readings
  Send two files, each as one frame:
    datatracks publish --room lab --name maps --file a.png --file b.png
  Send 100 frames a second for half a minute, to try a receiver:
    datatracks publish --room lab --name load --generate size=1000,rate=100,count=3000
  A small fast track beside a large one:
    datatracks publish --room lab --name pose --generate size=64,rate=100 --name map --generate size=1000000,rate=1
  Encrypted:
    DATATRACKS_E2EE_PASSPHRASE=… datatracks publish --room lab --name load --generate size=1000

A frame carries at most about 2 MB. Byte k of frame i of --generate is (31·i + 7·k) mod 256.";
