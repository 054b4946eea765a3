//! The Kotlin package: its generated half, its build, its tests.

pub(crate) mod android;
pub(crate) mod build;
pub(crate) mod generated;
pub(crate) mod jar;
mod records;
pub(crate) mod room;
mod statuses;
pub(crate) mod surface;
