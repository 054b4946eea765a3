//! Packets from a publisher to its subscribers, taken apart and put together again as the server does (protocol §1.9).

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Output, ParticipantId, Sfu};
use crate::track::Handle;

impl Sfu {
    /// Takes a packet of this participant. Packets of unknown tracks are dropped silently.
    pub fn handle_packet(&mut self, now: Instant, from: ParticipantId, bytes: &[u8]) {
        let Some(packet) = Packet::parse(bytes) else {
            self.stats.malformed_packets += 1;
            return;
        };
        let publisher = self.participants.get(&from);
        let Some(track) = publisher.zip(packet.handle).and_then(|(p, h)| p.publications.get(&h))
        else {
            self.stats.unknown_packets += 1;
            return;
        };
        for &(to, handle) in &track.subscribers {
            if let Some(link) = self.links.get_mut(&(to, handle)) {
                let outputs = &mut self.outputs;
                link.push(now, packet.serialize(handle), |bytes| {
                    outputs.push_back(Output::Packet { to, bytes });
                });
                if link.poll_timeout().is_some() {
                    self.busy.insert((to, handle));
                }
            }
        }
    }

    pub(super) fn release_packets(&mut self, now: Instant) {
        let Self { busy, links, outputs, .. } = self;
        busy.retain(|key @ &(to, _)| {
            let Some(link) = links.get_mut(key) else { return false };
            link.release(now, |bytes| outputs.push_back(Output::Packet { to, bytes }));
            link.poll_timeout().is_some()
        });
    }
}

/// A packet as the server sees it: version and markers are not judged.
struct Packet<'a> {
    first: u8,
    handle: Option<Handle>,
    /// Sequence, frame number and timestamp.
    counters: &'a [u8],
    elements: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let (&first, rest) = bytes.split_first()?;
        let (_reserved, rest) = rest.split_first()?;
        let (&handle, rest) = rest.split_first_chunk::<2>()?;
        let (counters, rest) = rest.split_at_checked(8)?;
        let handle = Handle::new(u16::from_be_bytes(handle));
        let (elements, payload) = if first & HAS_EXTENSIONS == 0 {
            (None, rest)
        } else {
            let (block, payload) = split_block(rest)?;
            (Some(elements(block)?), payload)
        };
        Some(Self { first, handle, counters, elements, payload })
    }

    fn serialize(&self, handle: Handle) -> Bytes {
        let extensions =
            self.elements.map_or(0, |elements| (2 + elements.len()).next_multiple_of(4));
        let mut out = BytesMut::with_capacity(12 + extensions + self.payload.len());
        out.put_u8(self.first & !RESERVED);
        out.put_u8(0);
        out.put_u16(handle.get());
        out.put_slice(self.counters);
        if let Some(elements) = self.elements {
            // At most as long as the block that came in, so it fits.
            out.put_u16(u16::try_from(extensions / 4 - 1).unwrap_or(u16::MAX));
            out.put_slice(elements);
            out.put_bytes(0, extensions - 2 - elements.len());
        }
        out.put_slice(self.payload);
        out.freeze()
    }
}

/// The block without its length, and what follows it.
fn split_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&words, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(words)) * 4 + 2)
}

/// The elements without padding; `None` where the server gives up (protocol §1.5).
fn elements(block: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match block.get(at..) {
            None | Some([] | [0, ..]) => return block.get(..at),
            Some([_]) => return None,
            Some([_, length, rest @ ..]) => {
                rest.get(..usize::from(*length))?;
                at += 2 + usize::from(*length);
            }
        }
    }
}

const HAS_EXTENSIONS: u8 = 0x04;
const RESERVED: u8 = 0x03;

/// Largest message on the server's data channels (protocol §4.3).
const MAX_BYTES: usize = 65_535;
