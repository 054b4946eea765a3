//! What tests of the subscribing side share.

pub mod chance;
pub mod counting;
pub mod frames;
pub mod short;
pub mod subscriber;
pub mod task;
