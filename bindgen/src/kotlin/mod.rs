//! The Kotlin package: its build, its tests.

pub(crate) mod android;
pub(crate) mod build;
pub(crate) mod jar;
pub(crate) mod room;
pub(crate) mod surface;
