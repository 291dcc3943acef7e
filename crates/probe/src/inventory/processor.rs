//! The processor, from `/proc/cpuinfo` and the topology in `/sys`.

use std::collections::BTreeSet;

use escadre_model::inventory::Cpu;

use crate::files;

pub(super) fn collect() -> Cpu {
    let cpuinfo = files::text("/proc/cpuinfo");
    let topology = topology();
    let mut cpu = parse(&cpuinfo);
    if !topology.is_empty() {
        cpu.threads = count(topology.len());
        cpu.sockets = count(
            topology
                .iter()
                .map(|(package, _)| package)
                .collect::<BTreeSet<_>>()
                .len(),
        );
        cpu.cores = count(topology.iter().collect::<BTreeSet<_>>().len());
    }
    if let Some(khz) = files::number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq") {
        cpu.mhz = u32::try_from(khz / 1000).ok();
    }
    cpu
}

/// Package and core of each thread that is online.
fn topology() -> Vec<(u64, u64)> {
    let root = std::path::Path::new("/sys/devices/system/cpu");
    files::names(root)
        .into_iter()
        .filter(|name| {
            name.strip_prefix("cpu")
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()))
        })
        .filter_map(|name| {
            let folder = root.join(name).join("topology");
            let core = files::number(folder.join("core_id"))?;
            Some((
                files::number(folder.join("physical_package_id")).unwrap_or(0),
                core,
            ))
        })
        .collect()
}

fn parse(cpuinfo: &str) -> Cpu {
    let value = |keys: &[&str]| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            keys.contains(&key.trim()).then(|| value.trim().to_owned())
        })
    };
    let threads = count(
        cpuinfo
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count(),
    );
    let flags = value(&["flags", "Features"]).unwrap_or_default();
    let mhz = value(&["cpu MHz", "clock"])
        .and_then(|text| text.trim_end_matches("MHz").parse::<f64>().ok());
    Cpu {
        model: value(&["model name", "Model", "cpu", "Hardware"]).unwrap_or_default(),
        sockets: u32::from(threads > 0),
        cores: threads,
        threads,
        mhz: mhz
            .filter(|mhz| (1.0..1e6).contains(mhz))
            .map(|mhz| mhz as u32),
        flags: flags.split_whitespace().map(str::to_owned).collect(),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_of_processors() {
        let intel = "processor\t: 0\nmodel name\t: Intel(R) N100\ncpu MHz\t\t: 806.400\nflags\t\t: fpu avx2\n\nprocessor\t: 1\n";
        let cpu = parse(intel);
        assert_eq!(
            (cpu.model.as_str(), cpu.threads, cpu.mhz),
            ("Intel(R) N100", 2, Some(806))
        );
        assert_eq!(cpu.flags, ["fpu", "avx2"]);
        let arm = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n";
        let cpu = parse(arm);
        assert_eq!(
            (cpu.model.as_str(), cpu.threads, cpu.mhz),
            ("Raspberry Pi 4 Model B Rev 1.4", 1, None)
        );
        assert_eq!(cpu.flags, ["fp", "asimd"]);
        assert_eq!(parse(""), Cpu::default());
    }
}
