//! Short words for what tests of a subscriber do and see over and over.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;

use datatracks::*;

use super::{
    subscriber::{Event, Subscriber, participant, track},
    task::Task,
};

pub type Subscribing = Task<Result<Arc<DataTrackStream>, SubscribeError>>;

/// A subscriber that knows the track "data" of "bob".
pub fn knowing() -> Subscriber {
    let subscriber = Subscriber::new();
    subscriber.update(vec![participant("bob", vec![track(1, "DTR_1", "data")])]);
    subscriber.host.take();
    subscriber
}

pub fn begin(subscriber: &Subscriber) -> Subscribing {
    subscriber.subscribe("data", DataTrackSubscribeOptions::default())
}

pub fn failed(subscribing: Subscribing) -> SubscribeError {
    subscribing.finish().unwrap_err()
}

pub fn changed(state: SubscriptionState) -> Event {
    Event::Changed("data".into(), state)
}

pub fn sid(sid: &str) -> String {
    sid.into()
}

pub fn published(names: &[&str]) -> Vec<Event> {
    names.iter().map(|name| Event::Published((*name).into())).collect()
}

pub fn names(subscriber: &Subscriber) -> Vec<String> {
    subscriber.manager.tracks().iter().map(|track| track.info().name).collect()
}
