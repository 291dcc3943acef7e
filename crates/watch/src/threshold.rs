//! Threshold ranges as the plugin guidelines write them: when does a number call for an alert?
//!
//! | text | alert when the number is |
//! |---|---|
//! | `10` | below 0 or above 10 |
//! | `10:` | below 10 |
//! | `~:10` | above 10 |
//! | `10:20` | below 10 or above 20 |
//! | `@10:20` | from 10 to 20, both included |

use std::{fmt, str::FromStr};

use escadre_model::check::CheckState;
use serde::{Deserialize, Serialize};

/// A range; outside of it (or, inverted, inside) there is an alert.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range {
    low: f64,
    high: f64,
    inverted: bool,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a threshold: {reason}; write for example 80, 10:20, ~:5 or @1:3")]
pub struct RangeError {
    /// As given.
    text: String,
    /// What is wrong.
    reason: &'static str,
}

impl Range {
    /// Alerts above this (and below 0).
    pub fn up_to(high: f64) -> Self {
        Self {
            low: 0.0,
            high,
            inverted: false,
        }
    }

    /// Whether the number calls for an alert. What is no number always does.
    pub fn alerts(&self, value: f64) -> bool {
        value.is_nan() || ((self.low <= value && value <= self.high) == self.inverted)
    }

    /// The upper end, if the range is written as that one number.
    pub fn plain(&self) -> Option<f64> {
        (self.low == 0.0 && self.high.is_finite() && !self.inverted).then_some(self.high)
    }
}

impl FromStr for Range {
    type Err = RangeError;
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let wrong = |reason| RangeError {
            text: text.to_owned(),
            reason,
        };
        let trimmed = text.trim();
        let (inverted, ends) = trimmed
            .strip_prefix('@')
            .map_or((false, trimmed), |ends| (true, ends));
        let number =
            |text: &str| crate::perfdata::number(text).ok_or_else(|| wrong("its ends are numbers"));
        let (low, high) = match ends.split_once(':') {
            None => (0.0, number(ends)?),
            Some((low, high)) => {
                let low = match low {
                    "~" => f64::NEG_INFINITY,
                    "" => 0.0,
                    low => number(low)?,
                };
                (
                    low,
                    if high.is_empty() {
                        f64::INFINITY
                    } else {
                        number(high)?
                    },
                )
            }
        };
        if low > high {
            return Err(wrong("it begins above its end"));
        }
        Ok(Self {
            low,
            high,
            inverted,
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.inverted { "@" } else { "" };
        match (self.low, self.high) {
            (f64::NEG_INFINITY, f64::INFINITY) => write!(f, "{at}~:"),
            (f64::NEG_INFINITY, high) => write!(f, "{at}~:{high}"),
            (low, f64::INFINITY) => write!(f, "{at}{low}:"),
            (0.0, high) => write!(f, "{at}{high}"),
            (low, high) => write!(f, "{at}{low}:{high}"),
        }
    }
}

impl TryFrom<String> for Range {
    type Error = RangeError;
    fn try_from(text: String) -> Result<Self, RangeError> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> String {
        range.to_string()
    }
}

/// The two ranges that most checks take.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Warning.
    pub warning: Option<Range>,
    /// Critical; looked at first.
    pub critical: Option<Range>,
}

impl Thresholds {
    /// The state that a number is in.
    pub fn judge(&self, value: f64) -> CheckState {
        let alerts = |range: Option<Range>| range.is_some_and(|range| range.alerts(value));
        if alerts(self.critical) {
            CheckState::Critical
        } else if alerts(self.warning) {
            CheckState::Warning
        } else {
            CheckState::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(range: &str, alerts: &[f64], fine: &[f64]) {
        let range: Range = range.parse().expect("a range");
        for value in alerts {
            assert!(range.alerts(*value), "{range} alerts at {value}");
        }
        for value in fine {
            assert!(!range.alerts(*value), "{range} is fine with {value}");
        }
    }

    #[test]
    fn as_the_guidelines_say() {
        check("10", &[-0.1, 10.1], &[0.0, 10.0]);
        check("10:", &[9.9, f64::NEG_INFINITY], &[10.0, 1e9]);
        check("~:10", &[10.1], &[10.0, -1e9]);
        check("10:20", &[9.9, 20.1], &[10.0, 20.0]);
        check("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]);
        check("@5", &[0.0, 5.0], &[-1.0, 5.1]);
        check("-5:-1", &[-6.0, 0.0], &[-3.0]);
        check("10", &[f64::NAN], &[]);
        check("@10", &[f64::NAN], &[]);
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "", "@", "a", "20:10", "1:2:3", "nan", "inf", "1 2", "~", "@~", "1e999",
        ] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
        let error = "20:10"
            .parse::<Range>()
            .expect_err("it is the wrong way round");
        assert_eq!(
            error.to_string(),
            "`20:10` is not a threshold: it begins above its end; write for example 80, 10:20, ~:5 or @1:3"
        );
    }

    #[test]
    fn critical_counts_first() {
        let thresholds = Thresholds {
            warning: Some(Range::up_to(80.0)),
            critical: Some(Range::up_to(90.0)),
        };
        for (value, state) in [
            (79.0, CheckState::Ok),
            (85.0, CheckState::Warning),
            (95.0, CheckState::Critical),
        ] {
            assert_eq!(thresholds.judge(value), state);
        }
        assert_eq!(Thresholds::default().judge(1e9), CheckState::Ok);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[@~:0-9.eE+ -]{0,12}") {
            if let Ok(range) = text.parse::<Range>() {
                prop_assert_eq!(range.to_string().parse::<Range>(), Ok(range));
            }
        }
    }
}
