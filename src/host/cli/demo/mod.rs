//! `datatracks demo`: two participants in an embedded SFU on this machine, three tracks over real WebRTC, and an account of every
//! frame.
//!
//! ```text
//!  stage     SFU, two rooms, tracks and streams              ├ workload   frames that prove what they are
//!  lane      one track: pushes, reads, keeps its ledger      ├ ledger     what became of each, and how long it took
//!  display   a live table, or plain lines                    └ report     the end: summary or JSON, and the verdict
//!  web       instead of all that: a page that plots other frames of the same tracks
//! ```
//! The verdict is the exit status: a frame lost without an explanation, delivered twice, out of order or damaged fails the run.

mod display;
mod lane;
mod ledger;
mod report;
mod stage;
mod table;
mod web;
mod workload;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, value_parser};
use datatracks::{CancelToken, host::sfu::Impairment};
use tokio::{
    select, spawn,
    time::{interval, sleep},
};

use self::{display::Display, lane::Lane, report::Report, stage::Stage};
use crate::{failure::Failure, interrupt::interrupted};

/// Send frames through an SFU on this machine, and account for every one
///
/// Two participants join over real WebRTC; one publishes imu (200 B, 100/s), pose (64 B, 1000/s) and cloud (256 KiB, 5/s),
/// the other reads them. Every frame proves what it is; what is lost is explained.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Demo {
    /// For how long frames are sent
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Encrypt the frames end to end
    #[arg(long)]
    e2ee: bool,
    /// Let the SFU harm packets on purpose
    #[arg(long, value_name = "FAULTS")]
    impair: Option<Impairment>,
    /// Print one JSON object at the end, and nothing else
    #[arg(long)]
    json: bool,
    /// Plot the tracks on a page for browsers instead, until Ctrl-C
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1:0",
        conflicts_with_all = ["seconds", "e2ee", "json"],
    )]
    web: Option<SocketAddr>,
    /// The folder that has livekit-client.umd.js for the page
    #[arg(long, value_name = "FOLDER", requires = "web", default_value = LIVEKIT_CLIENT)]
    livekit_client: PathBuf,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let impairment = self.impair.unwrap_or_default();
        if let Some(address) = self.web {
            return web::run(address, &self.livekit_client, impairment).await;
        }
        let stage = select! {
            biased;
            () = interrupted() => return Err(Failure::Interrupted),
            stage = Stage::set(self.e2ee, impairment) => stage?,
        };
        let (pushed_for, display) = self.perform(&stage).await;
        drain(&stage).await;
        let report = Report::of(&stage, &self, pushed_for);
        stage.clear().await;
        display.finish(&report)?;
        match report.ok {
            true => Ok(()),
            false => Err(Failure::other("not every frame is accounted for")),
        }
    }

    /// Pushes until the time is over, or Ctrl-C. Answers for how long.
    async fn perform(&self, stage: &Stage) -> (Duration, Display) {
        let mut display = Display::new(self.json);
        let begun = Instant::now();
        let stop = Arc::new(CancelToken::new());
        let pushing = |lane: &Arc<Lane>| spawn(Arc::clone(lane).push(Arc::clone(&stop)));
        let pushers: Vec<_> = stage.lanes().iter().map(pushing).collect();
        let mut ticks = interval(REDRAW_INTERVAL);
        let watching = async {
            loop {
                ticks.tick().await;
                stage.note_losses();
                display.show(begun.elapsed(), stage.lanes());
            }
        };
        select! {
            () = watching => {}
            () = sleep(Duration::from_secs(self.seconds)) => {}
            () = interrupted() => {}
        }
        let pushed_for = begun.elapsed();
        stop.cancel();
        for pusher in pushers {
            pusher.await.ok();
        }
        (pushed_for, display)
    }
}

/// Waits until every frame is delivered or known to be lost, or nothing has moved for a while.
async fn drain(stage: &Stage) {
    for lane in stage.lanes() {
        lane.flush(PATIENCE).await;
    }
    let (mut progress, mut since) = (stage.delivered(), Instant::now());
    while !stage.lanes().iter().all(|lane| lane.is_settled()) && since.elapsed() < PATIENCE {
        sleep(LOOK_AGAIN).await;
        stage.note_losses();
        if progress != stage.delivered() {
            (progress, since) = (stage.delivered(), Instant::now());
        }
    }
    // What should not come any more gets a chance to come: a duplicate, a damaged frame.
    sleep(GRACE).await;
    stage.note_losses();
}

const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// How long frames may take that are not known to be lost.
const PATIENCE: Duration = Duration::from_secs(2);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Ten times what the SFU holds a packet back for, to let others overtake it.
const GRACE: Duration = Duration::from_millis(50);

/// Where `cargo tasks setup` puts it.
const LIVEKIT_CLIENT: &str = ".tools/browser/node_modules/livekit-client/dist";

const AFTER_HELP: &str = "\
Examples:
  datatracks demo
  datatracks demo --e2ee --seconds 60
  datatracks demo --impair loss=2%,reorder=8,duplicate=1%,seed=7
  datatracks demo --seconds 3 --json
  datatracks demo --web
  datatracks demo --web=127.0.0.1:8080 --impair loss=2%

Faults: loss and duplicate are probabilities, reorder is a number of places, delay a time such as 10ms; the same
seed harms the same packets.

Others join the room of --web, \"demo\", with key devkey and secret secret; lines that are numbers are plotted too:
  sensor | datatracks publish --url ws://127.0.0.1:8080 --api-key devkey --api-secret secret --room demo --name mine

Exit status: 0 when every frame was delivered byte for byte, in order, once; with --impair also when every frame that
was not delivered had lost a packet or came too late. Else 1.";
