//! Frames, and the packets that a frame becomes.

use std::fmt;

use bytes::Bytes;

/// The bytes of a frame, cheap to clone. Its `Debug` shows the length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(pub Bytes);

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// One application message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataTrackFrame {
    /// The message, 0 bytes up to the largest frame.
    pub payload: Payload,
    /// Any number, carried unencrypted; by convention milliseconds since the Unix epoch.
    pub user_timestamp: Option<u64>,
}

impl DataTrackFrame {
    /// A frame without user timestamp.
    pub fn new(payload: impl Into<Payload>) -> Self {
        Self { payload: payload.into(), user_timestamp: None }
    }
}

/// Whole packets in sending order, back to back in one buffer: each has `stride` bytes, the last the rest.
/// Slicing shares the buffer; no packet is copied.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PacketBatch {
    data: Bytes,
    stride: usize,
}

impl PacketBatch {
    /// The packets of `data`. A `stride` of 0 is taken as 1.
    pub fn new(data: Bytes, stride: usize) -> Self {
        Self { data, stride: stride.max(1) }
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        packets_in(self.data.len(), self.stride)
    }

    /// True when there is no packet.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Bytes of all packets together.
    pub fn byte_len(&self) -> usize {
        self.data.len()
    }

    /// The packets, each a slice of the one buffer.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.data.chunks(self.stride.max(1))
    }

    /// All packets in a row, and the bytes of each but the last.
    pub(crate) fn parts(&self) -> (&[u8], usize) {
        (&self.data, self.stride)
    }

    /// Takes the first `count` packets off.
    pub fn split_to(&mut self, count: usize) -> Self {
        let at = count.saturating_mul(self.stride).min(self.data.len());
        Self { data: self.data.split_to(at), stride: self.stride }
    }

    /// The packets as buffers of their own that share the memory.
    pub fn into_packets(mut self) -> impl Iterator<Item = Bytes> {
        std::iter::from_fn(move || (!self.is_empty()).then(|| self.split_to(1).data))
    }
}

/// Packets of `stride` bytes, the last of what is left, in so many bytes.
pub(crate) fn packets_in(bytes: usize, stride: usize) -> usize {
    if bytes <= stride {
        // Most frames are one packet: spares them a division.
        return usize::from(bytes > 0);
    }
    bytes.div_ceil(stride.max(1))
}

impl fmt::Debug for PacketBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PacketBatch({} packets, {} bytes)", self.len(), self.byte_len())
    }
}
