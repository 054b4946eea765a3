//! A frame → its packets, in one buffer: one allocation and one copy a frame, whatever its size.
//!
//! Owns the counters and the clock of one track. They go on over a republish, and a frame that is not accepted leaves no gap.

use std::time::Instant;

use thiserror::Error;

use crate::{
    e2ee::{AesKey, TAG_LEN},
    frame::PacketBatch,
    packet::{Encryption, Extensions, Header, MTU, Marker, MediaClock},
    track::Handle,
};

/// Makes the packets of one track.
#[derive(Debug)]
pub(crate) struct Packetizer {
    handle: Handle,
    counters: Counters,
    clock: MediaClock,
}

/// Where a track stands: packets and frames so far, wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    sequence: u16,
    frame_number: u16,
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

/// Why a frame has no packets. The counters stand where they stood.
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
        Self { handle, counters: Counters::default(), clock: MediaClock::new(base, now) }
    }

    /// The packets of the next frame.
    pub(crate) fn packetize(
        &mut self,
        payload: &[u8],
        user_timestamp: Option<u64>,
        seal: Seal<'_>,
        now: Instant,
    ) -> Result<PacketBatch, PacketizeError> {
        let extensions = Extensions { encryption: seal.encryption(), user_timestamp };
        let max = MAX_PACKETS * (MTU - extensions.header_len()) - seal.overhead();
        if payload.len() > max {
            return Err(PacketizeError::TooLarge { max });
        }
        let header = Header {
            marker: Marker::Single,
            handle: self.handle,
            sequence: self.counters.sequence,
            frame_number: self.counters.frame_number,
            timestamp: self.clock.at(now),
            extensions,
        };
        let data = match seal {
            Seal::Plain | Seal::Done(_) => split(header, payload),
            Seal::With(key, by) => {
                let single = payload.len() + TAG_LEN <= MTU - extensions.header_len();
                let seal = if single { seal_single } else { seal_and_split };
                seal(header, payload, key, &by.iv)?
            }
        };
        let packets = PacketBatch::new(data.into(), MTU);
        self.counters.advance(packets.len());
        Ok(packets)
    }

    /// Where the track stands, to [`restore`](Self::restore) when the next frame is not accepted.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// As if the frames since had not been.
    pub(crate) fn restore(&mut self, counters: Counters) {
        self.counters = counters;
    }
}

/// How much a payload takes, before there are packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    header: usize,
    tag: usize,
}

impl Size {
    pub(crate) fn new(encrypted: bool, user_timestamp: Option<u64>) -> Self {
        let encryption = encrypted.then_some(Encryption { key_index: 0, iv: [0; 12] });
        let header = Extensions { encryption, user_timestamp }.header_len();
        Self { header, tag: if encrypted { TAG_LEN } else { 0 } }
    }

    /// Most bytes of a payload.
    pub(crate) fn max_payload(self) -> usize {
        MAX_PACKETS * (MTU - self.header) - self.tag
    }

    /// Bytes of the packets that so many bytes of payload become.
    pub(crate) fn of_packets(self, payload: usize) -> usize {
        let sealed = payload.saturating_add(self.tag);
        let packets = sealed.div_ceil(MTU - self.header).max(1);
        sealed.saturating_add(packets.saturating_mul(self.header))
    }
}

/// The payload in as few packets as hold it; one, when it is empty.
fn split(mut header: Header, payload: &[u8]) -> Vec<u8> {
    let header_len = header.extensions.header_len();
    let room = MTU - header_len;
    let count = payload.len().div_ceil(room).max(1);
    let mut data = Vec::with_capacity(payload.len() + count * header_len);
    let mut rest = payload;
    for index in 0..count {
        let (part, after) = rest.split_at(rest.len().min(room));
        header.marker = marker(index, count);
        header.encode(&mut data);
        data.extend_from_slice(part);
        header.sequence = header.sequence.wrapping_add(1);
        rest = after;
    }
    data
}

/// The seal pass is the copy.
fn seal_single(
    header: Header,
    payload: &[u8],
    key: &AesKey,
    iv: &[u8; 12],
) -> Result<Vec<u8>, PacketizeError> {
    let header_len = header.extensions.header_len();
    let mut data = Vec::with_capacity(header_len + payload.len() + TAG_LEN);
    header.encode(&mut data);
    data.resize(header_len + payload.len(), 0);
    let (_, body) = data.split_at_mut(header_len);
    let tag = key.seal_into(iv, payload, body).map_err(|_| PacketizeError::NotSealed)?;
    data.extend_from_slice(&tag);
    Ok(data)
}

/// A frame of several packets is sealed as a whole: the tag stands at its end only. It is sealed at the end of the buffer, and
/// part after part moves from there to its place, which is always before what has not moved yet.
fn seal_and_split(
    mut header: Header,
    payload: &[u8],
    key: &AesKey,
    iv: &[u8; 12],
) -> Result<Vec<u8>, PacketizeError> {
    let header_len = header.extensions.header_len();
    let room = MTU - header_len;
    let count = (payload.len() + TAG_LEN).div_ceil(room);
    let headers = count * header_len;
    let mut data = vec![0; headers + payload.len() + TAG_LEN];
    let (_, sealed) = data.split_at_mut(headers);
    let (sealed, tag) = sealed.split_at_mut(payload.len());
    tag.copy_from_slice(
        &key.seal_into(iv, payload, sealed).map_err(|_| PacketizeError::NotSealed)?,
    );
    let mut encoded = Vec::with_capacity(header_len);
    for index in 0..count {
        let part = headers + index * room;
        let packet = index * MTU;
        let end = data.len().min(part + room);
        data.copy_within(part..end, packet + header_len);
        header.marker = marker(index, count);
        encoded.clear();
        header.encode(&mut encoded);
        if let Some(place) = data.get_mut(packet..packet + header_len) {
            place.copy_from_slice(&encoded);
        }
        header.sequence = header.sequence.wrapping_add(1);
    }
    Ok(data)
}

fn marker(index: usize, count: usize) -> Marker {
    match (index, index + 1 == count) {
        (0, true) => Marker::Single,
        (0, false) => Marker::Start,
        (_, false) => Marker::Inter,
        (_, true) => Marker::Final,
    }
}

impl Counters {
    fn advance(&mut self, packets: usize) {
        self.sequence = self.sequence.wrapping_add(packets as u16);
        self.frame_number = self.frame_number.wrapping_add(1);
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

#[cfg(test)]
#[path = "packetizer_tests.rs"]
mod tests;
