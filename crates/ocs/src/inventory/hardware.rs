//! Processor, memory, and maker of the machine.

use escadre_model::{
    ByteCount,
    inventory::{Cpu, Machine, Os},
};

use super::{system, values};
use crate::{message::Row, problems::Problems};

/// What makers and tools write instead of a value.
const FORGOTTEN: [&str; 8] = [
    "to be filled by o.e.m.",
    "system manufacturer",
    "system product name",
    "system serial number",
    "default string",
    "not specified",
    "none",
    "unknown",
];

/// The processor. Current agents send a row of CPUS for each socket; those before 2.0 only three fields of HARDWARE.
pub(super) fn cpu(hardware: &Row, cpus: &[Row], os: &Os, problems: &mut Problems) -> Cpu {
    let text = |field: &str| {
        let values = cpus.iter().map(|cpu| cpu.get(field));
        values.into_iter().find(|value| !value.is_empty())
    };
    let mut cpu = if cpus.is_empty() {
        counted_by_hardware(hardware, os, problems)
    } else {
        counted_by_rows(cpus, problems)
    };
    cpu.model = text("TYPE")
        .unwrap_or(hardware.get("PROCESSORT"))
        .to_owned();
    let clocks = [(hardware, "PROCESSORS")].into_iter();
    let rows = cpus
        .iter()
        .flat_map(|row| [(row, "CURRENT_SPEED"), (row, "SPEED")]);
    cpu.mhz = clocks
        .chain(rows)
        .find_map(|(row, field)| values::count(row, field, problems));
    cpu
}

fn counted_by_rows(cpus: &[Row], problems: &mut Problems) -> Cpu {
    let mut cpu = Cpu::default();
    for row in cpus {
        let cores = values::count(row, "CORES", problems).unwrap_or(1);
        let fields = ["LOGICAL_CPUS", "THREADS"];
        let threads = fields
            .iter()
            .find_map(|field| values::count(row, field, problems));
        cpu.sockets += 1;
        cpu.cores = cpu.cores.saturating_add(cores);
        cpu.threads = cpu.threads.saturating_add(threads.unwrap_or(cores));
    }
    cpu
}

/// PROCESSORN counts sockets on Windows and hardware threads elsewhere.
fn counted_by_hardware(hardware: &Row, os: &Os, problems: &mut Problems) -> Cpu {
    let number = values::count(hardware, "PROCESSORN", problems).unwrap_or(0);
    let is_windows = system::is_windows(os);
    Cpu {
        sockets: if is_windows { number } else { 0 },
        threads: if is_windows { 0 } else { number },
        ..Cpu::default()
    }
}

/// What the system can use; where the agent does not say, what its memory modules hold.
pub(super) fn memory(hardware: &Row, modules: &[Row], problems: &mut Problems) -> ByteCount {
    let usable = values::mebibytes(hardware, "MEMORY", problems);
    if usable > ByteCount(0) {
        return usable;
    }
    let numbers = modules
        .iter()
        .filter(|row| values::leading_number(row.get("CAPACITY")).is_some());
    let sizes = numbers.map(|row| values::mebibytes(row, "CAPACITY", problems).0);
    ByteCount(sizes.fold(0, u64::saturating_add))
}

/// Maker, model, serial number, kind of case.
pub(super) fn machine(bios: &Row, hardware: &Row) -> Machine {
    let field = |name: &str| real(bios.get(name)).to_owned();
    Machine {
        vendor: field("SMANUFACTURER"),
        model: field("SMODEL"),
        serial: field("SSN"),
        chassis: chassis(bios.get("TYPE"), hardware.get("VMSYSTEM")).to_owned(),
    }
}

fn real(text: &str) -> &str {
    let lower = text.to_lowercase();
    if FORGOTTEN.contains(&lower.as_str()) {
        ""
    } else {
        text
    }
}

/// DMI's words for the kind of case, and what the agent says of a hypervisor (`Physical` without).
fn chassis(case: &str, hypervisor: &str) -> &'static str {
    if !hypervisor.is_empty() && !hypervisor.eq_ignore_ascii_case("physical") {
        return "virtual";
    }
    match case.to_lowercase().as_str() {
        "portable" | "laptop" | "notebook" | "sub notebook" | "hand held" | "tablet"
        | "convertible" | "detachable" => "laptop",
        "desktop"
        | "low profile desktop"
        | "pizza box"
        | "mini tower"
        | "tower"
        | "all in one"
        | "space-saving"
        | "lunch box"
        | "sealed-case pc"
        | "mini pc"
        | "stick pc" => "desktop",
        "main server chassis"
        | "rack mount chassis"
        | "multi-system"
        | "blade"
        | "blade enclosing" => "server",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample::row;

    fn check_cpu(
        os: &str,
        hardware: &[(&str, &str)],
        cpus: &[&[(&str, &str)]],
        expected: [u32; 4],
    ) {
        let os = Os {
            id: os.to_owned(),
            ..Os::default()
        };
        let cpus: Vec<Row> = cpus.iter().map(|fields| row("CPUS", fields)).collect();
        let mut problems = Problems::default();
        let cpu = cpu(&row("HARDWARE", hardware), &cpus, &os, &mut problems);
        let mhz = cpu.mhz.unwrap_or(0);
        assert_eq!([cpu.sockets, cpu.cores, cpu.threads, mhz], expected);
    }

    #[test]
    fn processors() {
        let socket: &[(&str, &str)] = &[
            ("CORES", "8"),
            ("LOGICAL_CPUS", "16"),
            ("THREADS", "16"),
            ("NBSOCKET", "2"),
        ];
        check_cpu(
            "debian",
            &[("PROCESSORN", "2")],
            &[socket, socket],
            [2, 16, 32, 0],
        );
        check_cpu("debian", &[], &[&[("SPEED", "2400 MHz")]], [1, 1, 1, 2400]);
        check_cpu(
            "mandriva",
            &[("PROCESSORN", "4"), ("PROCESSORS", "1995")],
            &[],
            [0, 0, 4, 1995],
        );
        check_cpu(
            "windows",
            &[("PROCESSORN", "1"), ("PROCESSORS", "")],
            &[],
            [1, 0, 0, 0],
        );
        check_cpu("", &[], &[], [0, 0, 0, 0]);
    }

    #[test]
    fn memory_of_modules_when_the_system_does_not_say() {
        let modules = [
            row("MEMORIES", &[("CAPACITY", "2048")]),
            row("MEMORIES", &[("CAPACITY", "No")]),
            row("MEMORIES", &[("CAPACITY", "2048")]),
        ];
        for (stated, expected) in [("", 4096), ("0", 4096), ("3900", 3900)] {
            let hardware = row("HARDWARE", &[("MEMORY", stated)]);
            let bytes = memory(&hardware, &modules, &mut Problems::default());
            assert_eq!(bytes, ByteCount(expected << 20));
        }
    }

    #[test]
    fn cases_and_makers() {
        assert_eq!(chassis("Notebook", "Physical"), "laptop");
        assert_eq!(chassis("Other", "VMware"), "virtual");
        assert_eq!(chassis("Rack Mount Chassis", ""), "server");
        assert_eq!(chassis("Other", ""), "");
        assert_eq!(real("To Be Filled By O.E.M."), "");
        assert_eq!(real("OptiPlex 3070"), "OptiPlex 3070");
    }
}
