//! Services: systemd's, or the scripts of `/etc/init.d` where systemd does not run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use escadre_model::inventory::Service;

use crate::{files, program};

const TIME: Duration = Duration::from_secs(20);

pub(super) fn collect() -> Vec<Service> {
    if runs_systemd() { systemd() } else { scripts() }
}

/// True when systemd is the service manager now, not merely installed (sd_booted(3)).
pub(crate) fn runs_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn systemd() -> Vec<Service> {
    let list = |verb| {
        let argv = [
            "systemctl",
            verb,
            "--type=service",
            "--all",
            "--plain",
            "--no-legend",
            "--no-pager",
            "--full",
        ];
        program::ask(&argv, TIME).unwrap_or_default()
    };
    parse_systemd(&list("list-units"), &list("list-unit-files"))
}

/// `UNIT LOAD ACTIVE SUB DESCRIPTION` and `UNIT STATE [PRESET]`. Units that are only mentioned are left out.
fn parse_systemd(units: &str, files: &str) -> Vec<Service> {
    let enabled: BTreeMap<&str, Option<bool>> = files
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, state) = (words.next()?, words.next()?);
            let enabled = match state {
                "enabled" | "enabled-runtime" => Some(true),
                "disabled" | "masked" | "masked-runtime" => Some(false),
                _ => None,
            };
            Some((name, enabled))
        })
        .collect();
    let mut services = BTreeMap::new();
    for line in units.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [name, load, active, sub, ..] = words[..] else {
            continue;
        };
        if load == "not-found" {
            continue;
        }
        let state = match (active, sub) {
            ("failed", _) => "failed",
            (_, "running") => "running",
            ("active" | "inactive", _) => "stopped",
            _ => "",
        };
        let enabled = enabled.get(name).copied().flatten();
        services.insert(
            name.to_owned(),
            Service {
                name: name.to_owned(),
                state: state.to_owned(),
                enabled,
            },
        );
    }
    services.into_values().collect()
}

fn scripts() -> Vec<Service> {
    let enabled = enabled_scripts();
    let programs = running_programs();
    files::names("/etc/init.d")
        .into_iter()
        .filter(|name| {
            !matches!(
                name.as_str(),
                "README" | "functions" | "skeleton" | ".depend.boot"
            )
        })
        .filter(|name| !name.starts_with('.'))
        .map(|name| {
            let script = files::text(Path::new("/etc/init.d").join(&name));
            Service {
                state: script_state(&script, &programs).to_owned(),
                enabled: Some(enabled.contains(&name)),
                name,
            }
        })
        .collect()
}

/// A script that names its program is running when that program is; of the others nothing is known.
fn script_state(script: &str, programs: &BTreeSet<String>) -> &'static str {
    match files::assigned(script, "DAEMON")
        .filter(|path| path.starts_with('/') && !path.contains('$'))
    {
        None => "",
        Some(path) => {
            let real = std::fs::canonicalize(path).map(|real| real.to_string_lossy().into_owned());
            if real.is_ok_and(|real| programs.contains(&real)) {
                "running"
            } else {
                "stopped"
            }
        }
    }
}

/// Scripts with a start link in a multi-user runlevel or in `rcS.d`.
fn enabled_scripts() -> BTreeSet<String> {
    ["/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rcS.d"]
        .iter()
        .flat_map(files::names)
        .filter_map(|link| {
            link.strip_prefix('S')
                .and_then(|rest| rest.get(2..))
                .map(str::to_owned)
        })
        .collect()
}

fn running_programs() -> BTreeSet<String> {
    files::names("/proc")
        .into_iter()
        .filter(|name| name.bytes().all(|c| c.is_ascii_digit()))
        .filter_map(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_lists() {
        let units = "cron.service loaded active running Regular background program\n\
                     apt-daily.service loaded inactive dead Daily apt\n\
                     bad.service loaded failed failed It broke\n\
                     ghost.service not-found inactive dead ghost.service\n\
                     getty@tty1.service loaded active running Getty on tty1\n\
                     keyboard-setup.service loaded active exited Set the keyboard\n\n";
        let files = "cron.service enabled enabled\napt-daily.service static -\nbad.service masked enabled\n";
        let services: Vec<_> = parse_systemd(units, files)
            .into_iter()
            .map(|s| (s.name, s.state, s.enabled))
            .collect();
        let expected = [
            ("apt-daily.service", "stopped", None),
            ("bad.service", "failed", Some(false)),
            ("cron.service", "running", Some(true)),
            ("getty@tty1.service", "running", None),
            ("keyboard-setup.service", "stopped", None),
        ];
        assert_eq!(
            services,
            expected.map(|(n, s, e)| (n.to_owned(), s.to_owned(), e))
        );
    }

    #[test]
    fn scripts_that_name_their_program() {
        let own = std::env::current_exe()
            .and_then(std::fs::canonicalize)
            .expect("a test knows its program");
        let programs = running_programs();
        assert_eq!(
            script_state(&format!("DAEMON={}\n", own.display()), &programs),
            "running"
        );
        assert_eq!(
            script_state("DAEMON=/usr/sbin/nothing-like-it\n", &programs),
            "stopped"
        );
        assert_eq!(script_state("DAEMON=$PREFIX/x\n", &programs), "");
    }
}
