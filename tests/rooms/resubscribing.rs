//! A track that is read and given back, again and again.

use std::time::Duration;

use datatracks::{DataTrackFrame, StreamEndReason};
use tokio::time::timeout;

use super::kit::{deliver, join, options, publish, serve, subscribe};

/// Some seconds; a real server is asked fifty times, in `tests/interop`.
const ROUNDS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_times_read_and_not_beside_another_reader() {
    let server = serve().await;
    let (alice, _alices_events) = join(options(server.address(), "alice")).await;
    let (bob, _bobs_events) = join(options(server.address(), "bob")).await;
    let (carol, _carols_events) = join(options(server.address(), "carol")).await;
    let track = publish(&alice, "poses").await;
    let beside = subscribe(&carol, "poses").await;
    deliver(&track, &beside).await;
    for round in 0..ROUNDS {
        let stream = subscribe(&bob, "poses").await;
        let frame =
            DataTrackFrame { payload: vec![7; 100].into(), user_timestamp: Some(round as u64) };
        let both = async {
            // The subscription holds at the server when the call is back: no frame has to be sent twice.
            track.send(frame.clone(), None).await.unwrap();
            for reader in [&stream, &beside] {
                while reader.next(None).await.unwrap().expect("the stream goes on") != frame {}
            }
        };
        timeout(Duration::from_secs(10), both).await.unwrap_or_else(|_| {
            panic!("round {round}: {:?}, {:?}", stream.stats(), beside.stats())
        });
        stream.shutdown();
        assert_eq!(stream.end_reason(), Some(StreamEndReason::Closed));
    }
    let another = publish(&bob, "still alive").await;
    deliver(&another, &subscribe(&carol, "still alive").await).await;
    assert_eq!(bob.remote().stats().panics, 0);
    server.close().await;
}
