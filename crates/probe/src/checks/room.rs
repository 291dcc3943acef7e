//! Room and inodes of a file system.

use escadre_model::check::{CheckState, Perf};
use escadre_watch::threshold::Thresholds;
use rustix::fs::StatVfs;

use super::memory::share;
use super::{Arguments, Finding};
use crate::inventory::is_mounted;

pub(super) fn find_room(arguments: Arguments) -> Result<Finding, String> {
    look(arguments, |mount, room, thresholds| {
        // What is kept for root is neither used nor free: `df` counts the same way.
        let used = room
            .f_blocks
            .saturating_sub(room.f_bfree)
            .saturating_mul(room.f_frsize);
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        share(mount, used, used.saturating_add(free), thresholds)
    })
}

pub(super) fn find_inodes(arguments: Arguments) -> Result<Finding, String> {
    look(arguments, |mount, room, thresholds| {
        inodes(mount, room.f_files, room.f_ffree, thresholds)
    })
}

fn look(
    mut arguments: Arguments,
    judge: impl Fn(&str, StatVfs, Thresholds) -> Finding,
) -> Result<Finding, String> {
    let mount = arguments.take("mount").unwrap_or_else(|| "/".to_owned());
    let thresholds = arguments.thresholds(80.0, 90.0)?;
    arguments.end()?;
    if !is_mounted(&mount) {
        return Ok(Finding::new(
            CheckState::Critical,
            format!("{mount} is not mounted"),
        ));
    }
    match rustix::fs::statvfs(mount.as_str()) {
        Ok(room) => Ok(judge(&mount, room, thresholds)),
        Err(error) => Ok(Finding::new(
            CheckState::Critical,
            format!("{mount} does not answer: {error}"),
        )),
    }
}

fn inodes(mount: &str, total: u64, free: u64, thresholds: Thresholds) -> Finding {
    if total == 0 {
        return Finding::new(CheckState::Ok, format!("{mount} does not count inodes"));
    }
    let used = total.saturating_sub(free);
    let percent = used as f64 * 100.0 / total as f64;
    let limit = |range: Option<escadre_watch::threshold::Range>| {
        range
            .and_then(|range| range.plain())
            .map(|percent| (percent / 100.0 * total as f64).round())
    };
    let perf = Perf {
        label: "used".to_owned(),
        value: used as f64,
        unit: String::new(),
        warning: limit(thresholds.warning),
        critical: limit(thresholds.critical),
        min: Some(0.0),
        max: Some(total as f64),
    };
    let output = format!("{percent:.1} % of the inodes of {mount} in use, {free} of {total} free");
    Finding::new(thresholds.judge(percent), output).with([perf])
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_watch::threshold::Range;

    #[test]
    fn inodes_in_percent() {
        let limits = Thresholds {
            warning: Some(Range::up_to(80.0)),
            critical: Some(Range::up_to(90.0)),
        };
        for (total, free, state, output) in [
            (
                100,
                50,
                CheckState::Ok,
                "50.0 % of the inodes of /x in use, 50 of 100 free",
            ),
            (
                1000,
                1,
                CheckState::Critical,
                "99.9 % of the inodes of /x in use, 1 of 1000 free",
            ),
            (0, 0, CheckState::Ok, "/x does not count inodes"),
        ] {
            let finding = inodes("/x", total, free, limits);
            assert_eq!((finding.state, finding.output.as_str()), (state, output));
        }
    }
}
