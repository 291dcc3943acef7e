//! The result of a delivery in OCS's words, for the screens, exports and people that know them (the OCS reference §11).

use escadre_model::delivery::{DeliveryState, Refusal};

/// OCS's code. Its own screens class codes by their beginning: `NOTI`, `SUCCESS`, `ERR` or `EXIT_CODE`; every code given here
/// falls in the class of its state. `exit_code` is that of the action, when it ran to its end.
pub fn ocs_code(state: DeliveryState, exit_code: Option<i32>, refusal: Option<&Refusal>) -> String {
    use DeliveryState::*;
    match (state, exit_code) {
        (Assigned, _) => "WAITING".to_owned(),
        (Notified | Postponed | Fetching | Verified | Applying | Observing, _) => {
            "NOTIFIED".to_owned()
        }
        (Succeeded, _) => "SUCCESS".to_owned(),
        // Ended well by its exit code, but not observed to have worked; or not even started.
        (Failed, Some(0) | None) => "ERR_EXECUTE".to_owned(),
        (Failed, Some(code)) => format!("EXIT_CODE_{code}"),
        (Interrupted, _) => "ERR_EXECUTE_NO_EXIT_CODE".to_owned(),
        (Refused, _) => refused(refusal).to_owned(),
        (Cancelled, _) => "ERR_ABORTED".to_owned(),
        (Expired, _) => "ERR_TIMEOUT".to_owned(),
        (Undone, _) => "ERR_DONE_FAILED".to_owned(),
    }
}

fn refused(refusal: Option<&Refusal>) -> &'static str {
    match refusal {
        Some(
            Refusal::BadSignature { .. }
            | Refusal::UnknownPublisher { .. }
            | Refusal::Metadata { .. },
        ) => "ERR_DOWNLOAD_INFO",
        Some(Refusal::Expired { .. }) => "ERR_TIMEOUT",
        Some(Refusal::Corrupt { .. }) => "ERR_BAD_DIGEST",
        Some(Refusal::UnsafeContent { .. }) => "ERR_UNZIP",
        Some(Refusal::NoSpace { .. }) => "ERR_OUT_OF_SPACE",
        Some(Refusal::WrongTarget { .. } | Refusal::Downgrade { .. }) | None => "ERR_BAD_PARAM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_in_its_class() {
        for state in DeliveryState::ALL {
            for exit in [None, Some(0), Some(3), Some(-1_073_741_510)] {
                let code = ocs_code(state, exit, None);
                let class = if state == DeliveryState::Assigned {
                    code == "WAITING"
                } else if state == DeliveryState::Succeeded {
                    code.starts_with("SUCCESS")
                } else if state.is_final() {
                    code.starts_with("ERR") || code.starts_with("EXIT_CODE")
                } else {
                    code.starts_with("NOTI")
                };
                assert!(class, "{state:?} {exit:?}: {code}");
            }
        }
    }

    #[test]
    fn known_codes() {
        let space = Refusal::NoSpace {
            needed: 2,
            free: 1,
            mount: "/".into(),
        };
        for (state, exit, refusal, code) in [
            (DeliveryState::Failed, Some(3), None, "EXIT_CODE_3"),
            (DeliveryState::Failed, None, None, "ERR_EXECUTE"),
            (
                DeliveryState::Refused,
                None,
                Some(&space),
                "ERR_OUT_OF_SPACE",
            ),
            (
                DeliveryState::Refused,
                None,
                Some(&Refusal::Corrupt { what: "x".into() }),
                "ERR_BAD_DIGEST",
            ),
            (DeliveryState::Cancelled, None, None, "ERR_ABORTED"),
        ] {
            assert_eq!(ocs_code(state, exit, refusal), code);
        }
    }
}
