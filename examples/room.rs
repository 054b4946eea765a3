//! Joins a real room with the reference host, publishes a track and reads those of the others.
//!
//! ```sh
//! datatracks sfu --listen 127.0.0.1:7880          # or livekit-server --dev
//! cargo run --features host --example room -- alice
//! cargo run --features host --example room -- bob
//! ```

use std::{
    env,
    error::Error,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use datatracks::{
    DataTrackFrame, DataTrackOptions, RemoteDataTrack,
    host::room::{ApiKey, Grants, Room, RoomEvent, ServerAddress, transport::JoinOptions},
};
use tokio::{select, signal::ctrl_c, time::interval};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let identity = env::args().nth(1).ok_or("say who joins")?;
    let server = ServerAddress::parse("ws://127.0.0.1:7880")?;
    let token = ApiKey::new("devkey", "secret").sign(&Grants::new(identity, "example"));
    let (room, mut events) = Room::join(JoinOptions::new(server, token), None).await?;
    room.wait_until_open(Duration::from_secs(10)).await?;

    let track = room.local().publish_track(DataTrackOptions::new("heartbeat"), None).await?;
    let mut beats = interval(Duration::from_secs(1));
    loop {
        select! {
            _ = beats.tick() => track.send(DataTrackFrame::new(&b"beat"[..]), None).await?,
            Some(event) = events.recv() => match event {
                RoomEvent::TrackPublished(track) => drop(tokio::spawn(read(track))),
                RoomEvent::Closed(reason) => return Err(reason.into()),
                _ => {}
            },
            _ = ctrl_c() => break,
        }
    }
    room.leave().await;
    Ok(())
}

/// Ends with the track.
async fn read(track: Arc<RemoteDataTrack>) {
    let Ok(stream) = track.subscribe(None).await else { return };
    while let Ok(Some(frame)) = stream.next(None).await {
        let (publisher, name) = (track.publisher_identity(), track.info().name);
        let bytes = frame.payload.as_ref().len();
        writeln!(io::stdout(), "{publisher} {name}: {bytes} bytes").ok();
    }
}
