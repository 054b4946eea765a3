//! A frame → its packets, in one buffer: one copy and at most one allocation a frame, whatever its size. They have 16 000 bytes; less
//! where a slow channel wants it so, as long as there are not more of them than receivers take.
//!
//! Owns the clock of one track, which goes on over a republish. Numbers are given when packets leave.
//! A frame of one packet gets the memory of the one before it ([`Spare`]) when the host has let go of that.

use std::time::Instant;

use bytes::BytesMut;
use thiserror::Error;

use super::numbers::Unnumbered;
use crate::{
    e2ee::{AesKey, TAG_LEN},
    packet::{Encryption, Extensions, Header, MTU, Marker, MediaClock},
    track::Handle,
};

/// Makes the packets of one track.
#[derive(Debug)]
pub(crate) struct Packetizer {
    handle: Handle,
    clock: MediaClock,
}

/// How a payload is sealed on its way into packets.
pub(crate) enum Seal<'a> {
    /// Not at all: the track is plain.
    Plain,
    /// By this key, now.
    With(&'a AesKey, Encryption),
    /// It is already.
    Done(Encryption),
}

/// Why a frame has no packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PacketizeError {
    /// More bytes than fit.
    #[error("at most {max} bytes fit")]
    TooLarge {
        /// Most bytes of a payload.
        max: usize,
    },
    /// The cipher refused.
    #[error("the cipher refused")]
    NotSealed,
}

impl Packetizer {
    /// `base`: what the media clock reads at `now`; random.
    pub(crate) fn new(handle: Handle, base: u32, now: Instant) -> Self {
        Self { handle, clock: MediaClock::new(base, now) }
    }

    /// The packets of the next frame, as large as `size` says.
    pub(crate) fn packetize(
        &mut self,
        payload: &[u8],
        user_timestamp: Option<u64>,
        seal: Seal<'_>,
        size: Size,
        now: Instant,
        spare: &mut Spare,
    ) -> Result<Unnumbered, PacketizeError> {
        let extensions = Extensions { encryption: seal.encryption(), user_timestamp };
        let header_len = extensions.header_len();
        let max = MAX_PACKETS * (MTU - header_len) - seal.overhead();
        if payload.len() > max {
            return Err(PacketizeError::TooLarge { max });
        }
        let header = Header {
            marker: Marker::Single,
            handle: self.handle,
            sequence: 0,
            frame_number: 0,
            timestamp: self.clock.at(now),
            extensions,
        };
        let sealed = payload.len() + seal.overhead();
        let length = header_len + sealed;
        let each = fitting(size.packet_len, header_len, sealed);
        let data = match seal {
            _ if length <= each => single(&header, payload, seal, spare.room(length))?,
            Seal::Plain | Seal::Done(_) => split(header, payload, each),
            Seal::With(key, by) => {
                seal_and_split(header, payload, each, key, &by.iv, &mut spare.sealed)?
            }
        };
        Ok(Unnumbered::new(data, each))
    }
}

/// How much a payload takes, before there are packets of `packet_len` bytes, or more where there would be too many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    header: usize,
    tag: usize,
    packet_len: usize,
}

impl Size {
    pub(crate) fn new(encrypted: bool, user_timestamp: Option<u64>, packet_len: usize) -> Self {
        let encryption = encrypted.then_some(Encryption { key_index: 0, iv: [0; 12] });
        let header = Extensions { encryption, user_timestamp }.header_len();
        Self { header, tag: if encrypted { TAG_LEN } else { 0 }, packet_len }
    }

    /// Most bytes of a payload.
    pub(crate) fn max_payload(self) -> usize {
        MAX_PACKETS * (MTU - self.header) - self.tag
    }

    /// Bytes of the packets that so many bytes of payload become.
    pub(crate) fn of_packets(self, payload: usize) -> usize {
        let sealed = payload.saturating_add(self.tag);
        let each = fitting(self.packet_len, self.header, sealed) - self.header;
        let packets = sealed.div_ceil(each).max(1);
        sealed.saturating_add(packets.saturating_mul(self.header))
    }
}

