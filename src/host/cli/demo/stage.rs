//! The stage of the demo: an SFU in this process, two participants in it, and the lanes between them.

use std::{
    fmt::Display,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    lane::Lane,
    report::SfuTotals,
    workload::{WORKLOADS, Workload},
};
use crate::failure::Failure;
use datatracks::{
    DataTrackOptions, DataTrackSubscribeOptions, EncryptionMode, KeyRing, KeyRingError,
    KeyRingOptions,
    host::{
        room::{ApiKey, Grants, Room, ServerAddress, transport::JoinOptions},
        sfu::{
            Impairment, LinkStats, RoomOptions, Rooms,
            listen::{Limits, Server, ServerOptions},
        },
    },
};

pub(super) struct Stage {
    rooms: Rooms,
    server: Server,
    publisher: Room,
    subscriber: Room,
    lanes: Vec<Arc<Lane>>,
}

impl Stage {
    pub(super) async fn set(e2ee: bool, impairment: Impairment) -> Result<Self, Failure> {
        let start = Instant::now();
        let key = ApiKey::new("demo", "the secret of a server that nobody else can reach");
        let rooms = Rooms::new(RoomOptions { impairment, ..RoomOptions::default() });
        let server = Server::start(ServerOptions {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            key: key.clone(),
            rooms: rooms.clone(),
            limits: Limits::default(),
            site: None,
        })
        .await
        .map_err(unable("listen"))?;
        let address = ServerAddress::parse(&format!("ws://{}", server.address()));
        let address = address.map_err(unable("listen"))?;
        let [publisher, subscriber] = [PUBLISHER, SUBSCRIBER].map(|identity| {
            let token = key.sign(&Grants::new(identity, "demo"));
            let options = JoinOptions::new(address.clone(), token);
            let key_ring = e2ee.then(key_ring).transpose().map_err(unable("make keys"));
            async move { Ok::<_, Failure>(Room::join(options, key_ring?).await?.0) }
        });
        let (publisher, subscriber) = tokio::try_join!(publisher, subscriber)?;
        publisher.wait_until_open(PATIENCE).await.map_err(unable("open the channel"))?;
        let mut stage = Self { rooms, server, publisher, subscriber, lanes: Vec::new() };
        for workload in WORKLOADS {
            let lane = stage.open_lane(workload, start, e2ee).await?;
            tokio::spawn(Arc::clone(&lane).read());
            stage.lanes.push(lane);
        }
        Ok(stage)
    }

    async fn open_lane(
        &self,
        workload: Workload,
        start: Instant,
        e2ee: bool,
    ) -> Result<Arc<Lane>, Failure> {
        let mut options = DataTrackOptions::new(workload.name);
        if e2ee {
            options.encryption = EncryptionMode::Required;
        }
        let local = self.publisher.local().publish_track(options, None).await;
        let local = local.map_err(unable("publish"))?;
        let millis = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let publisher = Some(PUBLISHER.to_owned());
        let remote = self.subscriber.remote();
        let remote = remote.wait_for_track(workload.name.into(), publisher, millis, None).await;
        let remote = remote.map_err(unable("find a track"))?;
        if remote.info().uses_e2ee != e2ee {
            return Err(Failure::other("a track is not encrypted as it should be"));
        }
        let options = DataTrackSubscribeOptions {
            buffer_frames: workload.frames_in(BUFFER_TIME),
            ..DataTrackSubscribeOptions::default()
        };
        let stream = remote.subscribe_with_options(options, None).await;
        let stream = stream.map_err(unable("subscribe"))?;
        Ok(Lane::new(workload, start, local, stream))
    }

    pub(super) fn lanes(&self) -> &[Arc<Lane>] {
        &self.lanes
    }

    pub(super) fn delivered(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.delivered()).sum()
    }

    /// Tells each lane of which of its frames the SFU lost packets.
    pub(super) fn note_losses(&self) {
        for loss in self.rooms.take_losses() {
            let lane = self.lanes.iter().find(|lane| lane.workload().name == loss.track);
            if let Some(lane) = lane {
                lane.lose(loss.frame_number);
            }
        }
    }

    pub(super) fn sfu_totals(&self) -> SfuTotals {
        let mut links = LinkStats::default();
        for subscription in self.rooms.subscription_stats() {
            links.add(&subscription.link);
        }
        SfuTotals {
            packets_received: links.received,
            packets_sent: links.delivered - links.undelivered,
            packets_lost: links.lost,
            packets_duplicated: links.duplicated,
            packets_reordered: links.reordered,
            packets_crowded_out: links.overflowed + links.undelivered,
        }
    }

    /// Leaves both rooms and closes the SFU.
    pub(super) async fn clear(self) {
        tokio::join!(self.publisher.leave(), self.subscriber.leave());
        self.server.close().await;
    }
}

pub(super) fn unable<E: Display>(to: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::other(format!("cannot {to}: {error}"))
}

fn key_ring() -> Result<Arc<KeyRing>, KeyRingError> {
    let ring = KeyRing::new(KeyRingOptions::default())?;
    ring.set_shared_key(b"the passphrase of the demo".to_vec(), 0)?;
    Ok(Arc::new(ring))
}

const PUBLISHER: &str = "publisher";
const SUBSCRIBER: &str = "subscriber";

/// For everything on the way to the first frame: this is one machine, but it may be a busy one.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a reader may be held up on a busy machine without losing anything.
const BUFFER_TIME: Duration = Duration::from_secs(10);
