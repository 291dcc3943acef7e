//! Which state of a delivery may follow which, in reports.
//!
//! | from \ to | assigned | notified, postponed, fetching, verified | applying | observing | succeeded, failed | interrupted | refused, cancelled, expired | undone |
//! |---|---|---|---|---|---|---|---|---|
//! | assigned | – | yes | yes | yes | yes | – | yes | – |
//! | notified, postponed, fetching, verified | – | yes | yes | yes | yes | – | yes | – |
//! | applying | – | – | yes | yes | yes | yes | – | yes |
//! | observing | – | – | – | yes | yes | – | – | yes |
//! | succeeded, failed, interrupted | – | – | – | – | – | – | – | yes |
//! | refused, cancelled, expired, undone | – | – | – | – | – | – | – | – |
//!
//! Steps may be left out, since an OCS agent says nothing between *notified* and its result. Before an action begins a delivery
//! may go back (put off by the user; content lost and fetched again). Once begun it never goes back to *not begun*.

use escadre_model::delivery::DeliveryState;

/// True if a delivery in state `from` may be reported in state `to`. The same state again is legal while it is not final
/// (progress, another attempt).
pub fn is_legal(from: DeliveryState, to: DeliveryState) -> bool {
    use DeliveryState::*;
    match to {
        Assigned => false,
        Notified | Postponed | Fetching | Verified | Refused | Cancelled | Expired => {
            from < Applying
        }
        Applying => from <= Applying,
        Observing | Succeeded | Failed => from <= Observing,
        Interrupted => from == Applying,
        Undone => matches!(
            from,
            Applying | Observing | Succeeded | Failed | Interrupted
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table above, one row per state, one column per state, in the order of [`DeliveryState::ALL`].
    const TABLE: [&str; 14] = [
        // a n p f v A O S F I R C E U
        ". x x x x x x x x . x x x .", // assigned
        ". x x x x x x x x . x x x .", // notified
        ". x x x x x x x x . x x x .", // postponed
        ". x x x x x x x x . x x x .", // fetching
        ". x x x x x x x x . x x x .", // verified
        ". . . . . x x x x x . . . x", // applying
        ". . . . . . x x x . . . . x", // observing
        ". . . . . . . . . . . . . x", // succeeded
        ". . . . . . . . . . . . . x", // failed
        ". . . . . . . . . . . . . x", // interrupted
        ". . . . . . . . . . . . . .", // refused
        ". . . . . . . . . . . . . .", // cancelled
        ". . . . . . . . . . . . . .", // expired
        ". . . . . . . . . . . . . .", // undone
    ];

    #[test]
    fn every_pair() {
        for (from, row) in DeliveryState::ALL.into_iter().zip(TABLE) {
            for (to, cell) in DeliveryState::ALL.into_iter().zip(row.split(' ')) {
                assert_eq!(is_legal(from, to), cell == "x", "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn nothing_returns_from_the_end_and_nothing_begun_is_called_back() {
        for from in DeliveryState::ALL {
            for to in DeliveryState::ALL {
                if from.is_final() && is_legal(from, to) {
                    assert_eq!(to, DeliveryState::Undone);
                }
                if from >= DeliveryState::Applying {
                    assert!(!is_legal(from, DeliveryState::Cancelled), "{from:?}");
                }
            }
        }
    }
}