/// Memory that lasts from one frame to the next.
#[derive(Default)]
pub(crate) struct Spare {
    /// Of the packet of a frame, and how much that is.
    data: BytesMut,
    capacity: usize,
    /// Where a frame of several packets is sealed. Never holds anything in plain.
    sealed: Vec<u8>,
}

impl Spare {
    /// Room for so many bytes: new where the last is still in use, or so large that the frame would hold more than it is
    /// charged for.
    fn room(&mut self, length: usize) -> &mut BytesMut {
        self.data.clear();
        let is_too_large = self.capacity.saturating_sub(length) > length / SLACK;
        if is_too_large || !self.data.try_reclaim(length) {
            self.data = BytesMut::with_capacity(length);
            self.capacity = length;
        }
        &mut self.data
    }
}

/// A frame in one packet. Where it is sealed, that pass is the copy.
fn single(
    header: &Header,
    payload: &[u8],
    seal: Seal<'_>,
    data: &mut BytesMut,
) -> Result<BytesMut, PacketizeError> {
    header.encode(data);
    match seal {
        Seal::Plain | Seal::Done(_) => data.extend_from_slice(payload),
        Seal::With(key, by) => {
            let header_len = data.len();
            data.resize(header_len + payload.len(), 0);
            let (_, body) = data.split_at_mut(header_len);
            let tag = key.seal_into(&by.iv, payload, body);
            data.extend_from_slice(&tag.map_err(|_| PacketizeError::NotSealed)?);
        }
    }
    Ok(data.split())
}

/// Bytes of each packet of a payload: as many as are wished for, or as it needs for there not to be too many.
fn fitting(wished: usize, header_len: usize, payload: usize) -> usize {
    wished.max(payload.div_ceil(MAX_PACKETS) + header_len).min(MTU)
}

/// The payload in as few packets of `each` bytes as hold it.
fn split(mut header: Header, payload: &[u8], each: usize) -> BytesMut {
    let header_len = header.extensions.header_len();
    let room = each - header_len;
    let count = payload.len().div_ceil(room);
    let mut data = BytesMut::with_capacity(payload.len() + count * header_len);
    let mut rest = payload;
    for index in 0..count {
        let (part, after) = rest.split_at(rest.len().min(room));
        header.marker = marker(index, count);
        header.encode(&mut data);
        data.extend_from_slice(part);
        rest = after;
    }
    data
}

/// A frame of several packets is sealed as a whole: the tag stands at its end only. So it is sealed apart, in memory that is
/// there, and its parts are copied from there: for less than a new buffer for all costs to be cleared.
fn seal_and_split(
    header: Header,
    payload: &[u8],
    each: usize,
    key: &AesKey,
    iv: &[u8; 12],
    sealed: &mut Vec<u8>,
) -> Result<BytesMut, PacketizeError> {
    sealed.resize(payload.len(), 0);
    let tag = key.seal_into(iv, payload, sealed).map_err(|_| PacketizeError::NotSealed)?;
    sealed.extend_from_slice(&tag);
    let packets = split(header, sealed, each);
    if sealed.capacity() > KEPT {
        *sealed = Vec::new();
    }
    Ok(packets)
}

fn marker(index: usize, count: usize) -> Marker {
    match (index, index + 1 == count) {
        (0, true) => Marker::Single,
        (0, false) => Marker::Start,
        (_, false) => Marker::Inter,
        (_, true) => Marker::Final,
    }
}

impl Seal<'_> {
    fn encryption(&self) -> Option<Encryption> {
        match self {
            Self::Plain => None,
            Self::With(_, encryption) | Self::Done(encryption) => Some(*encryption),
        }
    }

    /// Bytes that sealing adds to what is handed in.
    fn overhead(&self) -> usize {
        match self {
            Self::Plain | Self::Done(_) => 0,
            Self::With(..) => TAG_LEN,
        }
    }
}

/// Receivers drop a frame of more packets (protocol §1.10).
pub(crate) const MAX_PACKETS: usize = 128;

/// A frame may have a buffer that is larger by this part.
const SLACK: usize = 4;

/// Most memory in which a thread seals that it keeps.
const KEPT: usize = 128 << 10;

#[cfg(test)]
#[path = "packetizer_tests.rs"]
mod tests;
