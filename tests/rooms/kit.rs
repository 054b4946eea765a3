//! An embedded SFU on loopback, hosts that join it, and frames between them.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use datatracks::{
    DataTrackFrame, DataTrackOptions, DataTrackStream, LocalDataTrack,
    host::{
        room::{ApiKey, Grants, Room, RoomEvent, ServerAddress, transport::JoinOptions},
        sfu::{
            RoomOptions, Rooms,
            listen::{Limits, Server, ServerOptions},
        },
    },
};
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};

pub(crate) async fn serve() -> Server {
    let address = ([127, 0, 0, 1], 0).into();
    let (key, rooms) = (ApiKey::new(KEY, SECRET), Rooms::new(RoomOptions::default()));
    let options = ServerOptions { address, key, rooms, limits: Limits::default(), site: None };
    Server::start(options).await.unwrap()
}

pub(crate) fn options(server: SocketAddr, identity: &str) -> JoinOptions {
    let address = ServerAddress::parse(&format!("ws://{server}")).unwrap();
    JoinOptions::new(address, ApiKey::new(KEY, SECRET).sign(&Grants::new(identity, "lab")))
}

pub(crate) async fn join(options: JoinOptions) -> (Room, UnboundedReceiver<RoomEvent>) {
    within(Room::join(options, None)).await.unwrap()
}

pub(crate) async fn publish(room: &Room, name: &str) -> Arc<LocalDataTrack> {
    within(room.local().publish_track(DataTrackOptions::new(name), None)).await.unwrap()
}

pub(crate) async fn subscribe(room: &Room, name: &str) -> Arc<DataTrackStream> {
    let track = within(room.remote().wait_for_track(name.into(), None, 0, None)).await.unwrap();
    within(track.subscribe(None)).await.unwrap()
}

/// Sends until something arrives: nobody can know when the other side has subscribed again.
pub(crate) async fn deliver(track: &LocalDataTrack, stream: &Arc<DataTrackStream>) {
    let arrived = async {
        loop {
            let frame = DataTrackFrame { payload: b"again".to_vec().into(), user_timestamp: None };
            track.send(frame, None).await.unwrap();
            if let Ok(arrived) = timeout(Duration::from_millis(100), stream.next(None)).await {
                return assert!(arrived.unwrap().is_some(), "the stream ended");
            }
        }
    };
    within(arrived).await;
}

pub(crate) async fn next(events: &mut UnboundedReceiver<RoomEvent>) -> RoomEvent {
    loop {
        match within(events.recv()).await.expect("an event") {
            RoomEvent::TrackPublished(_)
            | RoomEvent::TrackUnpublished(..)
            | RoomEvent::AttemptFailed(_) => {}
            event => return event,
        }
    }
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LIMIT, work).await.expect("done in time")
}

const KEY: &str = "testkey";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const LIMIT: Duration = Duration::from_secs(30);
