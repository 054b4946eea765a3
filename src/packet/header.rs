//! The base header (protocol §1.1, 1.2), and the packet that it begins.

use bytes::BufMut;

use super::{DecodeError, Extensions, extension::BASE_LEN};
use crate::track::Handle;

/// What stands before a packet's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Which part of its frame the packet carries.
    pub marker: Marker,
    /// The track: the publisher's handle on the way up, the subscriber's on the way down.
    pub handle: Handle,
    /// Counts the packets of the track; wraps.
    pub sequence: u16,
    /// Counts the frames of the track; wraps.
    pub frame_number: u16,
    /// When the frame was packetized, at 90 kHz. livekit-client sends the same one always: of no use to receivers.
    pub timestamp: u32,
    /// The optional parts.
    pub extensions: Extensions,
}

/// Which part of its frame a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marker {
    /// All of it.
    Single,
    /// The first of two or more.
    Start,
    /// One between the first and the last.
    Inter,
    /// The last of two or more.
    Final,
}

/// A packet in the message that it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// Its part of the frame; may be empty.
    pub payload: &'a [u8],
}

/// Reads a packet.
///
/// # Errors
///
/// Refuses what the Rust SDK refuses, by the same names; accepts everything else, reserved bits and unknown extensions included.
pub fn decode(bytes: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let (base, rest) = bytes.split_first_chunk::<BASE_LEN>().ok_or(DecodeError::TooShort)?;
    let [first, _reserved, h0, h1, s0, s1, f0, f1, timestamp @ ..] = *base;
    let version = first >> VERSION_SHIFT;
    if version != VERSION {
        return Err(DecodeError::UnsupportedVersion(version));
    }
    let handle = Handle::new(u16::from_be_bytes([h0, h1])).ok_or(DecodeError::InvalidHandle)?;
    let (extensions, payload) = match first & EXTENDED {
        0 => (Extensions::default(), rest),
        _ => Extensions::decode(rest)?,
    };
    let header = Header {
        marker: Marker::of(first),
        handle,
        sequence: u16::from_be_bytes([s0, s1]),
        frame_number: u16::from_be_bytes([f0, f1]),
        timestamp: u32::from_be_bytes(timestamp),
        extensions,
    };
    Ok(Packet { header, payload })
}

/// Gives an encoded packet another handle, as an SFU does for each subscriber.
///
/// # Errors
///
/// [`DecodeError::TooShort`] when there is no header to write to.
pub fn set_handle(packet: &mut [u8], handle: Handle) -> Result<(), DecodeError> {
    let base = packet.first_chunk_mut::<BASE_LEN>().ok_or(DecodeError::TooShort)?;
    let [_, _, h0, h1, ..] = base;
    [*h0, *h1] = handle.get().to_be_bytes();
    Ok(())
}

/// Gives an encoded packet its numbers. Without header there is nothing to write to.
pub(crate) fn set_numbers(packet: &mut [u8], sequence: u16, frame_number: u16) {
    if let Some([_, _, _, _, s0, s1, f0, f1, ..]) = packet.first_chunk_mut::<BASE_LEN>() {
        [*s0, *s1] = sequence.to_be_bytes();
        [*f0, *f1] = frame_number.to_be_bytes();
    }
}

impl Header {
    /// Appends the header: exactly `extensions.header_len()` bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        let extended = if self.extensions.is_empty() { 0 } else { EXTENDED };
        let [h0, h1] = self.handle.get().to_be_bytes();
        let [s0, s1] = self.sequence.to_be_bytes();
        let [f0, f1] = self.frame_number.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let first = (VERSION << VERSION_SHIFT) | self.marker.bits() | extended;
        let base: [u8; BASE_LEN] = [first, 0, h0, h1, s0, s1, f0, f1, t0, t1, t2, t3];
        out.put_slice(&base);
        self.extensions.encode(out);
    }
}

impl Marker {
    fn bits(self) -> u8 {
        match self {
            Self::Single => START | FINAL,
            Self::Start => START,
            Self::Inter => 0,
            Self::Final => FINAL,
        }
    }

    fn of(first: u8) -> Self {
        match (first & START != 0, first & FINAL != 0) {
            (true, true) => Self::Single,
            (true, false) => Self::Start,
            (false, false) => Self::Inter,
            (false, true) => Self::Final,
        }
    }
}

/// The only version so far.
const VERSION: u8 = 0;

/// Parts of the first byte (protocol §1.1).
const VERSION_SHIFT: u32 = 5;
const START: u8 = 0x10;
const FINAL: u8 = 0x08;
const EXTENDED: u8 = 0x04;
