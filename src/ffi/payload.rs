//! How payloads and packets cross the language boundary: by block copy.
//!
//! UniFFI moves `bytes` one byte at a time, some fifty times slower than a copy. These converters have the same form on the
//! wire and the same types on the other side. The only unsafe code of the crate: the trait asks for it, nothing else does.
#![allow(unsafe_code)]

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
        <Self as FfiConverter<UniFfiTag>>::write(payload, &mut out);
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
        // Or else the timestamp behind it makes the whole buffer grow, which copies it to a place twice as large.
        out.reserve(LENGTH + payload.0.len() + TIMESTAMP);
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

// SAFETY: the form is that of `Vec<Vec<u8>>`: an i32 count in big-endian, then each packet with its length.
unsafe impl FfiConverter<UniFfiTag> for PacketBatch {
    type FfiType = RustBuffer;

    fn lower(batch: Self) -> RustBuffer {
        let mut out = Vec::with_capacity(LENGTH + LENGTH * batch.len() + batch.byte_len());
        <Self as FfiConverter<UniFfiTag>>::write(batch, &mut out);
        RustBuffer::from_vec(out)
    }

    fn try_lift(_: RustBuffer) -> uniffi::Result<Self> {
        anyhow::bail!("packet batches only leave Rust")
    }

    fn write(batch: Self, out: &mut Vec<u8>) {
        put_length(batch.len(), out);
        batch.iter().for_each(|packet| put_block(packet, out));
    }

    fn try_read(_: &mut &[u8]) -> uniffi::Result<Self> {
        anyhow::bail!("packet batches only leave Rust")
    }

    const TYPE_ID_META: MetadataBuffer = <Vec<Vec<u8>> as TypeId<UniFfiTag>>::TYPE_ID_META;
}

uniffi::derive_ffi_traits!(local PacketBatch);

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
/// Bytes of an optional u64, which stands behind the payload in a frame.
const TIMESTAMP: usize = 9;
