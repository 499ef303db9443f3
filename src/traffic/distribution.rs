//! Drawing one of many: in turn, all alike, or few of them most of the time.

use super::{TrafficError, numeric};
use crate::rng::Stream;

/// How one of N things is chosen, again and again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// One after the other, and again from the first.
    InTurn,
    /// Each with the same probability.
    Uniform,
    /// The k-th, from 1, with a probability proportional to 1 / k^exponent. Which one is the first is the order they are given in.
    Zipf {
        /// 0 is uniform; traffic of many users is near 1.
        exponent: f64,
    },
}

/// Draws from a distribution over `0..count`: no allocation, the same time for each, however many there are.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    count: u32,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    InTurn { next: u32 },
    Uniform,
    Alias(Box<[Column]>),
}

/// A column of Walker's alias method: a draw that hits it keeps it below `keep` (in units of 2^-32), and is `alias` above.
#[derive(Clone, Copy, Debug)]
struct Column {
    keep: u32,
    alias: u32,
}

impl Sampler {
    /// Of `0..count`, which is not empty.
    pub(super) fn new(distribution: Distribution, count: u32) -> Result<Sampler, TrafficError> {
        let way = match distribution {
            Distribution::InTurn => Way::InTurn { next: 0 },
            Distribution::Uniform => Way::Uniform,
            Distribution::Zipf { exponent } if (0.0..=10.0).contains(&exponent) => {
                Way::Alias(columns(&zipf(count, exponent)))
            }
            Distribution::Zipf { .. } => return Err(TrafficError::Exponent),
        };
        Ok(Sampler { count, way })
    }

    pub(super) fn draw(&mut self, stream: &mut Stream) -> u32 {
        match &mut self.way {
            Way::InTurn { next } => {
                let drawn = *next;
                *next = if drawn + 1 == self.count { 0 } else { drawn + 1 };
                drawn
            }
            Way::Uniform => below(stream.next_u32(), self.count),
            Way::Alias(columns) => {
                let bits = stream.next_u64();
                let at = below((bits >> 32) as u32, self.count);
                let column = columns[at as usize];
                if bits as u32 <= column.keep { at } else { column.alias }
            }
        }
    }
}

/// A number in `0..count` out of 32 random bits. (Multiply-shift: for a million things, some come up 0.02 % more often than others.)
fn below(bits: u32, count: u32) -> u32 {
    ((u64::from(bits) * u64::from(count)) >> 32) as u32
}

/// The probabilities of a Zipf distribution.
fn zipf(count: u32, exponent: f64) -> Vec<f64> {
    let weight = |rank: u32| numeric::exp_negative(-exponent * numeric::ln(f64::from(rank)));
    let mut weights: Vec<f64> = (1..=count).map(weight).collect();
    let total: f64 = weights.iter().rev().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

/// Vose's way of building the alias table: every column holds 1/count of probability, of at most two things.
fn columns(probabilities: &[f64]) -> Box<[Column]> {
    let count = probabilities.len();
    let mut scaled: Vec<f64> = probabilities.iter().map(|probability| probability * count as f64).collect();
    let own = |at: usize| Column { keep: u32::MAX, alias: at as u32 };
    let mut columns: Box<[Column]> = (0..count).map(own).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|at| scaled[*at] < 1.0);
    while let (Some(less), Some(more)) = (small.pop(), large.last().copied()) {
        columns[less] = Column { keep: (scaled[less] * f64::from(u32::MAX)) as u32, alias: more as u32 };
        scaled[more] -= 1.0 - scaled[less];
        if scaled[more] < 1.0 {
            large.pop();
            small.push(more);
        }
    }
    // What is left in either list is 1 up to rounding: it keeps its column.
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn counts(distribution: Distribution, count: u32, draws: u32) -> Vec<u32> {
        let mut sampler = Sampler::new(distribution, count).unwrap();
        let mut stream = Seed::new(1).derive("test");
        let mut counts = vec![0; count as usize];
        (0..draws).for_each(|_| counts[sampler.draw(&mut stream) as usize] += 1);
        counts
    }

    /// Naive twin: the definition, summed up with the platform's `powf`. Pearson's chi-squared at 0.1 % of 99 degrees of freedom is 148.2.
    #[test]
    fn draws_are_distributed_as_the_definition_says() {
        const DRAWS: u32 = 1_000_000;
        for exponent in [0.0, 0.7, 1.0, 1.1, 2.0] {
            let weights: Vec<f64> = (1..=100).map(|rank| f64::from(rank).powf(-exponent)).collect();
            let total: f64 = weights.iter().sum();
            let drawn = counts(Distribution::Zipf { exponent }, 100, DRAWS);
            let of = |(seen, weight): (&u32, &f64)| {
                let expected = weight / total * f64::from(DRAWS);
                (f64::from(*seen) - expected).powi(2) / expected
            };
            let chi_squared: f64 = drawn.iter().zip(&weights).map(of).sum();
            assert!(chi_squared < 148.2, "exponent {exponent}: {chi_squared}");
            // The same draws do not fit another exponent.
            let other: Vec<f64> = (1..=100).map(|rank| f64::from(rank).powf(-exponent - 0.05)).collect();
            let other_total: f64 = other.iter().sum();
            let misfit: f64 =
                drawn.iter().zip(&other).map(|(seen, weight)| of((seen, &(weight * total / other_total)))).sum();
            assert!(misfit > 148.2, "exponent {exponent}: {misfit}");
        }
    }

    #[test]
    fn the_simple_ways() {
        let mut sampler = Sampler::new(Distribution::InTurn, 3).unwrap();
        let mut stream = Seed::new(1).derive("test");
        assert_eq!((0..7).map(|_| sampler.draw(&mut stream)).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2, 0]);
        for count in counts(Distribution::Uniform, 10, 100_000) {
            assert!((9_600..10_400).contains(&count), "{count}");
        }
        assert_eq!(counts(Distribution::Zipf { exponent: 1.0 }, 1, 5), [5]);
        for exponent in [-0.1, 10.1, f64::NAN, f64::INFINITY] {
            let refused = Sampler::new(Distribution::Zipf { exponent }, 3).unwrap_err();
            assert_eq!(refused, TrafficError::Exponent);
        }
    }
}
