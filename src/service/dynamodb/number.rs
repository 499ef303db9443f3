//! DynamoDB's numbers: decimals of up to 38 significant digits, compared as numbers.
//!
//! Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (Number): magnitudes from 1E-130 to
//! 9.9999999999999999999999999999999999999E+125; leading and trailing zeros are trimmed.

use std::cmp::Ordering;
use std::fmt;

/// Most significant digits.
pub const DIGITS_MAX: usize = 38;
/// The largest power of ten of a first digit.
const EXPONENT_MAX: i32 = 125;
/// The smallest one.
const EXPONENT_MIN: i32 = -130;
/// Most characters that are looked at: far more than any number in range needs.
const TEXT_MAX: usize = 1_024;

/// A number. Equal numbers are equal values: there is one form of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    negative: bool,
    /// The power of ten of the first digit.
    exponent: i32,
    /// From the first digit that is not 0 to the last; none for zero.
    digits: Vec<u8>,
}

/// Why a text is no number of DynamoDB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No decimal notation.
    #[error("The parameter cannot be converted to a numeric value")]
    NotANumber,
    /// More than [`DIGITS_MAX`] digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooManyDigits,
    /// Too large.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// Too small.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

impl Number {
    /// Reads `-12.50`, `1e3`, `.5`.
    ///
    /// # Errors
    /// See [`NumberError`].
    pub fn parse(text: &str) -> Result<Number, NumberError> {
        if text.len() > TEXT_MAX {
            return Err(NumberError::NotANumber);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, exponent(power)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_decimal(whole) || !is_decimal(fraction) {
            return Err(NumberError::NotANumber);
        }
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
        let Some(first) = all.iter().position(|digit| *digit != 0) else {
            return Ok(Number { negative: false, exponent: 0, digits: Vec::new() });
        };
        let last = all.iter().rposition(|digit| *digit != 0).unwrap_or(first);
        let digits = all[first..=last].to_vec();
        // At most TEXT_MAX digits and a power of at most a million: no overflow.
        let exponent = power + whole.len() as i32 - 1 - first as i32;
        match () {
            () if digits.len() > DIGITS_MAX => Err(NumberError::TooManyDigits),
            () if exponent > EXPONENT_MAX => Err(NumberError::Overflow),
            () if exponent < EXPONENT_MIN => Err(NumberError::Underflow),
            () => Ok(Number { negative, exponent, digits }),
        }
    }

    /// What it counts in an item's size, in bytes: a byte for two digits, one more, and one for a minus sign. AWS says "approximately".
    pub fn size_bytes(&self) -> usize {
        1 + self.digits.len().div_ceil(2) + usize::from(self.negative)
    }
}

/// A power of ten; what is absurd becomes what is certainly out of range.
fn exponent(text: &str) -> Result<i32, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    let magnitude = digits.parse::<i32>().unwrap_or(i32::MAX).min(1_000_000);
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sign = |number: &Number| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = || self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        match sign(self).cmp(&sign(other)) {
            Ordering::Equal if self.negative => magnitude().reverse(),
            Ordering::Equal => magnitude(),
            unequal => unequal,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Without an exponent, as DynamoDB answers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.pad("0");
        }
        let mut text = String::from(if self.negative { "-" } else { "" });
        if self.exponent < 0 {
            text.push_str("0.");
            (0..-1 - self.exponent).for_each(|_| text.push('0'));
        }
        for (power, digit) in (0..=self.exponent).rev().zip(self.digits.iter().map(Some).chain(std::iter::repeat(None)))
        {
            text.push(char::from(b'0' + digit.copied().unwrap_or(0)));
            debug_assert!(power >= 0);
        }
        let whole = usize::try_from(self.exponent + 1).unwrap_or(0);
        if self.digits.len() > whole {
            if whole > 0 {
                text.push('.');
            }
            text.extend(self.digits[whole..].iter().map(|digit| char::from(b'0' + digit)));
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_notation_per_number() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("12.5E-3", "0.0125"),
            ("1234567890123456789012345678901234567.8", "1234567890123456789012345678901234567.8"),
            ("+3", "3"),
        ] {
            assert_eq!(Number::parse(text).unwrap().to_string(), shown, "{text}");
        }
        assert_eq!(Number::parse("1e125").unwrap().to_string().len(), 126);
        assert_eq!(Number::parse("1e-130").unwrap().to_string().len(), 132);
    }

    #[test]
    fn limits_have_their_own_errors() {
        let error = |text: &str| Number::parse(text).unwrap_err();
        for text in ["", "-", ".", "1e", "e1", "1.2.3", "NaN", "Infinity", "0x1", " 1", "1_0", "1e1.5"] {
            assert_eq!(error(text), NumberError::NotANumber, "{text}");
        }
        assert_eq!(error("123456789012345678901234567890123456789"), NumberError::TooManyDigits);
        assert!(Number::parse(&format!("1{}", "0".repeat(100))).is_ok(), "zeros at the end are not significant");
        assert_eq!(error("1e126"), NumberError::Overflow);
        assert_eq!(error("-1e99999999999"), NumberError::Overflow);
        assert_eq!(error("1e-131"), NumberError::Underflow);
        assert_eq!(error(&"1".repeat(TEXT_MAX + 1)), NumberError::NotANumber);
    }

    proptest! {
        #[test]
        fn order_and_notation_are_those_of_integers(a in -1_000_000_000_000i64..1_000_000_000_000, b: i32, scale in 0usize..4) {
            let (small, large) = (i128::from(b), i128::from(a));
            let scaled = format!("{small}e{scale}");
            let factor = 10i128.pow(scale as u32);
            let (left, right) = (Number::parse(&scaled).unwrap(), Number::parse(&large.to_string()).unwrap());
            prop_assert_eq!(left.cmp(&right), (small * factor).cmp(&large));
            prop_assert_eq!(right.to_string(), large.to_string());
            prop_assert_eq!(left.to_string(), (small * factor).to_string());
        }

        #[test]
        fn what_is_shown_reads_back(text in "-?[0-9]{0,20}(\\.[0-9]{0,18})?(e-?[0-9]{1,2})?") {
            if let Ok(number) = Number::parse(&text) {
                prop_assert_eq!(Number::parse(&number.to_string()), Ok(number));
            }
        }
    }
}
