//! When packets come: offered load as times.

use super::{TrafficError, numeric};
use crate::rng::{Seed, Stream};
use crate::time::{SimDuration, SimTime};

/// How packets of a given mean rate are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// One every so often: packet k comes at k / rate, rounded down to a nanosecond, however many there are.
    Constant,
    /// Independent of each other: the gaps have an exponential distribution.
    Poisson,
    /// So many at once, a fixed gap after each other; then nothing until the mean rate is met.
    Bursts {
        /// Packets of a burst.
        packets: u32,
        /// From one to the next within a burst; if this alone is slower than the mean rate, bursts follow each other without a pause.
        gap: SimDuration,
    },
}

/// The time of each packet, without end.
#[derive(Clone, Debug)]
pub struct Arrivals {
    arrival: Arrival,
    packets_per_second: u64,
    stream: Stream,
    /// Packets so far.
    number: u64,
    /// Of the last packet of a Poisson process, not rounded: roundings would add up to another rate.
    at_ns: f64,
}

impl Arrivals {
    /// Packets of a mean rate.
    ///
    /// # Errors
    /// [`TrafficError`]: a rate or burst of nothing.
    pub fn new(arrival: Arrival, packets_per_second: u64, seed: Seed) -> Result<Arrivals, TrafficError> {
        if !(1..=1_000_000_000).contains(&packets_per_second) {
            return Err(TrafficError::Rate { packets_per_second });
        }
        if matches!(arrival, Arrival::Bursts { packets: 0, .. }) {
            return Err(TrafficError::Burst);
        }
        Ok(Arrivals { arrival, packets_per_second, stream: seed.derive("traffic arrivals"), number: 0, at_ns: 0.0 })
    }

    /// When packet `number` of a constant rate comes.
    fn even(&self, number: u64) -> u64 {
        (u128::from(number) * 1_000_000_000 / u128::from(self.packets_per_second)) as u64
    }
}

impl Iterator for Arrivals {
    type Item = SimTime;

    fn next(&mut self) -> Option<SimTime> {
        let number = self.number;
        self.number += 1;
        let at_ns = match self.arrival {
            Arrival::Constant => self.even(number),
            Arrival::Poisson => {
                // 1 - u is never 0.
                let gap_ns = -numeric::ln(1.0 - self.stream.unit()) * 1e9 / self.packets_per_second as f64;
                self.at_ns += gap_ns;
                self.at_ns as u64
            }
            Arrival::Bursts { packets, gap } => {
                let (burst, place) = (number / u64::from(packets), number % u64::from(packets));
                let span_ns = gap.as_nanos().saturating_mul(u64::from(packets));
                let begin_ns = self.even(burst.saturating_mul(u64::from(packets))).max(burst.saturating_mul(span_ns));
                begin_ns.saturating_add(gap.as_nanos().saturating_mul(place))
            }
        };
        Some(SimTime::from_nanos(at_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(arrival: Arrival, rate: u64, count: usize) -> Vec<u64> {
        Arrivals::new(arrival, rate, Seed::new(3)).unwrap().take(count).map(SimTime::as_nanos).collect()
    }

    #[test]
    fn a_constant_rate_does_not_drift() {
        assert_eq!(times(Arrival::Constant, 3, 5), [0, 333_333_333, 666_666_666, 1_000_000_000, 1_333_333_333]);
        assert_eq!(*times(Arrival::Constant, 7_000_000, 7_000_001).last().unwrap(), 1_000_000_000);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let times = times(Arrival::Poisson, 1_000_000, 200_001);
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1_000.0).abs() < 10.0, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{}", variance.sqrt());
        // A fraction of 1/e is longer than the mean.
        let long = gaps.iter().filter(|gap| **gap > 1_000.0).count() as f64 / gaps.len() as f64;
        assert!((long - 0.367_9).abs() < 0.005, "{long}");
    }

    #[test]
    fn bursts_keep_the_mean_rate() {
        let burst = |gap| Arrival::Bursts { packets: 3, gap: SimDuration::from_nanos(gap) };
        assert_eq!(times(burst(10), 1_000_000, 7), [0, 10, 20, 3_000, 3_010, 3_020, 6_000]);
        // The gap alone is slower than the rate.
        assert_eq!(times(burst(2_000), 1_000_000, 4), [0, 2_000, 4_000, 6_000]);
    }

    #[test]
    fn impossible_loads_are_refused() {
        let refused = |arrival, rate| Arrivals::new(arrival, rate, Seed::new(1)).unwrap_err();
        assert_eq!(refused(Arrival::Constant, 0), TrafficError::Rate { packets_per_second: 0 });
        let none = Arrival::Bursts { packets: 0, gap: SimDuration::ZERO };
        assert_eq!(refused(none, 5), TrafficError::Burst);
    }
}
