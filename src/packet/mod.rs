//! The DTP packet, version 0 (protocol §1): bytes ↔ header and payload.
//!
//! One packet is one binary message on the data channel `_data_track`. This module owns the layout, the arithmetic of the
//! counters and the 90 kHz clock; it never keeps a packet, and decoding takes any bytes without allocating.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-----+-+-+-+---+---------------+-------------------------------+
//! | ver |S|F|X| 0 |   reserved 0  |         track handle          |
//! +-----+-+-+-+---+---------------+-------------------------------+
//! |        sequence number        |         frame number          |
//! +-------------------------------+-------------------------------+
//! |                      timestamp (90 kHz)                       |
//! +-------------------------------+-------------------------------+
//! | words of the block, less one  |  id   |  length  |  data … 0  |   only when X is set
//! +-------------------------------+-------------------------------+
//! |                           payload …                           |
//! ```

mod clock;
mod error;
mod extension;
mod header;
pub mod serial;

pub use clock::MediaClock;
pub use error::DecodeError;
pub use extension::{Encryption, Extensions};
pub(crate) use header::set_numbers;
pub use header::{Header, Marker, Packet, decode, set_handle};

/// Most bytes of a packet, header included: what all SDKs send (protocol §1.8).
pub const MTU: usize = 16_000;
