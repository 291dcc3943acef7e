//! The INVENTORY message (the OCS reference §4): from its rows to a [`Machine`].
//!
//! Sections come in any order (Windows agents send HARDWARE last), so rows are gathered first, so many of each at most,
//! and read together at the end. Unknown sections are passed over, as the reference server does.
//!
//! Absent on purpose: CHECKSUM. It says what changed since an inventory that the reader may never have seen; what is
//! read here is always whole.

mod devices;
mod hardware;
mod network;
mod software;
mod storage;
mod system;
mod values;

use std::collections::BTreeMap;

use escadre_model::{Problem, inventory::Inventory};

use crate::{
    OcsError,
    message::{Row, Rows},
    problems::Problems,
    text,
};
use software::Software;

/// What an agent says of its machine.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Machine {
    /// `NAME-YYYY-MM-DD-HH-MM-SS`: name of the host and the agent's first run.
    pub device_id: String,
    /// What it was before a renaming, if the agent says so.
    pub old_device_id: Option<String>,
    /// The agent, as `VERSIONCLIENT` says. OCS's own leave it out and say it in the header `User-Agent` only: where this is
    /// empty, who received the message knows better.
    pub agent: String,
    /// `TAG` of the administrative data; empty without.
    pub tag: String,
    /// The facts. [`Inventory::taken`] is the agent's `LASTDATE`, which tells no time zone: its wall clock read as UTC.
    pub inventory: Inventory,
    /// Software of no package manager that [`Inventory::packages`] knows: Windows programs, snaps, what lies about.
    pub programs: Vec<Program>,
    /// Bundles of OCS that the agent has received (`DOWNLOAD`/`HISTORY`).
    pub history: Vec<String>,
}

/// Software that is neither of dpkg nor of rpm.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Who made it.
    pub publisher: String,
    /// Where the agent knows it from (`snap`, `flatpak`), or empty.
    pub source: String,
}

/// Reads an inventory. Problems are what was odd and read nevertheless, or passed over; an error means that the document
/// is no whole inventory.
pub fn read(xml: &[u8]) -> Result<(Machine, Vec<Problem>), OcsError> {
    let mut problems = Problems::default();
    let text = text::decode(xml, &mut problems)?;
    let mut rows = Rows::new(&text);
    let mut sections = Sections::default();
    while let Some(row) = rows.next(&mut problems)? {
        sections.put(row, &mut problems);
    }
    let machine = sections.machine(&mut problems)?;
    Ok((machine, problems.finish()))
}

/// Sections that are read, and how many rows of each at most.
const KNOWN: [(&str, usize); 18] = [
    ("ACCOUNTINFO", 256),
    ("BIOS", 1),
    ("CONTROLLERS", 4096),
    ("CPUS", 1024),
    ("DEVICEID", 1),
    ("DOWNLOAD", 16),
    ("DRIVES", 4096),
    ("HARDWARE", 1),
    ("INPUTS", 256),
    ("MEMORIES", 1024),
    ("MODEMS", 64),
    ("NETWORKS", 4096),
    ("OLD_DEVICEID", 1),
    ("QUERY", 1),
    ("SOUNDS", 64),
    ("STORAGES", 4096),
    ("USBDEVICES", 1024),
    ("VIDEOS", 64),
];
/// The most rows of SOFTWARES.
const SOFTWARE_LIMIT: usize = 50_000;

/// The rows of a message by their section.
#[derive(Debug, Default)]
struct Sections {
    rows: BTreeMap<&'static str, Vec<Row>>,
    software: Vec<Software>,
    agent: String,
    left_out: BTreeMap<&'static str, u32>,
}

impl Sections {
    fn put(&mut self, row: Row, problems: &mut Problems) {
        let is_envelope = matches!(row.section.as_str(), "DEVICEID" | "QUERY");
        if row.section == "VERSIONCLIENT" && self.agent.is_empty() {
            self.agent = row.text;
        } else if row.section == "SOFTWARES" {
            if self.software.len() < SOFTWARE_LIMIT {
                self.software.push(Software::read(&row, problems));
            } else {
                *self.left_out.entry("SOFTWARES").or_default() += 1;
            }
        } else if let Some((section, most)) = KNOWN.iter().find(|(name, _)| *name == row.section)
            && is_envelope == row.in_envelope
        {
            let rows = self.rows.entry(section).or_default();
            if rows.len() < *most {
                rows.push(row);
            } else {
                *self.left_out.entry(section).or_default() += 1;
            }
        }
    }

    fn all(&self, section: &str) -> &[Row] {
        self.rows.get(section).map_or(&[], Vec::as_slice)
    }

    /// The row of a section that has one; an empty one if it is not there.
    fn one(&self, section: &str) -> Row {
        self.all(section).first().cloned().unwrap_or_default()
    }

