//! A gate: a sentence over the results of a stage that says whether the next one may begin.

use escadre_model::delivery::DeliveryState;
use serde::{Deserialize, Serialize};

use super::Counts;

/// All of its conditions must hold. Without any it opens when every delivery of its stage is final.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// What must hold.
    pub conditions: Vec<Condition>,
}

/// One condition of a gate. Conditions over checks come beside these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// At least this share of the stage's deliveries has succeeded; opens the gate before the last one has ended.
    MinimumSucceeded {
        /// 0 to 100.
        percent: u8,
    },
    /// No more than this many deliveries of the stage failed, were refused, interrupted or expired.
    MaximumFailures {
        /// How many may.
        count: u32,
    },
}

/// What a gate says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The next stage may begin.
    Open,
    /// Too early to say.
    Wait,
    /// It can no longer hold; the sentence says why.
    Failed(String),
}

impl Gate {
    /// Judges the results of its stage.
    pub fn judge(&self, counts: &Counts) -> Verdict {
        let mut decided = counts.open() == 0;
        let mut pending = false;
        for condition in &self.conditions {
            match condition.judge(counts) {
                Verdict::Failed(reason) => return Verdict::Failed(reason),
                Verdict::Open => decided |= matches!(condition, Condition::MinimumSucceeded { .. }),
                Verdict::Wait => pending = true,
            }
        }
        if decided && !pending {
            Verdict::Open
        } else {
            Verdict::Wait
        }
    }
}

impl Condition {
    fn judge(self, counts: &Counts) -> Verdict {
        match self {
            Self::MinimumSucceeded { percent } => {
                let wanted = u64::from(percent) * u64::from(counts.total());
                let succeeded = u64::from(counts.of(DeliveryState::Succeeded));
                if succeeded * 100 >= wanted {
                    Verdict::Open
                } else if (succeeded + u64::from(counts.open())) * 100 < wanted {
                    Verdict::Failed(format!(
                        "{percent} % of {} hosts can no longer succeed: {} have not",
                        counts.total(),
                        counts.total() - counts.of(DeliveryState::Succeeded) - counts.open(),
                    ))
                } else {
                    Verdict::Wait
                }
            }
            Self::MaximumFailures { count } if counts.failures() > count => {
                Verdict::Failed(format!(
                    "{} deliveries failed, at most {count} may",
                    counts.failures()
                ))
            }
            Self::MaximumFailures { .. } => Verdict::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{MaximumFailures, MinimumSucceeded};

    fn check(conditions: &[Condition], (succeeded, failed, open): (u32, u32, u32), expected: &str) {
        let mut counts = Counts::default();
        for (state, count) in [
            (DeliveryState::Succeeded, succeeded),
            (DeliveryState::Failed, failed),
            (DeliveryState::Fetching, open),
        ] {
            (0..count).for_each(|_| counts.add(state));
        }
        let told = match (Gate {
            conditions: conditions.to_vec(),
        })
        .judge(&counts)
        {
            Verdict::Open => "open".to_owned(),
            Verdict::Wait => "wait".to_owned(),
            Verdict::Failed(reason) => reason,
        };
        assert_eq!(
            told, expected,
            "{conditions:?} with {succeeded}/{failed}/{open}"
        );
    }

    #[test]
    fn gates_decide_as_soon_as_it_is_certain() {
        check(&[], (0, 0, 1), "wait");
        check(&[], (0, 5, 0), "open");
        let share = MinimumSucceeded { percent: 95 };
        check(&[share], (94, 0, 6), "wait");
        check(&[share], (95, 0, 5), "open");
        check(&[share], (90, 5, 5), "wait");
        check(
            &[share],
            (90, 6, 4),
            "95 % of 100 hosts can no longer succeed: 6 have not",
        );
        let few = MaximumFailures { count: 1 };
        check(&[few], (3, 1, 1), "wait");
        check(&[few], (3, 1, 0), "open");
        check(&[few], (3, 2, 9), "2 deliveries failed, at most 1 may");
        check(&[share, few], (95, 1, 4), "open");
        check(
            &[share, few],
            (95, 2, 3),
            "2 deliveries failed, at most 1 may",
        );
        check(&[MinimumSucceeded { percent: 0 }], (0, 0, 3), "open");
    }
}
