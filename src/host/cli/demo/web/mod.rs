//! `datatracks demo --web`: the embedded SFU with a page that plots its tracks, and a publisher for it to plot.
//!
//! Owns server and publisher until Ctrl-C. The page joins as any web application would, with livekit-client (`examples/browser`).

mod pages;
mod wave;

use std::{future::pending, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use datatracks::{
    DataTrackFrame, DataTrackOptions, LocalDataTrack,
    host::{
        room::{ApiKey, Grants, Room, ServerAddress, transport::JoinOptions},
        sfu::{
            Impairment, RoomOptions, Rooms,
            listen::{Limits, Server, ServerOptions},
        },
    },
};
use tokio::{
    select,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use self::{pages::Pages, wave::Wave};
use super::stage::unable;
use crate::{
    failure::Failure,
    interrupt::interrupted,
    output::{data, tell},
    publish::clock_ms,
    sfu::unusable,
};

/// Publishes and serves until Ctrl-C.
pub(super) async fn run(
    address: SocketAddr,
    livekit_client: &Path,
    impairment: Impairment,
) -> Result<(), Failure> {
    let key = ApiKey::new("devkey", "secret");
    let pages = Pages::read(livekit_client, key.clone(), ROOM)?;
    let server = Server::start(ServerOptions {
        address,
        key: key.clone(),
        rooms: Rooms::new(RoomOptions { impairment, ..RoomOptions::default() }),
        limits: Limits::default(),
        site: Some(Arc::new(pages)),
    })
    .await
    .map_err(unusable(address))?;
    let publisher = select! {
        biased;
        () = interrupted() => return Ok(()),
        joined = join(&server, &key) => joined?,
    };
    let mut pushing = JoinSet::new();
    for wave in wave::ALL {
        let options = DataTrackOptions::new(wave.workload.name);
        let track = publisher.local().publish_track(options, None).await;
        pushing.spawn(push(track.map_err(unable("publish"))?, wave));
    }
    let told = select! {
        // From before the address is known: whoever knows it may press Ctrl-C.
        biased;
        () = interrupted() => Ok(()),
        failure = tell_address(server.address()) => failure,
    };
    pushing.shutdown().await;
    publisher.leave().await;
    server.close().await;
    told
}

/// Ends only when nobody can be told.
async fn tell_address(address: SocketAddr) -> Result<(), Failure> {
    data(&format!("http://{address}/"))?;
    tell("open it in a browser; Ctrl-C ends the demo");
    if !address.ip().is_loopback() {
        tell("others can reach this address, and need no key");
    }
    pending().await
}

async fn join(server: &Server, key: &ApiKey) -> Result<Room, Failure> {
    let address = ServerAddress::parse(&format!("ws://{}", server.address()));
    let token = key.sign(&Grants::new("demo", ROOM));
    let options = JoinOptions::new(address.map_err(unable("join"))?, token);
    let (room, _) = Room::join(options, None).await?;
    room.wait_until_open(PATIENCE).await.map_err(unable("open the channel"))?;
    Ok(room)
}

/// Pushes a frame a period until the track ends. A machine that is too slow makes fewer frames of the same wave.
async fn push(track: Arc<LocalDataTrack>, wave: Wave) {
    let period = wave.workload.period;
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let begin = ticks.tick().await;
    loop {
        let elapsed = ticks.tick().await.duration_since(begin);
        let payload = wave.frame(elapsed.div_duration_f64(period).round()).into();
        let frame = DataTrackFrame { payload, user_timestamp: Some(clock_ms()) };
        if track.send(frame, None).await.is_err() {
            return;
        }
    }
}

const ROOM: &str = "demo";

/// As the other demo waits: this is one machine, but it may be a busy one.
const PATIENCE: Duration = Duration::from_secs(15);
