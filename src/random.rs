//! Chance as an argument: the system's in the product, a seeded one in simulations.

/// A source of random bytes.
pub trait Random: Send {
    /// Fills `out`.
    fn fill(&mut self, out: &mut [u8]);

    /// A random number.
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        u32::from_be_bytes(bytes)
    }
}
