//! What a host does for the peer: runs its managers, answers their requests as an SFU does.

use std::sync::Arc;

use datatracks_bench_side::Kind;
use livekit_datatrack::{
    api::{
        DataTrackOptions, DataTrackStream, DataTrackSubscribeOptions, LocalDataTrack,
        RemoteDataTrack,
    },
    backend::{
        local::{self, OutputEvent as LocalOutput, SfuPublishRequest, SfuPublishResponse},
        remote::{self, OutputEvent, SfuPublicationUpdates, SfuSubscriberHandles},
    },
};
use livekit_protocol as livekit;
use tokio::runtime::{Builder, Runtime};
use tokio_stream::StreamExt;

use crate::seal::Cipher;

/// A manager that publishes, and its channels.
pub(crate) struct PeerLocal {
    pub(crate) input: local::ManagerInput,
    pub(crate) output: local::ManagerOutput,
}

/// A manager that subscribes, and its channels.
pub(crate) struct PeerRemote {
    pub(crate) input: remote::ManagerInput,
    pub(crate) output: remote::ManagerOutput,
    pub(crate) tracks: Vec<RemoteDataTrack>,
}

impl PeerLocal {
    /// Runs on the runtime that this is called in.
    pub(crate) fn spawn(kind: Kind) -> Self {
        let options = local::ManagerOptions { encryption_provider: cipher(kind).map(|it| it as _) };
        let (manager, input, output) = local::Manager::new(options);
        tokio::spawn(manager.run());
        Self { input, output }
    }

    /// With so many tracks published.
    pub(crate) async fn publishing(kind: Kind, tracks: usize) -> (Self, Vec<LocalDataTrack>) {
        let mut local = Self::spawn(kind);
        let mut published = Vec::new();
        for number in 1..=tracks {
            published.push(local.publish(&format!("track-{number:05}")).await);
        }
        (local, published)
    }

    /// Publishes one track: the SFU says yes.
    async fn publish(&mut self, name: &str) -> LocalDataTrack {
        let Self { input, output } = self;
        let publishing = input.publish_track(DataTrackOptions::new(name));
        let answering = async {
            loop {
                if let Some(LocalOutput::SfuPublishRequest(request)) = output.next().await {
                    break input.send(accepted(&request).into()).unwrap();
                }
            }
        };
        let (track, ()) = tokio::join!(publishing, answering);
        track.unwrap()
    }
}

impl PeerRemote {
    /// Runs on the runtime that this is called in.
    pub(crate) fn spawn(kind: Kind) -> Self {
        let options =
            remote::ManagerOptions { decryption_provider: cipher(kind).map(|it| it as _) };
        let (manager, input, output) = remote::Manager::new(options);
        tokio::spawn(manager.run());
        Self { input, output, tracks: Vec::new() }
    }

    /// With so many tracks subscribed to: the n-th under handle n, from 1.
    pub(crate) async fn subscribed(
        kind: Kind,
        tracks: usize,
        options: &DataTrackSubscribeOptions,
    ) -> (Self, Vec<DataTrackStream>) {
        let mut remote = Self::spawn(kind);
        let numbers = 1..=tracks as u32;
        let tracks = numbers
            .map(|number| info(number, &format!("track-{number:05}"), kind == Kind::Sealed))
            .collect();
        let streams = remote.subscribe(tracks, options).await;
        (remote, streams)
    }

    /// Announces these tracks and subscribes to each: the n-th under handle n, from 1.
    async fn subscribe(
        &mut self,
        tracks: Vec<livekit::DataTrackInfo>,
        options: &DataTrackSubscribeOptions,
    ) -> Vec<DataTrackStream> {
        let count = tracks.len();
        self.input.send(announcement(PUBLISHER, tracks).into()).unwrap();
        let mut seen = Vec::new();
        while seen.len() < count {
            if let Some(OutputEvent::TrackPublished(event)) = self.output.next().await {
                seen.push(event.track);
            }
        }
        seen.sort_by_key(|track| track.info().name().to_owned());
        let mut streams = Vec::new();
        for (handle, track) in (1..).zip(&seen) {
            streams.push(self.subscribe_one(handle, track, options).await);
        }
        self.tracks = seen;
        streams
    }

    async fn subscribe_one(
        &mut self,
        handle: u32,
        track: &RemoteDataTrack,
        options: &DataTrackSubscribeOptions,
    ) -> DataTrackStream {
        let Self { input, output, .. } = self;
        let subscribing = track.subscribe_with_options(options.clone());
        let answering = async {
            while !matches!(output.next().await, Some(OutputEvent::SfuUpdateSubscription(_))) {}
            input.send(handles(handle, &track.info().sid().to_string()).into()).unwrap();
        };
        let (stream, ()) = tokio::join!(subscribing, answering);
        stream.unwrap()
    }
}

/// What the SFU tells of a participant's tracks.
pub(crate) fn announcement(
    publisher: &str,
    tracks: Vec<livekit::DataTrackInfo>,
) -> SfuPublicationUpdates {
    let publisher = livekit::ParticipantInfo {
        identity: publisher.into(),
        data_tracks: tracks,
        ..Default::default()
    };
    let update = &mut livekit::ParticipantUpdate { participants: vec![publisher] };
    remote::event_from_participant_update(update, "subscriber").unwrap()
}

fn handles(handle: u32, sid: &str) -> SfuSubscriberHandles {
    let track = livekit::data_track_subscriber_handles::PublishedDataTrack {
        track_sid: sid.into(),
        ..Default::default()
    };
    let sub_handles = [(handle, track)].into();
    livekit::DataTrackSubscriberHandles { sub_handles }.try_into().unwrap()
}

fn cipher(kind: Kind) -> Option<Arc<Cipher>> {
    (kind == Kind::Sealed).then(|| Arc::new(Cipher::new()))
}

/// The SFU's yes to a request.
pub(crate) fn accepted(request: &SfuPublishRequest) -> SfuPublishResponse {
    let info = info(request.handle.into(), &request.name, request.uses_e2ee);
    livekit::PublishDataTrackResponse { info: Some(info) }.try_into().unwrap()
}

/// What an SFU knows of a track.
pub(crate) fn info(pub_handle: u32, name: &str, encrypted: bool) -> livekit::DataTrackInfo {
    use livekit::encryption::Type;
    livekit::DataTrackInfo {
        sid: format!("DTR_{pub_handle}"),
        pub_handle,
        name: name.into(),
        encryption: if encrypted { Type::Gcm } else { Type::None }.into(),
        ..Default::default()
    }
}

/// Who publishes everything.
const PUBLISHER: &str = "publisher";

/// A runtime whose tasks all run on the thread that waits for it.
pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// A runtime with a thread a core, as SDKs have.
pub(crate) fn many_threads() -> Runtime {
    Builder::new_multi_thread().enable_time().build().unwrap()
}
