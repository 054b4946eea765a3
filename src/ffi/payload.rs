//! How payloads and packets cross the language boundary: by block copy, and on loan.
//!
//! UniFFI moves `bytes` one byte at a time, some fifty times slower than a copy. These converters have the same types on the
//! other side. The trait asks for unsafe code; beside it only `forks` has a line of it.
#![allow(unsafe_code)]

use std::{cell::Cell, mem::ManuallyDrop};

use bytes::{Buf, Bytes};
use uniffi::{FfiConverter, MetadataBuffer, RustBuffer, TypeId, deps::anyhow};

use crate::{
    UniFfiTag,
    frame::{PacketBatch, Payload},
};

// SAFETY: the form is that of `Vec<u8>`: an i32 length in big-endian, then the bytes. Buffers are made and taken whole.
unsafe impl FfiConverter<UniFfiTag> for Payload {
    type FfiType = RustBuffer;

    fn lower(payload: Self) -> RustBuffer {
        let mut out = Vec::with_capacity(LENGTH + payload.0.len());
        put_block(&payload.0, &mut out);
        RustBuffer::from_vec(out)
    }

    fn try_lift(buffer: RustBuffer) -> uniffi::Result<Self> {
        let mut bytes = Bytes::from(buffer.destroy_into_vec());
        let length = take_length(&mut bytes)?;
        anyhow::ensure!(
            length == bytes.len(),
            "payload of {length} bytes in a buffer of {}",
            bytes.len()
        );
        Ok(Self(bytes))
    }

    fn write(payload: Self, out: &mut Vec<u8>) {
        // Or else what comes behind it makes the whole buffer grow, which copies it to a place twice as large.
        out.reserve(LENGTH + payload.0.len() + BEHIND);
        put_block(&payload.0, out);
    }

    fn try_read(buffer: &mut &[u8]) -> uniffi::Result<Self> {
        let length = take_length(buffer)?;
        anyhow::ensure!(
            length <= buffer.len(),
            "payload of {length} bytes in a buffer of {}",
            buffer.len()
        );
        Ok(Self(buffer.copy_to_bytes(length)))
    }

    const TYPE_ID_META: MetadataBuffer = <Vec<u8> as TypeId<UniFfiTag>>::TYPE_ID_META;
}

uniffi::derive_ffi_traits!(local Payload);

/// Packets are lent. The other side gets the address of three numbers, all in the machine's own form: where the packets are, how many
/// bytes they have together, and how many each has but the last. It copies them before it does anything else.
// SAFETY: a number crosses. What it is the address of stays until the same thread lends again, or takes back.
unsafe impl FfiConverter<UniFfiTag> for PacketBatch {
    type FfiType = u64;

    fn lower(batch: Self) -> u64 {
        let (packets, stride) = batch.parts();
        let form = [packets.as_ptr().addr() as u64, packets.len() as u64, stride as u64];
        LENT.with(|lent| {
            lent.form.set(form);
            lent.replace(Some(batch));
            lent.form.as_ptr().addr() as u64
        })
    }

    fn try_lift(_: u64) -> uniffi::Result<Self> {
        anyhow::bail!("packet batches only leave Rust")
    }

    fn write(batch: Self, out: &mut Vec<u8>) {
        <u64 as FfiConverter<UniFfiTag>>::write(
            <Self as FfiConverter<UniFfiTag>>::lower(batch),
            out,
        );
    }

    fn try_read(_: &mut &[u8]) -> uniffi::Result<Self> {
        anyhow::bail!("packet batches only leave Rust")
    }

    const TYPE_ID_META: MetadataBuffer = <u64 as TypeId<UniFfiTag>>::TYPE_ID_META;
}

uniffi::derive_ffi_traits!(local PacketBatch);

/// Before a callback: what this thread lends already, to be given to [`take_back`] after it. A callback inside a callback needs the
/// place, and the outer one reads its packets until it returns.
pub(super) fn make_room() -> Option<PacketBatch> {
    LENT.with(|lent| ManuallyDrop::into_inner(lent.packets.take()))
}

