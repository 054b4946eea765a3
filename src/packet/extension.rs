//! The extension block (protocol §1.3–1.5).

use bytes::BufMut;

use super::DecodeError;

/// What a packet carries besides its payload. The same on every packet of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extensions {
    /// How the frame is encrypted.
    pub encryption: Option<Encryption>,
    /// A number of the application's own.
    pub user_timestamp: Option<u64>,
}

/// What is needed, besides the key itself, to open an encrypted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encryption {
    /// Which key of the ring.
    pub key_index: u8,
    /// The initialization vector of the frame.
    pub iv: [u8; 12],
}

impl Extensions {
    /// Bytes of a header with these extensions: 12, 24, 32 or 40.
    pub fn header_len(&self) -> usize {
        BASE_LEN + self.block_len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.encryption.is_none() && self.user_timestamp.is_none()
    }

    /// Appends the block, or nothing when there is no extension.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        if self.is_empty() {
            return;
        }
        let block_len = self.block_len();
        out.put_u16((block_len / WORD - 1) as u16);
        if let Some(Encryption { key_index, iv }) = &self.encryption {
            out.put_slice(&[ENCRYPTION_ID, ENCRYPTION_LEN as u8, *key_index]);
            out.put_slice(iv);
        }
        if let Some(user_timestamp) = self.user_timestamp {
            out.put_slice(&[USER_TIMESTAMP_ID, USER_TIMESTAMP_LEN as u8]);
            out.put_u64(user_timestamp);
        }
        out.put_bytes(PADDING, block_len - size_of::<u16>() - self.elements_len());
    }

    /// Reads the block at the start of `bytes`; answers it and what follows.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let (words, rest) = bytes.split_first_chunk().ok_or(DecodeError::MissingExtWords)?;
        let elements_len = (usize::from(u16::from_be_bytes(*words)) + 1) * WORD - words.len();
        let (elements, payload) =
            rest.split_at_checked(elements_len).ok_or(DecodeError::HeaderOverrun)?;
        Ok((Self::decode_elements(elements)?, payload))
    }

    /// An id of 0 takes two bytes, like an element without data; a single byte at the end is padding whatever it is. So
    /// do the Rust and JS receivers; the SFU ends the block at the first 0. All agree on what any sender writes.
    fn decode_elements(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        while let [id, len, rest @ ..] = bytes {
            if *id == PADDING {
                bytes = rest;
                continue;
            }
            let (data, rest) =
                rest.split_at_checked(usize::from(*len)).ok_or(DecodeError::MalformedExt(*id))?;
            found.take(*id, data);
            bytes = rest;
        }
        Ok(found)
    }

    /// Takes an element's value. The last one of an id wins, longer ones may follow in a later version, shorter ones and
    /// unknown ones say nothing.
    fn take(&mut self, id: u8, data: &[u8]) {
        match id {
            ENCRYPTION_ID => {
                if let Some(([key_index, iv @ ..], _)) = data.split_first_chunk::<ENCRYPTION_LEN>()
                {
                    self.encryption = Some(Encryption { key_index: *key_index, iv: *iv });
                }
            }
            USER_TIMESTAMP_ID => {
                if let Some((value, _)) = data.split_first_chunk::<USER_TIMESTAMP_LEN>() {
                    self.user_timestamp = Some(u64::from_be_bytes(*value));
                }
            }
            _ => {}
        }
    }

    /// Bytes of the block with its length and padding; 0 without extensions.
    fn block_len(&self) -> usize {
        match self.elements_len() {
            0 => 0,
            elements => (size_of::<u16>() + elements).next_multiple_of(WORD),
        }
    }

    fn elements_len(&self) -> usize {
        let encryption = self.encryption.map_or(0, |_| ELEMENT_HEAD + ENCRYPTION_LEN);
        let user_timestamp = self.user_timestamp.map_or(0, |_| ELEMENT_HEAD + USER_TIMESTAMP_LEN);
        encryption + user_timestamp
    }
}

/// Bytes of a header without extensions (protocol §1.1).
pub(super) const BASE_LEN: usize = 12;

/// The block is counted in words of 32 bits (protocol §1.3).
const WORD: usize = 4;

/// Id and length before an element's data (protocol §1.3).
const ELEMENT_HEAD: usize = 2;

/// Ids of elements (protocol §1.4).
const PADDING: u8 = 0;
const ENCRYPTION_ID: u8 = 1;
const USER_TIMESTAMP_ID: u8 = 2;

/// Key index and IV (protocol §1.4).
const ENCRYPTION_LEN: usize = 13;

/// A 64-bit number (protocol §1.4).
const USER_TIMESTAMP_LEN: usize = 8;