    fn machine(self, problems: &mut Problems) -> Result<Machine, OcsError> {
        let query = self.one("QUERY").text;
        if query != "INVENTORY" {
            return Err(OcsError::NotAnInventory(query));
        }
        let device_id = self.one("DEVICEID").text;
        let Some(host) = host_of(&device_id) else {
            return Err(OcsError::DeviceId(device_id));
        };
        for (section, count) in &self.left_out {
            let message =
                format!("{count} more of {section} than any real machine has; passed over");
            problems.warn(0, "ocs.too-many-rows", message);
        }
        let inventory = self.inventory(host, problems);
        let (packages, programs) = software::split(&self.software, &inventory.os);
        let history = self.all("DOWNLOAD").iter().flat_map(|row| row.all("ID"));
        Ok(Machine {
            old_device_id: self.old_device_id(),
            tag: self.tag(),
            history: history.map(str::to_owned).collect(),
            agent: self.agent,
            inventory: Inventory {
                packages,
                ..inventory
            },
            programs,
            device_id,
        })
    }

    fn inventory(&self, host: &str, problems: &mut Problems) -> Inventory {
        let hardware = self.one("HARDWARE");
        if self.all("HARDWARE").is_empty() {
            problems.warn(
                0,
                "ocs.no-hardware",
                "no HARDWARE: the agent tells next to nothing",
            );
        }
        let os = system::os(&hardware, self.all("CPUS"), &self.software);
        Inventory {
            taken: values::time(&hardware, "LASTDATE", problems),
            hostname: hostname(hardware.get("NAME"), host),
            cpu: hardware::cpu(&hardware, self.all("CPUS"), &os, problems),
            memory: hardware::memory(&hardware, self.all("MEMORIES"), problems),
            swap: values::mebibytes(&hardware, "SWAP", problems),
            disks: storage::disks(self.all("STORAGES"), &os, problems),
            mounts: storage::mounts(self.all("DRIVES"), problems),
            networks: network::networks(self.all("NETWORKS"), problems),
            devices: devices::devices(|section| self.all(section)),
            machine: hardware::machine(&self.one("BIOS"), &hardware),
            os,
            ..Inventory::default()
        }
    }

    /// Windows agents nest it inside HISTORY, others do not.
    fn old_device_id(&self) -> Option<String> {
        let direct = self.one("OLD_DEVICEID").text;
        let downloads = self.all("DOWNLOAD").iter();
        let mut found = downloads.map(|row| row.get("OLD_DEVICEID").to_owned());
        let id = found.find(|id| !id.is_empty()).unwrap_or(direct);
        host_of(&id).is_some().then_some(id)
    }

    fn tag(&self) -> String {
        let pairs = self.all("ACCOUNTINFO").iter();
        let mut tags = pairs.filter(|row| row.get("KEYNAME") == "TAG");
        tags.next().map_or("", |row| row.get("KEYVALUE")).to_owned()
    }
}

/// The part of a DEVICEID before `-YYYY-MM-DD-HH-MM-SS`; any text may stand there, with dots, spaces and accents.
fn host_of(device_id: &str) -> Option<&str> {
    const STAMP: &[u8] = b"-dddd-dd-dd-dd-dd-dd";
    let split = device_id.len().checked_sub(STAMP.len())?;
    let (host, stamp) = device_id.split_at_checked(split)?;
    let fits = |(byte, pattern): (&u8, &u8)| match pattern {
        b'd' => byte.is_ascii_digit(),
        _ => byte == pattern,
    };
    let is_stamp = stamp.as_bytes().iter().zip(STAMP).all(fits);
    (is_stamp && !host.is_empty() && host.len() <= 255).then_some(host)
}

/// The host's name without domain; an agent that does not say it has it in its DEVICEID.
fn hostname(name: &str, host: &str) -> String {
    let name = if name.is_empty() { host } else { name };
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() { name } else { short }.to_owned()
}

#[cfg(test)]
mod sample {
    use crate::message::{Row, Rows};
    use crate::problems::Problems;

    /// A row with these fields, as a message brings it.
    pub(super) fn row(section: &str, fields: &[(&str, &str)]) -> Row {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"));
        let fields: String = fields.collect();
        let document =
            format!("<REQUEST><CONTENT><{section}>{fields}</{section}></CONTENT></REQUEST>");
        let row = Rows::new(&document).next(&mut Problems::default());
        row.expect("a whole document").expect("one row")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids() {
        for (id, host) in [
            ("vm-2026-11-20-08-49-43", Some("vm")),
            ("PC-é 1.lan-2026-11-20-08-49-43", Some("PC-é 1.lan")),
            ("-2026-11-20-08-49-43", None),
            ("vm-2026-11-20-08-49", None),
            ("vm-2026-11-20-08-49-4x", None),
            ("é2026-11-20-08-49-43", None),
            ("", None),
        ] {
            assert_eq!(host_of(id), host, "{id}");
        }
    }

    #[test]
    fn hostnames() {
        for (name, host, expected) in [
            ("vm", "x", "vm"),
            ("vm.site.example", "x", "vm"),
            ("", "pc.example", "pc"),
            (".odd", "x", ".odd"),
        ] {
            assert_eq!(hostname(name, host), expected);
        }
    }
}
