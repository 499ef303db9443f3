//! The internet checksum: RFC 1071 for whole buffers, RFC 1624 equation 3 for changes.
//!
//! Worked example of the change (RFC 1624 section 4): checksum 0xdd2f, a word goes from 0x5555 to 0x3285; `!(!0xdd2f + !0x5555 + 0x3285)` in
//! one's complement is 0x0000. (The older equation 2 would give 0xffff, the other zero.)

/// One's complement sum of `bytes` as big-endian words, an odd last byte padded with zero.
#[inline]
pub fn sum(bytes: &[u8]) -> u16 {
    // Wider words, in the other order, and the sum turned round: RFC 1071 section 2. Each adds less than 2^33, so the total holds 16 GiB.
    let halves = |eight: [u8; 8]| {
        let word = u64::from_le_bytes(eight);
        (word >> 32) + (word & 0xffff_ffff)
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    let total: u64 = eights.iter().map(|eight| halves(*eight)).sum();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(total + halves(last)).swap_bytes()
}

/// The checksum to write for `bytes` whose checksum field is zero.
pub fn checksum(bytes: &[u8]) -> u16 {
    !sum(bytes)
}

/// Whether `bytes`, checksum field included, sum up to 0xffff.
#[inline]
pub fn is_valid(bytes: &[u8]) -> bool {
    sum(bytes) == 0xffff
}

/// Whether a sum of native words, of any width that 16 divides, folds to all ones: [`is_valid`] for who sums wider (RFC 1071 section 2: neither the order of bytes
/// nor the width of words matters to that). Folding keeps the remainder by 0xffff, and of its multiples only zero folds to zero; the remainder is one
/// multiplication, folding a chain of additions.
#[inline]
pub(super) const fn is_all_ones(total: u64) -> bool {
    (total != 0) & total.is_multiple_of(0xffff)
}

/// The checksum after one 16-bit word under it went from `before` to `after` (RFC 1624, equation 3).
#[inline]
pub fn update(checksum: u16, before: u16, after: u16) -> u16 {
    !fold_few(u32::from(!checksum) + u32::from(!before) + u32::from(after))
}

/// One's complement sum of the pseudo-header of TCP and UDP (RFC 9293 section 3.1): addresses, protocol, length.
pub fn pseudo_header_sum(source: [u8; 4], destination: [u8; 4], protocol: u8, length: u16) -> u16 {
    fold(u64::from(sum(&source)) + u64::from(sum(&destination)) + u64::from(protocol) + u64::from(length))
}

/// Adds two one's complement sums.
#[inline]
pub fn add(a: u16, b: u16) -> u16 {
    fold_few(u32::from(a) + u32::from(b))
}

/// [`fold`] for a sum of two or three words, of which two lines leave no carry: what every packet pays for.
#[inline]
const fn fold_few(total: u32) -> u16 {
    let total = (total >> 16) + (total & 0xffff);
    ((total >> 16) + (total & 0xffff)) as u16
}

#[inline]
fn fold(total: u64) -> u16 {
    // Each line halves what carries are left; after the last there is none.
    let total = (total >> 32) + (total & 0xffff_ffff);
    let total = (total >> 16) + (total & 0xffff);
    let total = (total >> 16) + (total & 0xffff);
    ((total >> 16) + (total & 0xffff)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rfc_1071_and_1624_examples() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        assert_eq!(update(0xdd2f, 0x5555, 0x3285), 0x0000);
        assert_eq!(sum(&[0xab]), 0xab00);
        assert_eq!(checksum(&[]), 0xffff);
    }

    /// As RFC 1071 section 1 has it, word by word.
    fn naive_sum(bytes: &[u8]) -> u16 {
        let words = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        words.fold(0, |sum, word| {
            let (sum, carry) = sum.overflowing_add(word);
            sum + u16::from(carry)
        })
    }

    proptest! {
        #[test]
        fn wide_words_sum_up_to_what_words_do(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xff)], 0..100)
        ) {
            prop_assert_eq!(sum(&bytes), naive_sum(&bytes));
        }

        #[test]
        fn updating_equals_computing_anew(
            mut words in proptest::collection::vec(any::<u16>(), 2..40), at in any::<proptest::sample::Index>(), new in any::<u16>()
        ) {
            // A word that stays non-zero, as every IPv4 header has (its version): only then the two zeros cannot be confused.
            words.push(0x4500);
            let bytes = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
            let at = at.index(words.len() - 1);
            let before = checksum(&bytes(&words));
            let after = update(before, words[at], new);
            words[at] = new;
            prop_assert_eq!(after, checksum(&bytes(&words)));
        }
    }
}
