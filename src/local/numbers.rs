//! Sequence and frame numbers, given when packets leave: what is refused or dropped before leaves no gap. Receivers take a gap for
//! a loss, and hold back what comes behind it.

use std::fmt;

use bytes::BytesMut;

use crate::{
    frame::{PacketBatch, packets_in},
    packet::set_numbers,
};

/// A [`PacketBatch`] whose packets have no numbers yet.
pub(crate) struct Unnumbered {
    data: BytesMut,
    stride: usize,
}

/// Where a track stands: packets that left, and frames that began to; wrapping.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    packets: u16,
    frames: u16,
}

impl Unnumbered {
    pub(crate) fn new(data: BytesMut, stride: usize) -> Self {
        Self { data, stride: stride.max(1) }
    }

    /// How many packets there are.
    pub(crate) fn len(&self) -> usize {
        packets_in(self.data.len(), self.stride)
    }

    /// Bytes of all packets together.
    pub(crate) fn byte_len(&self) -> usize {
        self.data.len()
    }

    /// Bytes of each packet but the last.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Takes the first `count` packets off.
    pub(crate) fn split_to(&mut self, count: usize) -> Self {
        let at = count.saturating_mul(self.stride);
        let data = if at < self.data.len() {
            self.data.split_to(at)
        } else {
            // Splitting would make a buffer of one owner one of several, for an allocation.
            std::mem::take(&mut self.data)
        };
        Self { data, stride: self.stride }
    }
}

impl Numbers {
    /// Numbers packets of the next frame (`first`), or more of the one that began last.
    pub(crate) fn give(&mut self, packets: Unnumbered, first: bool) -> PacketBatch {
        let Unnumbered { mut data, stride } = packets;
        self.frames = self.frames.wrapping_add(u16::from(first));
        let frame_number = self.frames.wrapping_sub(1);
        for packet in data.chunks_mut(stride) {
            set_numbers(packet, self.packets, frame_number);
            self.packets = self.packets.wrapping_add(1);
        }
        PacketBatch::new(data.freeze(), stride)
    }
}

impl fmt::Debug for Unnumbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unnumbered({} packets, {} bytes)", self.len(), self.byte_len())
    }
}
