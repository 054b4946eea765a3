//! `datatracks replay`

use std::{
    collections::BTreeMap, fs::File, io::BufReader, path::PathBuf, sync::Arc, time::Duration,
};

use clap::{Args, ValueEnum};
use datatracks::{
    DataTrackFrame, LocalDataTrack, error::PushFrameError, host::room::Room, track::MAX_NAME_BYTES,
};
use futures_util::future::join_all;
use mcap::{Channel, McapError, Message};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    channels::publish,
    connection::{self, Connection},
    failure::Failure,
    flush::flush,
    output::{Progress, tell},
    publish::clock_ms,
    recorded::{self, name_of, publisher_of, user_timestamp_of},
    recording::Selection,
};

/// Send recorded data tracks again
///
/// Publishes the tracks of an MCAP file, as `datatracks record` or others write them, and sends their frames at the recorded pace.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Replay {
    /// The MCAP file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    selection: Selection,
    /// So many times as fast as recorded
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// User timestamps
    #[arg(long, value_enum, default_value_t = Timestamps::Now)]
    timestamps: Timestamps,
    /// Time for subscribers before the first frame
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    wait_ms: u64,
    /// Time for the last frame to arrive before the tracks end
    #[arg(long, value_name = "MS", default_value_t = 500)]
    linger_ms: u64,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Clone, Copy, ValueEnum)]
enum Timestamps {
    /// The time of sending in milliseconds since 1970
    Now,
    /// Those of the recording
    Recorded,
    /// None
    None,
}

/// What the wanted part of a file has in it.
struct Survey {
    /// By name, and what else is known.
    tracks: BTreeMap<String, Arc<Channel<'static>>>,
    frames: u64,
    /// When the first frame came, in nanoseconds since 1970 or since an event of the recorder's own.
    begin: u64,
}

