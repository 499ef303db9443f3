//! The part of ports and quotas that one of several states has, if the packets of a network are divided among them.
//!
//! Parts are disjoint and together are the whole: a quota of 55,000 is 3,438 in the first eight of sixteen parts and 3,437 in the others, and a port belongs to the part
//! that its lowest bits name. So no part needs to ask another, and a quota is met in all parts together at the earliest when it would be met undivided.

/// One of a number of parts that is a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    number: u16,
    of: u16,
}

impl Default for Part {
    fn default() -> Self {
        Part::WHOLE
    }
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { number: 0, of: 1 };
    /// The most parts.
    pub const COUNT_MAX: u16 = 1_024;

    /// Part `number`, from 0, of `of`; `None` unless there are that many parts, and their number is a power of two up to [`Part::COUNT_MAX`].
    pub const fn new(number: u16, of: u16) -> Option<Part> {
        if number < of && of.is_power_of_two() && of <= Part::COUNT_MAX { Some(Part { number, of }) } else { None }
    }

    /// How much of a quota it has.
    pub const fn quota(self, whole: u32) -> u32 {
        let (number, of) = (self.number as u32, self.of as u32);
        whole / of + (number < whole % of) as u32
    }

    /// Whether a port belongs to it.
    pub const fn has(self, port: u16) -> bool {
        port % self.of == self.number
    }

    /// Its port at `position`, from 0, of the ports from `first` on, which is a multiple of [`Part::COUNT_MAX`].
    pub const fn port(self, first: u16, position: u16) -> u16 {
        first + position * self.of + self.number
    }

    /// How many of `ports` ports it has, which are a multiple of [`Part::COUNT_MAX`].
    pub const fn port_count(self, ports: u32) -> u32 {
        ports / self.of as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let parts = |of| (0..of).map(move |number| Part::new(number, of).unwrap());
        for of in [1, 2, 16, 1_024] {
            for whole in [0, 1, 15, 16, 55_000, u32::MAX] {
                assert_eq!(parts(of).map(|part| u64::from(part.quota(whole))).sum::<u64>(), u64::from(whole));
            }
            let mut ports: Vec<u16> = parts(of)
                .flat_map(|part| (0..part.port_count(64_512)).map(move |at| (part, part.port(1_024, at as u16))))
                .inspect(|(part, port)| assert!(part.has(*port)))
                .map(|(_, port)| port)
                .collect();
            ports.sort_unstable();
            assert!(ports.into_iter().eq(1_024..=u16::MAX), "{of}");
        }
        assert_eq!((Part::new(16, 16), Part::new(0, 3), Part::new(0, 2_048)), (None, None, None));
    }
}
