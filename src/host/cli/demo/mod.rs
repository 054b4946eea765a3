//! `datatracks demo`: two participants in an embedded SFU on this machine, three tracks over real WebRTC, and an account of every
//! frame.
//!
//! ```text
//!  stage     SFU, two rooms, tracks and streams              ├ workload   frames that prove what they are
//!  lane      one track: pushes, reads, keeps its ledger      ├ ledger     what became of each; latency: how long it took
//!  display   a live table, or plain lines                    └ report     the end: summary or JSON, and the verdict
//! ```
//! The verdict is the exit status: a frame lost without an explanation, delivered twice, out of order or damaged fails the run.

mod display;
mod lane;
mod latency;
mod ledger;
mod report;
mod stage;
mod table;
mod workload;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use datatracks::host::sfu::Impairment;
use tokio::{
    signal::ctrl_c,
    time::{interval, sleep, timeout},
};

use self::{display::Display, lane::Lane, report::Report, stage::Stage};
pub(crate) use self::stage::StageError;

/// Sends frames through an SFU on this machine and accounts for every one.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoOptions {
    /// For how long frames are pushed.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Encrypt the frames end to end.
    #[arg(long)]
    e2ee: bool,
    /// Let the SFU harm packets on purpose, as in loss=2%,reorder=8,duplicate=1%,seed=7.
    #[arg(long, value_name = "SPEC")]
    impair: Option<Impairment>,
    /// Print one JSON object at the end instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the demo.
///
/// # Errors
/// When the stage could not be set up. A run that went badly is no error but a bad exit status.
pub(crate) async fn run(options: DemoOptions) -> Result<ExitCode, StageError> {
    let start = Instant::now();
    let stage = Stage::set(start, options.e2ee, options.impair.unwrap_or_default()).await?;
    let (pushed_for, display) = perform(&stage, &options).await;
    drain(&stage).await;
    let report = Report::of(&stage, &options, pushed_for);
    stage.clear().await;
    display.finish(&report);
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Pushes until the time is over, or Ctrl-C. Answers for how long.
async fn perform(stage: &Stage, options: &DemoOptions) -> (Duration, Display) {
    let mut display = Display::new(options.json);
    let begun = Instant::now();
    let pushers: Vec<_> =
        stage.lanes().iter().map(|lane| tokio::spawn(Arc::clone(lane).push())).collect();
    let mut ticks = interval(REDRAW_INTERVAL);
    let watching = async {
        loop {
            ticks.tick().await;
            stage.note_losses();
            display.show(begun.elapsed(), stage.lanes());
        }
    };
    tokio::select! {
        () = watching => {}
        () = sleep(Duration::from_secs(options.seconds)) => {}
        _ = ctrl_c() => {}
    }
    // Between two pushes: pushing does not wait.
    pushers.iter().for_each(|pusher| pusher.abort());
    for pusher in pushers {
        pusher.await.ok();
    }
    (begun.elapsed(), display)
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
