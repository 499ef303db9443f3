//! Reproducible randomness: one independent stream per consumer, derived from the scenario's seed and a label.
//!
//! Invariant: a consumer that draws more or fewer numbers never shifts another's stream, because no two consumers share
//! one. Non-goal: secrecy. The keys made from these streams are public to everyone who knows the seed.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use ring::digest;

/// The scenario's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed the user named (`--seed`, `seed =`).
    pub const fn new(value: u64) -> Self {
        Seed(value)
    }

    /// The number the user named.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The stream of the consumer called `label`. The same seed and label always give the same stream.
    pub fn derive(self, label: &str) -> Stream {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0.to_le_bytes());
        context.update(label.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Stream(ChaCha12Rng::from_seed(key))
    }
}

/// One consumer's stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha12Rng);

impl Stream {
    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A random UUID (RFC 9562 section 5.4).
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }

    /// A number in `0..bound`; 0 if `bound` is 0. (Multiply-shift: the bias is below 2^-32 for the bounds used here.)
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_do_not_share() {
        let draw = |label| Seed::new(7).derive(label).next_u64();
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        assert_ne!(Seed::new(8).derive("a").next_u64(), draw("a"));
    }
}