impl Replay {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let survey = self.survey()?;
        let joined = self.connection.join(false).await?;
        joined.run(async |room| self.replay(room, survey).await).await
    }

    /// What cannot be sent is known before anything is.
    fn survey(&self) -> Result<Survey, Failure> {
        let (mut tracks, mut frames, mut times) =
            (BTreeMap::<String, _>::new(), 0, Times::default());
        let cut = || tell("the recording was not finished; what is in it is sent");
        for message in self.messages(cut)? {
            let message = message?;
            times.add(message.log_time);
            frames += 1;
            let (channel, name) = (&message.channel, name_of(&message.channel));
            if !(1..=MAX_NAME_BYTES).contains(&name.len()) {
                return Err(self.unreadable(&format!(
                    "no track can be named \"{name}\", but with 1 to {MAX_NAME_BYTES} bytes; choose others with --name"
                )));
            }
            let first = tracks.entry(name.into()).or_insert_with(|| Arc::clone(channel));
            let (one, another) = (publisher_of(first), publisher_of(channel));
            if one != another {
                return Err(Failure::Usage(format!(
                    "\"{name}\" is a track of \"{one}\" and of \"{another}\"; choose one with --publisher"
                )));
            }
        }
        let begin = times.begin();
        let begin = begin.ok_or_else(|| self.unreadable(&"no frame of such a track is in it"))?;
        Ok(Survey { tracks, frames, begin })
    }

    async fn replay(&self, room: &Room, survey: Survey) -> Result<(), Failure> {
        connection::wait_until_open(room).await?;
        let mut published = BTreeMap::new();
        for (name, channel) in &survey.tracks {
            let track = publish(room, name, channel).await?;
            published.insert(name.clone(), track);
        }
        sleep(Duration::from_millis(self.wait_ms)).await;
        let sent = self.send_all(&published, &survey).await;
        let flushed = join_all(published.values().map(|track| flush(track, 0))).await;
        sleep(Duration::from_millis(self.linger_ms)).await;
        sent.and_then(|()| flushed.into_iter().collect())
    }

    async fn send_all(
        &self,
        tracks: &BTreeMap<String, Arc<LocalDataTrack>>,
        survey: &Survey,
    ) -> Result<(), Failure> {
        let (start, mut too_large, mut progress) = (Instant::now(), 0_u64, Progress::begin());
        for (sent, message) in self.messages(|| ())?.enumerate() {
            let message = message?;
            progress.tell(|| format!("{sent} of {} frames", survey.frames));
            let after = Duration::from_nanos(message.log_time.saturating_sub(survey.begin));
            sleep_until(start + after.div_f64(self.speed)).await;
            let Some(track) = tracks.get(name_of(&message.channel)) else { continue };
            match track.send(self.frame(message), None).await {
                Err(PushFrameError::FrameTooLarge { .. }) => too_large += 1,
                sent => sent.map_err(Failure::sending)?,
            }
        }
        match too_large {
            0 => Ok(()),
            frames => Err(Failure::other(format!(
                "{frames} frames are larger than a track can carry; all others were sent"
            ))),
        }
    }

    /// Those of the wanted tracks, in the order of the file; `cut` is called where it ends too early.
    fn messages(
        &self,
        cut: impl Fn(),
    ) -> Result<impl Iterator<Item = Result<Message<'static>, Failure>>, Failure> {
        let messages =
            recorded::read(BufReader::new(self.open()?)).map_while(move |message| match message {
                Err(error) if recorded::is_cut(&error) => {
                    cut();
                    None
                }
                Err(McapError::BadMagic) => Some(Err(self.unreadable(&"it is no MCAP file"))),
                Err(McapError::UnsupportedCompression(name)) => {
                    Some(Err(self
                        .unreadable(&format!("its chunks are compressed as {name:?}. {REPACK}"))))
                }
                message => Some(message.map_err(|error| self.unreadable(&error))),
            });
        Ok(messages.filter(|message| message.as_ref().map_or(true, |message| self.wants(message))))
    }

    fn open(&self) -> Result<File, Failure> {
        let file = File::open(&self.file).map_err(|error| self.unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| self.unreadable(&error))?;
        if metadata.is_file() {
            Ok(file)
        } else {
            Err(self.unreadable(&"it is read twice, as only a file can be"))
        }
    }

    fn wants(&self, message: &Message<'_>) -> bool {
        let channel = &message.channel;
        self.selection.has(publisher_of(channel), name_of(channel))
    }

    fn frame(&self, message: Message<'static>) -> DataTrackFrame {
        let user_timestamp = match self.timestamps {
            Timestamps::Now => Some(clock_ms()),
            Timestamps::Recorded => user_timestamp_of(&message),
            Timestamps::None => None,
        };
        DataTrackFrame { payload: message.data.into_owned().into(), user_timestamp }
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::other(format!("cannot replay {}: {error}", self.file.display()))
    }
}

/// Times at which frames came. One that is missing, zero beside times since 1970, is no beginning.
#[derive(Default)]
struct Times {
    least: Option<u64>,
    least_since_1970: Option<u64>,
}

impl Times {
    fn add(&mut self, time: u64) {
        let least = |known: Option<u64>| Some(known.map_or(time, |known| known.min(time)));
        self.least = least(self.least);
        if time >= ONE_YEAR {
            self.least_since_1970 = least(self.least_since_1970);
        }
    }

    fn begin(&self) -> Option<u64> {
        self.least_since_1970.or(self.least)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (SLOWEST..=FASTEST).contains(&speed) => Ok(speed),
        _ => Err(format!("write a number from {SLOWEST} to {FASTEST}, as 0.5 or 10")),
    }
}

/// In nanoseconds. Times that simulations count from zero stay below it.
const ONE_YEAR: u64 = 365 * 24 * 60 * 60 * 1_000_000_000;

/// The tool of MCAP's own makers.
const REPACK: &str = "`mcap compress --compression zstd` makes a file that can be sent";

const SLOWEST: f64 = 0.001;
const FASTEST: f64 = 1000.0;

const AFTER_HELP: &str = "\
Examples:
  Send a recording again, as it was:
    datatracks replay --room lab --timestamps recorded lab.mcap
  Twice as fast, only two tracks, encrypted:
    DATATRACKS_E2EE_PASSPHRASE=… datatracks replay --room lab --speed 2 --name pose --name imu lab.mcap

Encodings and schemas of the file become those of the tracks. Chunks may be compressed with zstd or lz4, as other tools write them.";
