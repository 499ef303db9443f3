//! Guards of memos that can be left out, to see that the tests miss them.

/// A guard of the memo left out, to see that the equivalence test misses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    /// None left out.
    #[default]
    None,
    /// Memos outlive their program.
    IgnoresEpoch,
    /// A session that came back in the same place passes for the old one.
    IgnoresGeneration,
    /// A flow that was untracked stays so.
    IgnoresAbsence,
    /// Sessions are not renewed.
    DoesNotRenew,
    /// The time to live is not looked at.
    IgnoresTimeToLive,
    /// Packets longer than any seen pass.
    IgnoresLength,
    /// Ethernet addresses are not compared.
    IgnoresEthernet,
    /// The sender is not compared.
    IgnoresSender,
    /// Checksums stay as they were.
    KeepsChecksums,
    /// Sessions that expired pass.
    IgnoresExpiry,
    /// Packets that passed by memo are not counted.
    DoesNotCount,
    /// Sessions for which there is no room in the memo itself are not looked at.
    IgnoresFurtherSessions,
}

impl Mutant {
    /// Every mutant; the number of each is its position plus one.
    pub const ALL: [Mutant; 12] = [
        Mutant::IgnoresEpoch,
        Mutant::IgnoresGeneration,
        Mutant::IgnoresAbsence,
        Mutant::DoesNotRenew,
        Mutant::IgnoresTimeToLive,
        Mutant::IgnoresLength,
        Mutant::IgnoresEthernet,
        Mutant::IgnoresSender,
        Mutant::KeepsChecksums,
        Mutant::IgnoresExpiry,
        Mutant::DoesNotCount,
        Mutant::IgnoresFurtherSessions,
    ];

    /// The mutant of a number; 0 is none.
    pub const fn of(number: u8) -> Mutant {
        match number {
            0 => Mutant::None,
            number => Mutant::ALL[number as usize - 1],
        }
    }

    #[inline(always)]
    pub(super) const fn is(self, other: Mutant) -> bool {
        self as u8 == other as u8
    }
}
