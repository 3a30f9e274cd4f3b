//! Numbers of any size, exact.
//!
//! Terraform computes with 512 bits and compares what was planned with what was
//! applied digit by digit, so nothing here goes through a floating-point number unless
//! it came as one.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Signed, ToPrimitive, Zero};

/// Digits that a number may need when it is written out. Keeps a value such as
/// `1e999999999` from filling the memory.
const MOST_DIGITS: i64 = 100_000;

/// A number of Terraform's type system.
#[derive(Clone, Debug)]
pub enum Number {
    /// Any finite number.
    Finite(BigDecimal),
    /// More than every other number.
    Infinity,
    /// Less than every other number.
    NegativeInfinity,
}

/// A text that is no number, or one with too many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number, or one of more than {MOST_DIGITS} digits")]
pub struct NotANumber;

impl Number {
    /// The number as a whole one, if it is one and fits.
    pub fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Finite(number) if number.is_integer() => number.to_i64(),
            _ => None,
        }
    }

    /// The very same number in binary floating point, if there is one.
    pub fn to_exact_f64(&self) -> Option<f64> {
        match self {
            Self::Infinity => Some(f64::INFINITY),
            Self::NegativeInfinity => Some(f64::NEG_INFINITY),
            Self::Finite(number) => {
                let near = number.to_f64()?;
                let back = BigDecimal::try_from(near).ok()?;
                (&back == number).then_some(near)
            }
        }
    }

    /// A number from binary floating point; not for "not a number".
    pub fn from_f64(number: f64) -> Result<Self, NotANumber> {
        if number.is_infinite() {
            return Ok(if number > 0.0 {
                Self::Infinity
            } else {
                Self::NegativeInfinity
            });
        }
        BigDecimal::try_from(number)
            .map(Self::finite)
            .map_err(|_| NotANumber)
    }

    fn finite(number: BigDecimal) -> Self {
        Self::Finite(number.normalized())
    }

    fn rank(&self) -> i8 {
        match self {
            Self::NegativeInfinity => -1,
            Self::Finite(_) => 0,
            Self::Infinity => 1,
        }
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::finite(BigDecimal::from(number))
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::finite(BigDecimal::from(number))
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let number = BigDecimal::from_str(text).map_err(|_| NotANumber)?;
        let (digits, scale) = number.as_bigint_and_exponent();
        let written = digit_count(&digits).max(0).saturating_add(scale.abs());
        if written > MOST_DIGITS {
            return Err(NotANumber);
        }
        Ok(Self::finite(number))
    }
}

/// About how many decimal digits the number has.
fn digit_count(number: &BigInt) -> i64 {
    // log10(2) is a little over 3/10.
    i64::try_from(number.abs().bits() * 3 / 10 + 1).unwrap_or(i64::MAX)
}

impl fmt::Display for Number {
    /// Decimal digits without an exponent.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite(number) if number.is_zero() => out.write_str("0"),
            Self::Finite(number) => out.write_str(&number.to_plain_string()),
            Self::Infinity => out.write_str("Infinity"),
            Self::NegativeInfinity => out.write_str("-Infinity"),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Finite(one), Self::Finite(two)) => one.cmp(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_do_not_fit_a_machine_number_stay_exact() {
        let big: Number = "1180591620717411303424".parse().expect("2^70");
        assert_eq!(big.to_i64(), None);
        assert_eq!(big.to_string(), "1180591620717411303424");
        assert_eq!(big.to_exact_f64(), Some(1_180_591_620_717_411_303_424.0));
        let tenth: Number = "0.1".parse().expect("0.1");
        assert_eq!(tenth.to_exact_f64(), None);
        assert_eq!(tenth.to_string(), "0.1");
    }

    #[test]
    fn the_spelling_makes_no_difference() {
        for (one, two) in [("1", "1.0"), ("10", "1e1"), ("0", "-0"), ("0.50", "5e-1")] {
            assert_eq!(one.parse::<Number>(), two.parse::<Number>(), "{one} {two}");
        }
        assert!(Number::NegativeInfinity < Number::from(i64::MIN));
        assert!(Number::from(u64::MAX) < Number::Infinity);
    }

    #[test]
    fn a_short_text_cannot_ask_for_endless_digits() {
        assert_eq!("1e999999999".parse::<Number>(), Err(NotANumber));
        assert_eq!("1e-999999999".parse::<Number>(), Err(NotANumber));
        assert_eq!("".parse::<Number>(), Err(NotANumber));
        assert_eq!("NaN".parse::<Number>(), Err(NotANumber));
    }
}
