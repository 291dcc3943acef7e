//! Amounts of bytes.

use std::{fmt, iter::Sum, ops::Add, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount of bytes. Shown with binary units (`1.5 MiB`), parsed with either kind (`5MB`, `5MiB`, `5m`, `5`).
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteCount(pub u64);

/// A text that is no amount of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of bytes; write for example 500MB, 2GiB or 1048576")]
pub struct ByteCountError(String);

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.0 == 0 {
            0
        } else {
            (self.0.ilog2() / 10) as usize
        };
        let value = self.0 as f64 / (1u64 << (unit * 10)) as f64;
        match (unit, value < 10.0) {
            (0, _) => write!(f, "{} B", self.0),
            (_, true) => write!(f, "{value:.1} {}", UNITS[unit]),
            (_, false) => write!(f, "{value:.0} {}", UNITS[unit]),
        }
    }
}

impl FromStr for ByteCount {
    type Err = ByteCountError;
    fn from_str(text: &str) -> Result<Self, ByteCountError> {
        let wrong = || ByteCountError(text.to_owned());
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let number: f64 = trimmed[..split].parse().map_err(|_| wrong())?;
        let factor = match trimmed[split..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1u64,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            _ => return Err(wrong()),
        };
        let bytes = number * factor as f64;
        if bytes.is_finite() && bytes < 9e18 {
            Ok(Self(bytes as u64))
        } else {
            Err(wrong())
        }
    }
}

impl Add for ByteCount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for ByteCount {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self(0), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_and_read() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (10 << 20, "10 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(ByteCount(bytes).to_string(), text);
        }
        for (text, bytes) in [
            ("5MB", 5_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("7", 7),
            ("2k", 2048),
        ] {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)));
        }
        for bad in ["", "MB", "5 apples", "1e400", "-3"] {
            assert!(bad.parse::<ByteCount>().is_err(), "{bad}");
        }
    }
}
