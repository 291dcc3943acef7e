//! A process, looked at from outside by `/proc`.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Command},
};

use crate::Outcome;

/// In a second; the same on every Linux, whatever its kernel counts by.
const TICKS: f64 = 100.0;

/// Ended by a signal when dropped.
pub(crate) struct Process(Child);

/// In MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// `VmRSS`.
    pub(crate) resident: f64,
    /// `RssAnon`: heap and stacks.
    pub(crate) own: f64,
    /// `RssFile`: code and constants, which can be read again.
    pub(crate) file: f64,
    /// `VmHWM`.
    pub(crate) peak: f64,
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn memory(&self) -> Outcome<Memory> {
        let status = self.read("status")?;
        let field = |name| field(&status, name).map(|kilobytes| kilobytes as f64 / 1024.0);
        Ok(Memory {
            resident: field("VmRSS")?,
            own: field("RssAnon")?,
            file: field("RssFile")?,
            peak: field("VmHWM")?,
        })
    }

    /// Times that each thread gave up the processor by itself: it waited, and was woken.
    pub(crate) fn switches(&self) -> Outcome<BTreeMap<String, u64>> {
        let mut switches = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let thread = thread?;
            // It may end between the two.
            if let Ok(status) = fs::read_to_string(thread.path().join("status")) {
                let name = thread.file_name().to_string_lossy().into_owned();
                switches.insert(name, field(&status, "voluntary_ctxt_switches")?);
            }
        }
        if switches.is_empty() {
            return Err("the agent is gone".into());
        }
        Ok(switches)
    }

    /// Seconds of all its threads so far.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = self.read("stat")?;
        // The name in parentheses may hold anything: count from behind it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in a stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let mut sum = 0;
        for field in [11, 12] {
            sum += fields.get(field).ok_or("a short stat")?.parse::<u64>()?;
        }
        Ok(sum as f64 / TICKS)
    }

    fn read(&self, file: &str) -> Outcome<String> {
        Ok(fs::read_to_string(format!("/proc/{}/{file}", self.0.id()))?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.0.kill());
        }
        drop(self.0.wait());
    }
}

fn field(status: &str, name: &str) -> Outcome<u64> {
    let value = status.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        value.split_whitespace().next()?.parse().ok()
    });
    value.ok_or_else(|| format!("a status without {name}").into())
}
