//! `datatracks subscribe`

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use datatracks::{
    BufferPolicy, DataTrackFrame, DataTrackStream, DataTrackSubscribeOptions, RemoteDataTrack,
    StreamEndReason,
    error::WaitError,
    host::room::{EndReason, Room},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::{
    fs,
    time::{Instant, timeout_at},
};

use crate::{
    connection::{self, Connection},
    failure::Failure,
    output::{data, tell},
    publish::clock_ms,
};

/// Read a data track
///
/// Waits until the track is published, then prints a line a frame, until the track ends.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Subscribe {
    /// Name of the track
    #[arg(long, value_name = "TRACK")]
    name: String,
    /// Only the track of this participant
    #[arg(long, value_name = "IDENTITY")]
    publisher: Option<String>,
    /// End after so many frames
    #[arg(long, value_name = "FRAMES")]
    count: Option<u64>,
    /// Give up after so many seconds, whatever is missing then
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print JSON, an object a line: {"i":0,"len":1000,"sha":"first 16 digits of the SHA-256","ts":…,"latency_ms":…}
    #[arg(long)]
    json: bool,
    /// Write each frame to a file in this directory: 000000.bin, 000001.bin, …
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

impl Subscribe {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let deadline = self.timeout.map(|limit| Instant::now() + limit);
        if let Some(directory) = &self.out {
            fs::create_dir_all(directory).await.map_err(|error| unwritable(directory, &error))?;
        }
        let joined = within(deadline, self.connection.join(false)).await;
        let joined = joined.unwrap_or_else(|| Err(late("the room was joined")))?;
        joined.run(async |room| self.subscribe(room, deadline).await).await
    }

    async fn subscribe(&self, room: &Room, deadline: Option<Instant>) -> Result<(), Failure> {
        let opened = within(deadline, connection::wait_until_open(room)).await;
        opened.unwrap_or_else(|| Err(late("the data channel was open")))?;
        let track = self.find(room, deadline).await?;
        let subscribing = track.subscribe_with_options(reading_options(), None);
        let subscribed = within(deadline, subscribing).await;
        let stream = subscribed
            .ok_or_else(|| late("the server answered the subscription"))?
            .map_err(|error| Failure::subscribing(error, &self.name, room.participant()))?;
        let (info, publisher) = (track.info(), track.publisher_identity());
        let encrypted = if info.uses_e2ee { ", encrypted" } else { "" };
        tell(&format!(
            "subscribed to \"{}\" of \"{publisher}\" ({}{encrypted})",
            info.name, info.sid
        ));
        let outcome = within(deadline, self.read(&stream)).await;
        tell_losses(&track, &stream);
        outcome.unwrap_or_else(|| Err(self.too_few(&track)))
    }

    /// Waits for the track; after a while tells people which tracks there are.
    async fn find(
        &self,
        room: &Room,
        deadline: Option<Instant>,
    ) -> Result<Arc<RemoteDataTrack>, Failure> {
        let wait =
            || room.remote().wait_for_track(self.name.clone(), self.publisher.clone(), 0, None);
        let patience = Instant::now() + PATIENCE;
        let patience = deadline.map_or(patience, |deadline| deadline.min(patience));
        if let Ok(found) = timeout_at(patience, wait()).await {
            return found.map_err(waiting_ended);
        }
        tell(&format!("no track \"{}\" yet; {}", self.name, existing(room)));
        match within(deadline, wait()).await {
            Some(found) => found.map_err(waiting_ended),
            None => Err(Failure::NoSuchTrack(format!(
                "the track \"{}\" did not appear; {}. Is it published in room \"{}\"?",
                self.name,
                existing(room),
                room.participant().room
            ))),
        }
    }

    async fn read(&self, stream: &DataTrackStream) -> Result<(), Failure> {
        let wanted = self.count.unwrap_or(u64::MAX);
        for index in 0..wanted {
            let Some(frame) = stream.next(None).await.map_err(waiting_ended)? else {
                return match self.count {
                    _ if stream.end_reason() == Some(StreamEndReason::Shutdown) => {
                        Err(Failure::Lost(EndReason::ConnectionLost))
                    }
                    Some(count) => Err(Failure::Ended(format!(
                        "the track ended after {index} of {count} frames"
                    ))),
                    None => Ok(()),
                };
            };
            self.write(index, &frame).await?;
            data(&if self.json { json(index, &frame) } else { text(index, &frame) })?;
        }
        Ok(())
    }

    async fn write(&self, index: u64, frame: &DataTrackFrame) -> Result<(), Failure> {
        let Some(directory) = &self.out else { return Ok(()) };
        let path = directory.join(format!("{index:06}.bin"));
        fs::write(&path, &frame.payload).await.map_err(|error| unwritable(&path, &error))
    }

    fn too_few(&self, track: &RemoteDataTrack) -> Failure {
        let undecryptable = track.stats().frames_dropped_undecryptable;
        Failure::TimedOut(match undecryptable {
            0 => format!("not enough frames of \"{}\" came in time", self.name),
            frames => format!(
                "{frames} frames could not be decrypted; is DATATRACKS_E2EE_PASSPHRASE the publisher's passphrase?"
            ),
        })
    }
}

