//! Joins on which no packet passes: nobody is told that a room is there before frames can flow in it.

use std::time::Duration;

use datatracks::host::room::{
    EndReason, Interruption, Reconnection, RoomEvent, transport::JoinOptions,
};

use super::{
    gate::Gate,
    kit::{deliver, join, next, options, publish, serve, subscribe},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_join_on_which_no_packet_passes_is_made_anew_until_one_does() {
    let server = serve().await;
    let gate = Gate::start(server.address(), |number| number < 3).await;
    let (alice, mut events) = join(hasty(&gate, "alice")).await;
    let track = publish(&alice, "poses").await;
    let unopened = next(&mut events).await;
    assert!(
        matches!(unopened, RoomEvent::Reconnecting(Interruption::Unopened)),
        "{unopened:?} of {} joins",
        gate.joins()
    );
    assert_mended(&alice, next(&mut events).await).await;
    assert_eq!(gate.joins(), 4);
    let (bob, _events) = join(options(server.address(), "bob")).await;
    deliver(&track, &subscribe(&bob, "poses").await).await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_reconnect_is_told_when_packets_can_pass() {
    let server = serve().await;
    let gate = Gate::start(server.address(), |number| number == 1).await;
    let (alice, mut events) = join(hasty(&gate, "alice")).await;
    let (bob, _bobs_events) = join(options(server.address(), "bob")).await;
    let track = publish(&alice, "poses").await;
    let stream = subscribe(&bob, "poses").await;
    deliver(&track, &stream).await;
    alice.transport().unwrap().cut();
    let cut = next(&mut events).await;
    assert!(matches!(cut, RoomEvent::Reconnecting(Interruption::Signal)), "{cut:?}");
    assert_mended(&alice, next(&mut events).await).await;
    assert_eq!(gate.joins(), 3);
    deliver(&track, &stream).await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_on_which_no_packet_ever_passes_is_closed_and_says_so() {
    let server = serve().await;
    let gate = Gate::start(server.address(), |_| true).await;
    let hasty = JoinOptions { opening_limit: Duration::ZERO, ..options(gate.address, "alice") };
    let (_alice, mut events) = join(hasty).await;
    let unopened = next(&mut events).await;
    assert!(matches!(unopened, RoomEvent::Reconnecting(Interruption::Unopened)), "{unopened:?}");
    let closed = next(&mut events).await;
    assert!(matches!(closed, RoomEvent::Closed(EndReason::Unopened)), "{closed:?}");
    assert_eq!(gate.joins(), 11);
    server.close().await;
}

async fn assert_mended(room: &datatracks::host::room::Room, event: RoomEvent) {
    assert!(matches!(event, RoomEvent::Reconnected(Reconnection::Full)), "{event:?}");
    assert_eq!(room.wait_until_open(Duration::ZERO).await, Ok(()), "it was told too early");
}

/// Through the gate, by somebody who waits no longer than it takes on a busy machine.
fn hasty(gate: &Gate, identity: &str) -> JoinOptions {
    JoinOptions { opening_limit: Duration::from_secs(1), ..options(gate.address, identity) }
}
