//! Many tracks, and packets out of order.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use datatracks_bench_side::{Idle, Kind, counting::live_bytes, hash, threads};
use livekit_datatrack::{
    api::{DataTrackOptions, DataTrackSubscribeOptions, RemoteDataTrackPipelineOptions},
    backend::{local::OutputEvent, remote::InputEvent},
};
use tokio::task::{JoinSet, yield_now};
use tokio_stream::{Stream, StreamExt};

use crate::host::{PeerLocal, PeerRemote, accepted, many_threads, one_thread};

/// Tracks of both sides are alive when tasks and threads are counted.
pub(crate) fn idle(count: usize) -> Idle {
    let before = threads();
    let runtime = many_threads();
    let start = live_bytes();
    let published = runtime.block_on(PeerLocal::publishing(Kind::Plain, count));
    let middle = live_bytes();
    let options = DataTrackSubscribeOptions::default();
    let subscribed = runtime.block_on(PeerRemote::subscribed(Kind::Plain, count, &options));
    let idle = Idle {
        published_bytes: middle - start,
        subscribed_bytes: live_bytes() - middle,
        tasks: runtime.metrics().num_alive_tasks() as u64,
        threads: threads() - before,
    };
    drop((published, subscribed));
    idle
}

pub(crate) fn publish_at_once(count: usize) -> u64 {
    one_thread().block_on(async {
        let PeerLocal { input, mut output } = PeerLocal::spawn(Kind::Plain);
        let mut calls = JoinSet::new();
        for number in 0..count {
            let input = input.clone();
            let options = DataTrackOptions::new(format!("track-{number}"));
            calls.spawn(async move { input.publish_track(options).await });
        }
        let sfu = tokio::spawn(async move {
            while let Some(event) = output.next().await {
                if let OutputEvent::SfuPublishRequest(request) = event {
                    let _ = input.send(accepted(&request).into());
                }
            }
        });
        let results = calls.join_all().await;
        sfu.abort();
        results.iter().filter(|result| result.is_err()).count() as u64
    })
}

pub(crate) fn jumbled(packets: &[Bytes], partial_frames: usize) -> Vec<u64> {
    one_thread().block_on(async {
        let options = DataTrackSubscribeOptions::default().with_buffer_size(1024);
        let (remote, mut streams) = PeerRemote::subscribed(Kind::Plain, 1, &options).await;
        let options = RemoteDataTrackPipelineOptions::new();
        remote.tracks[0].set_pipeline_options(options.with_max_partial_frames(partial_frames));
        let mut read = Vec::new();
        for packet in packets {
            remote.input.send(InputEvent::PacketReceived(packet.clone())).unwrap();
            yield_now().await;
            let context = &mut Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(frame)) =
                std::pin::Pin::new(&mut streams[0]).poll_next(context)
            {
                read.push(hash(&frame.payload()));
            }
        }
        read
    })
}