#[derive(Serialize)]
struct Line {
    i: u64,
    len: usize,
    sha: String,
    ts: Option<u64>,
    latency_ms: Option<i64>,
}

fn json(index: u64, frame: &DataTrackFrame) -> String {
    let bytes = frame.payload.as_ref();
    let line = Line {
        i: index,
        len: bytes.len(),
        sha: digest(bytes),
        ts: frame.user_timestamp,
        latency_ms: latency(frame),
    };
    serde_json::to_string(&line).unwrap_or_default()
}

fn text(index: u64, frame: &DataTrackFrame) -> String {
    let bytes = frame.payload.as_ref();
    let latency = latency(frame).map(|latency| format!("  {latency} ms")).unwrap_or_default();
    let shown = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) && bytes.len() <= LONGEST_TEXT => text.into(),
        _ => format!("sha256 {}", digest(bytes)),
    };
    format!("#{index}  {} bytes{latency}  {shown}", bytes.len())
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Of a timestamp that is a time; clocks of two machines may differ by more than the way takes.
fn latency(frame: &DataTrackFrame) -> Option<i64> {
    let sent = i64::try_from(frame.user_timestamp?).ok()?;
    i64::try_from(clock_ms()).ok()?.checked_sub(sent)
}

fn existing(room: &Room) -> String {
    let tracks = room.remote().tracks();
    let names: Vec<String> = tracks
        .iter()
        .map(|track| format!("\"{}\" of \"{}\"", track.info().name, track.publisher_identity()))
        .collect();
    if names.is_empty() {
        "there are no tracks".into()
    } else {
        format!("there are {}", names.join(", "))
    }
}

pub(crate) fn tell_losses(track: &RemoteDataTrack, stream: &DataTrackStream) {
    let (track, stream) = (track.stats(), stream.stats());
    for (frames, what) in [
        (track.frames_dropped_incomplete, "lost packets on the way"),
        (track.frames_dropped_undecryptable, "could not be decrypted"),
        (track.frames_dropped_replayed, "were sent again by the server"),
        (track.frames_dropped_encryption_mismatch, "were not encrypted as the track is"),
        (stream.frames_dropped_full, "were not read in time"),
        (stream.frames_late, "came too late"),
    ] {
        if frames > 0 {
            tell(&format!("{frames} frames {what}"));
        }
    }
}

/// How the command line reads: it may fall behind for a moment.
pub(crate) fn reading_options() -> DataTrackSubscribeOptions {
    DataTrackSubscribeOptions {
        buffer_frames: BUFFER_FRAMES,
        buffer_policy: BufferPolicy::DropOldest,
        ..DataTrackSubscribeOptions::default()
    }
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

fn late(awaited: &str) -> Failure {
    Failure::TimedOut(format!("the time of --timeout was over before {awaited}"))
}

fn waiting_ended(_: WaitError) -> Failure {
    Failure::Lost(EndReason::ConnectionLost)
}

pub(crate) fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("cannot write {}: {error}", path.display()))
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write seconds, as 30 or 0.5")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) => Err(format!("at most {} are possible", LONGEST.as_secs())),
        Err(error) => Err(error.to_string()),
    }
}

/// Ten years: no clock overflows that counts so far from now.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A reader that writes files may fall behind for a moment.
const BUFFER_FRAMES: u32 = 1024;

/// When a person begins to wonder.
const PATIENCE: Duration = Duration::from_secs(3);

/// What still fits on a line.
const LONGEST_TEXT: usize = 160;

const AFTER_HELP: &str = "\
Examples:
  Watch a track:
    datatracks subscribe --room lab --name readings
  Check in a script that 50 frames of alice come within 20 seconds:
    datatracks subscribe --room lab --name load --publisher alice --count 50 --timeout 20 --json
  Keep every frame, of an encrypted track:
    DATATRACKS_E2EE_PASSPHRASE=… datatracks subscribe --room lab --name maps --out frames

Latency is the time now less the user timestamp, where the publisher sent the time.";
