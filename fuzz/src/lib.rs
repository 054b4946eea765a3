//! What fuzz targets share: the hosts and the SFU's answers of the tests.
#![allow(missing_docs)]

#[path = "../../tests/kit/mod.rs"]
pub mod kit;
#[path = "../../tests/local_support/mod.rs"]
pub mod publisher;
