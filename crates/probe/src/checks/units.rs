//! Failed units of systemd. On a machine that it does not run there are none.

use std::time::Duration;

use escadre_model::check::{CheckState, Perf};

use super::{Arguments, Finding};
use crate::inventory::runs_systemd;
use crate::program;

const TIME: Duration = Duration::from_secs(20);

pub(super) fn find(mut arguments: Arguments) -> Result<Finding, String> {
    let ignored = arguments.take("ignore").unwrap_or_default();
    arguments.end()?;
    if !runs_systemd() {
        return Ok(Finding::new(
            CheckState::Ok,
            "systemd does not run here: no units",
        ));
    }
    let argv = [
        "systemctl",
        "list-units",
        "--state=failed",
        "--plain",
        "--no-legend",
        "--no-pager",
        "--full",
    ];
    let listed = program::ask(&argv, TIME).ok_or("systemctl does not answer")?;
    Ok(judge(&listed, &ignored))
}

/// `UNIT LOAD ACTIVE SUB DESCRIPTION`, one a line.
fn judge(listed: &str, ignored: &str) -> Finding {
    let is_ignored = |unit: &str| ignored.split(',').any(|name| name.trim() == unit);
    let failed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|unit| !is_ignored(unit))
        .collect();
    let (state, output) = match failed[..] {
        [] => (CheckState::Ok, "no failed units".to_owned()),
        [one] => (CheckState::Critical, format!("{one} has failed")),
        [first, second] => (
            CheckState::Critical,
            format!("2 units have failed: {first}, {second}"),
        ),
        [first, second, ..] => (
            CheckState::Critical,
            format!("{} units have failed: {first}, {second}, …", failed.len()),
        ),
    };
    let perf = Perf {
        label: "failed".to_owned(),
        value: failed.len() as f64,
        unit: String::new(),
        warning: None,
        critical: Some(0.0),
        min: Some(0.0),
        max: None,
    };
    let long_output = if failed.len() > 2 {
        failed.join("\n")
    } else {
        String::new()
    };
    Finding {
        long_output,
        ..Finding::new(state, output).with([perf])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_units() {
        let listed = "a.service loaded failed failed A\nb.mount loaded failed failed B\nc.timer loaded failed failed C\n";
        for (listed, ignored, state, output, long) in [
            ("", "", CheckState::Ok, "no failed units", ""),
            (
                listed,
                "a.service, b.mount,c.timer",
                CheckState::Ok,
                "no failed units",
                "",
            ),
            (
                listed,
                "a.service,b.mount",
                CheckState::Critical,
                "c.timer has failed",
                "",
            ),
            (
                listed,
                "b.mount",
                CheckState::Critical,
                "2 units have failed: a.service, c.timer",
                "",
            ),
            (
                listed,
                "",
                CheckState::Critical,
                "3 units have failed: a.service, b.mount, …",
                "a.service\nb.mount\nc.timer",
            ),
        ] {
            let finding = judge(listed, ignored);
            assert_eq!(
                (
                    finding.state,
                    finding.output.as_str(),
                    finding.long_output.as_str()
                ),
                (state, output, long)
            );
        }
    }
}
