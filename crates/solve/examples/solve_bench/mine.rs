//! Our side of the comparison, in a process of its own.

use std::{
    fs::{self, File},
    io::{BufReader, Write, stdout},
    path::{Path, PathBuf},
    time::Instant,
};

use escadre_catalog::{Catalog, CatalogBuilder, debian};
use escadre_model::inventory::PackageKind;
use escadre_solve::{Options, Request, Wanted, solve};
use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;

/// Opens, solves, writes the answer and what it took.
pub(crate) fn run(mode: &str, folder: &Path, seeds: &Path, answer: &Path) -> Outcome<()> {
    let start = Instant::now();
    let catalog = match mode {
        "text" => from_text(folder)?,
        _ => Catalog::from_bytes(fs::read(folder.join("index"))?)?,
    };
    let loaded = start.elapsed();
    let names = fs::read_to_string(seeds)?;
    let solution = solve(&catalog, &request(names.split_whitespace()))?;
    let solved = start.elapsed();
    let mut lines = String::new();
    for chosen in &solution.packages {
        let id = chosen.package;
        lines.extend([catalog.name(id), " ", catalog.version(id), "\n"]);
    }
    fs::write(answer, lines)?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next());
    writeln!(
        stdout(),
        "{{\"packages\": {}, \"cpu\": {}, \"peak\": {}, \"load\": {}, \"solve\": {}}}",
        solution.packages.len(),
        cpu(),
        peak.unwrap_or("0"),
        loaded.as_secs_f64() * 1e3,
        (solved - loaded).as_secs_f64() * 1e3
    )?;
    Ok(())
}

/// Seconds of CPU that this process took so far.
pub(crate) fn cpu() -> f64 {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9
}

/// A machine of one architecture, on which nothing is installed.
pub(crate) fn options() -> Options {
    Options {
        architectures: vec!["amd64".to_owned()],
        ..Options::default()
    }
}

/// Asks for names.
pub(crate) fn request<'n>(names: impl Iterator<Item = &'n str>) -> Request {
    Request {
        wanted: names.map(Wanted::any).collect(),
        options: options(),
        ..Request::default()
    }
}

/// Reads all lists of a folder.
pub(crate) fn from_text(folder: &Path) -> Outcome<Catalog> {
    let mut lists: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        lists.push(entry?.path());
    }
    lists.retain(|path| path.to_string_lossy().ends_with("_Packages"));
    lists.sort();
    let mut builder = CatalogBuilder::new(PackageKind::Deb);
    for list in lists {
        let name = list.display().to_string();
        builder.begin_source(&name)?;
        let input = BufReader::with_capacity(256 << 10, File::open(&list)?);
        debian::packages::read(&name, input, &mut builder)?;
    }
    Ok(builder.finish()?.0)
}
