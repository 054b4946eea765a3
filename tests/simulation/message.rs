//! What travels in the simulation: a payload that says what it is, so that a receiver can check every byte.

/// Names one frame: the publication that it belongs to and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    pub publication: u64,
    pub number: u64,
}

impl Message {
    /// A payload of `len` bytes, at least [`SMALLEST`].
    pub fn payload(self, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len.max(SMALLEST));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.publication.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&(len.max(SMALLEST) as u64).to_be_bytes());
        let block = self.block();
        while out.len() < len {
            let rest = (len - out.len()).min(block.len());
            out.extend_from_slice(&block[..rest]);
        }
        out
    }

    /// Reads a payload; tells what is wrong with one that was not published so.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        if payload.len() < SMALLEST || &payload[..8] != MAGIC {
            return Err(format!("{} bytes that nobody published (ciphertext?)", payload.len()));
        }
        let word = |at: usize| u64::from_be_bytes(payload[at..at + 8].try_into().unwrap());
        let message = Self { publication: word(8), number: word(16) };
        if word(24) != payload.len() as u64 {
            return Err(format!("{message:?} has {} bytes instead of {}", payload.len(), word(24)));
        }
        let block = message.block();
        let damaged = payload[SMALLEST..]
            .chunks(block.len())
            .position(|chunk| *chunk != block[..chunk.len()]);
        damaged.map_or(Ok(message), |at| Err(format!("{message:?} is damaged in block {at}")))
    }

    /// What fills the payload, again and again. The length is prime: a packet in the wrong place shows.
    fn block(self) -> [u8; 251] {
        let start = self.publication.wrapping_mul(31) ^ self.number.wrapping_mul(7);
        std::array::from_fn(|at| (start ^ (at as u64).wrapping_mul(13)) as u8)
    }
}

const MAGIC: &[u8; 8] = b"plaintxt";

/// Header of every payload.
pub const SMALLEST: usize = 32;
