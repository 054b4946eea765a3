//! `datatracks bench`

use std::time::Duration;

use clap::Args;
use datatracks::{
    DataTrackFrame, DataTrackOptions, DataTrackStream, LocalDataTrack,
    host::room::{Grants, Room},
};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    connection::{self, Joined, Server, made_up_name},
    failure::Failure,
    latency::Latencies,
    output::data,
    subscribe::{reading_options, seconds},
};

/// Measure latency and throughput of a server
///
/// Joins a room twice, sends to itself through the server, and prints a line a load: paced loads for latency, then loads as fast as
/// there is room for throughput.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Bench {
    /// How long each load is sent
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
    /// Name of the room; made up where not given
    #[arg(long, value_name = "NAME", help_heading = "Room")]
    room: Option<String>,
}

/// Frames of one size, at a rate or as fast as there is room.
struct Load {
    size: usize,
    rate: Option<f64>,
}

#[derive(Serialize)]
struct Line {
    size: usize,
    rate: Option<f64>,
    sent: u64,
    delivered: u64,
    median_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    mb_per_s: f64,
}

impl Bench {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let room = self.room.clone().unwrap_or_else(made_up_name);
        let publisher = self.join(&room, "bench-publisher").await?;
        publisher
            .run(async |publisher| {
                let reader = self.join(&room, "bench-reader").await?;
                reader.run(async |reader| self.measure(publisher, reader).await).await
            })
            .await
    }

    async fn join(&self, room: &str, identity: &str) -> Result<Joined, Failure> {
        let token = self.server.key()?.sign(&Grants::new(identity, room));
        self.server.join(token).await
    }

    async fn measure(&self, publisher: &Room, reader: &Room) -> Result<(), Failure> {
        connection::wait_until_open(publisher).await?;
        connection::wait_until_open(reader).await?;
        if !self.json {
            data(HEADING)?;
        }
        for (index, load) in LOADS.iter().enumerate() {
            let line = self.carry(publisher, reader, load, &format!("bench-{index}")).await?;
            data(&if self.json {
                serde_json::to_string(&line).unwrap_or_default()
            } else {
                line.text()
            })?;
        }
        Ok(())
    }

    /// Sends one load and counts what comes.
    async fn carry(
        &self,
        publisher: &Room,
        reader: &Room,
        load: &Load,
        name: &str,
    ) -> Result<Line, Failure> {
        let publishing = publisher.local().publish_track(DataTrackOptions::new(name), None);
        let track = publishing
            .await
            .map_err(|error| Failure::publishing(error, name, publisher.participant()))?;
        let found = reader.remote().wait_for_track(name.into(), None, FINDING_TIME_MS, None);
        let found = found.await.map_err(|_| {
            Failure::NoSuchTrack(format!("the server does not announce \"{name}\""))
        })?;
        let stream = found
            .subscribe_with_options(reading_options(), None)
            .await
            .map_err(|error| Failure::subscribing(error, name, reader.participant()))?;
        let start = Instant::now();
        let sending = async {
            let sent = send(&track, load, start, self.seconds).await;
            sleep(LAST_ARRIVAL).await;
            track.unpublish();
            sent
        };
        let (sent, arrived) = tokio::join!(sending, Arrived::count(&stream, start));
        Ok(arrived.line(load, sent?))
    }
}

async fn send(
    track: &LocalDataTrack,
    load: &Load,
    start: Instant,
    length: Duration,
) -> Result<u64, Failure> {
    let mut sent = 0_u32;
    while start.elapsed() < length {
        let frame = DataTrackFrame {
            payload: vec![0; load.size].into(),
            user_timestamp: u64::try_from(start.elapsed().as_micros()).ok(),
        };
        track.send(frame, None).await.map_err(Failure::sending)?;
        sent += 1;
        if let Some(rate) = load.rate {
            sleep_until(start + Duration::from_secs_f64(f64::from(sent) / rate)).await;
        }
    }
    Ok(sent.into())
}

/// What has come of a load.
#[derive(Default)]
struct Arrived {
    frames: u64,
    bytes: usize,
    latencies: Latencies,
    last: Duration,
}

impl Arrived {
    /// Until the track ends.
    async fn count(stream: &DataTrackStream, start: Instant) -> Self {
        let mut arrived = Self::default();
        while let Ok(Some(frame)) = stream.next(None).await {
            arrived.last = start.elapsed();
            let sent = Duration::from_micros(frame.user_timestamp.unwrap_or_default());
            arrived.latencies.record(arrived.last.saturating_sub(sent));
            arrived.frames += 1;
            arrived.bytes += frame.payload.as_ref().len();
        }
        arrived
    }

    #[allow(clippy::cast_precision_loss)]
    fn line(&self, load: &Load, sent: u64) -> Line {
        let millis = |latency: Duration| latency.as_secs_f64() * 1e3;
        let seconds = self.last.as_secs_f64().max(f64::EPSILON);
        Line {
            size: load.size,
            rate: load.rate,
            sent,
            delivered: self.frames,
            median_ms: millis(self.latencies.percentile(500)),
            p99_ms: millis(self.latencies.percentile(990)),
            longest_ms: millis(self.latencies.longest()),
            mb_per_s: self.bytes as f64 / 1e6 / seconds,
        }
    }
}

impl Line {
    fn text(&self) -> String {
        let rate = self.rate.map_or("flat out".into(), |rate| format!("{rate}/s"));
        format!(
            "{:>8} B {rate:>9} {:>8} {:>9} {:>9.2} {:>9.2} {:>9.2} {:>7.2}",
            self.size,
            self.sent,
            self.delivered,
            self.median_ms,
            self.p99_ms,
            self.longest_ms,
            self.mb_per_s
        )
    }
}

/// Poses and states of a robot, pictures; then what fits into one packet, into a few, into many.
const LOADS: [Load; 6] = [
    Load { size: 100, rate: Some(100.0) },
    Load { size: 1000, rate: Some(100.0) },
    Load { size: 100_000, rate: Some(10.0) },
    Load { size: 1000, rate: None },
    Load { size: 15_000, rate: None },
    Load { size: 100_000, rate: None },
];

/// Servers announce tracks up to 3 seconds late (protocol §7).
const FINDING_TIME_MS: u64 = 10_000;

/// For the last frame of a load to arrive.
const LAST_ARRIVAL: Duration = Duration::from_millis(500);

const HEADING: &str =
    "     frame      rate     sent delivered    p50 ms    p99 ms   longest    MB/s";

const AFTER_HELP: &str = "\
Examples:
  datatracks bench --url ws://127.0.0.1:7880 --seconds 10
  datatracks bench --json | jq '{size, p99_ms}'

Needs key and secret, since it joins twice. Latency is that of both ways together, on one clock. MB/s are megabytes of payload delivered a
second. Flat out, a publisher waits for room in its own channel; a server that cannot keep up drops: compare sent with delivered.";