/// After a callback: ends the loan of its packets, if it had any, and lends what was lent before.
pub(super) fn take_back(before: Option<PacketBatch>) {
    LENT.with(|lent| lent.replace(before));
}

/// What a thread lends.
struct Lent {
    form: Cell<[u64; 3]>,
    /// Never dropped with its thread, so that it is there as long as one can call: whoever lends takes back.
    packets: Cell<ManuallyDrop<Option<PacketBatch>>>,
}

impl Lent {
    fn replace(&self, packets: Option<PacketBatch>) {
        drop(ManuallyDrop::into_inner(self.packets.replace(ManuallyDrop::new(packets))));
    }
}

thread_local! {
    static LENT: Lent =
        const { Lent { form: Cell::new([0; 3]), packets: Cell::new(ManuallyDrop::new(None)) } };
}

fn put_block(block: &[u8], out: &mut Vec<u8>) {
    put_length(block.len(), out);
    out.extend_from_slice(block);
}

/// Frames and packets are far below the 2 GiB that an i32 length can tell.
fn put_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
}

fn take_length(buffer: &mut impl Buf) -> uniffi::Result<usize> {
    anyhow::ensure!(buffer.remaining() >= LENGTH, "a length is missing");
    Ok(usize::try_from(buffer.get_i32())?)
}

/// Bytes of a length.
const LENGTH: usize = 4;
/// Most that stands behind a payload: an IV and a key index, where a frame has nine bytes of an optional timestamp.
const BEHIND: usize = LENGTH + 12 + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_lent_until_the_next_are_or_they_are_taken_back() {
        let (first, second) = (Bytes::from(vec![1; 40_000]), Bytes::from(vec![2; 100]));
        let lend = |bytes: &Bytes| {
            let batch = PacketBatch::new(bytes.clone(), 16_000);
            <PacketBatch as FfiConverter<UniFfiTag>>::lower(batch)
        };
        let address = lend(&first);
        let form = LENT.with(|lent| (lent.form.as_ptr().addr() as u64, lent.form.get()));
        assert_eq!(form, (address, [first.as_ptr().addr() as u64, 40_000, 16_000]));
        assert!(!first.is_unique());
        lend(&second);
        assert!(first.is_unique() && !second.is_unique());
        take_back(None);
        assert!(second.is_unique());
    }

    #[test]
    fn what_a_callback_has_stays_lent_while_it_calls_what_lends() {
        let (outer, inner) = (Bytes::from(vec![1; 100]), Bytes::from(vec![2; 100]));
        let lend = |bytes: &Bytes| {
            <PacketBatch as FfiConverter<UniFfiTag>>::lower(PacketBatch::new(bytes.clone(), 100))
        };
        lend(&outer);
        let before = make_room();
        lend(&inner);
        take_back(before);
        assert!(inner.is_unique() && !outer.is_unique());
        take_back(None);
        assert!(outer.is_unique());
    }

    #[test]
    fn a_payload_has_as_many_bytes_as_it_says() {
        let lift = |bytes: &[u8]| {
            let buffer = RustBuffer::from_vec(bytes.to_vec());
            <Payload as FfiConverter<UniFfiTag>>::try_lift(buffer).map_err(drop)
        };
        let read = |mut bytes: &[u8]| {
            let read = <Payload as FfiConverter<UniFfiTag>>::try_read(&mut bytes);
            read.map(|payload| (payload, bytes.len())).map_err(drop)
        };
        let two = || Payload::from(vec![7, 8]);
        assert_eq!(lift(&[0, 0, 0, 2, 7, 8]), Ok(two()));
        assert_eq!(read(&[0, 0, 0, 2, 7, 8, 9]), Ok((two(), 1)), "what follows is not its");
        for short in [&[0, 0, 0, 3, 7, 8][..], &[0, 0, 0][..], &[0xFF, 0, 0, 0, 7][..]] {
            assert!(lift(short).is_err() && read(short).is_err(), "{short:?}");
        }
        assert!(lift(&[0, 0, 0, 1, 7, 8]).is_err(), "a whole buffer has no more either");
    }
}
