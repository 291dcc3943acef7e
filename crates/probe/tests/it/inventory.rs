//! The inventory of the machine that runs the tests, against `lscpu`, `df`, `dpkg-query`, `ip`, `free`, `uname`, `lsblk`.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::LazyLock;

use escadre_model::inventory::{Inventory, PackageKind};
use serde_json::Value;

static INVENTORY: LazyLock<Inventory> = LazyLock::new(escadre_probe::inventory::collect);

/// What a command of the system prints.
fn printed(package: &str, command: &str, arguments: &[&str]) -> String {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let output = Command::new(command)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", path)
        .output();
    let output = output
        .unwrap_or_else(|error| panic!("{command} is needed: apt-get install {package} ({error})"));
    assert!(
        output.status.success(),
        "{command} {arguments:?} says {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(package: &str, command: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(package, command, arguments))
        .expect("the command prints JSON when asked to")
}

#[test]
fn kernel_and_name_as_uname() {
    let words = |option: &str| printed("coreutils", "uname", &[option]).trim().to_owned();
    assert_eq!(INVENTORY.os.kernel, words("-r"));
    assert_eq!(
        INVENTORY.hostname,
        words("-n").split('.').next().unwrap_or_default()
    );
}

#[test]
fn system_as_os_release_says() {
    let script = ". /etc/os-release; echo \"$ID|$VERSION_ID|$PRETTY_NAME\"";
    let os = &INVENTORY.os;
    assert_eq!(
        format!("{}|{}|{}", os.id, os.version, os.name),
        printed("dash", "sh", &["-c", script]).trim()
    );
    assert_eq!(
        os.arch,
        printed("dpkg", "dpkg", &["--print-architecture"]).trim()
    );
}

#[test]
fn processor_as_lscpu() {
    let listed = json("util-linux", "lscpu", &["--json"]);
    let mut fields = BTreeMap::new();
    flatten(&listed["lscpu"], &mut fields);
    let number = |key: &str| {
        fields
            .get(key)
            .and_then(|text| text.parse::<u32>().ok())
            .unwrap_or_else(|| panic!("{key}"))
    };
    let cpu = &INVENTORY.cpu;
    assert_eq!(cpu.model, fields["Model name:"]);
    assert_eq!(cpu.sockets, number("Socket(s):"));
    assert_eq!(
        cpu.cores,
        number("Socket(s):") * number("Core(s) per socket:")
    );
    assert_eq!(cpu.threads, cpu.cores * number("Thread(s) per core:"));
    assert_eq!(cpu.flags.join(" "), fields["Flags:"]);
}

fn flatten(nodes: &Value, into: &mut BTreeMap<String, String>) {
    for node in nodes.as_array().into_iter().flatten() {
        if let (Some(field), Some(data)) = (node["field"].as_str(), node["data"].as_str()) {
            into.insert(field.to_owned(), data.to_owned());
        }
        flatten(&node["children"], into);
    }
}

#[test]
fn memory_as_free() {
    let table = printed("procps", "free", &["-b"]);
    let total = |row: &str| {
        let line = table
            .lines()
            .find(|line| line.starts_with(row))
            .unwrap_or_else(|| panic!("{row} in {table}"));
        line.split_whitespace()
            .nth(1)
            .and_then(|n| n.parse::<u64>().ok())
    };
    assert_eq!(Some(INVENTORY.memory.0), total("Mem:"));
    assert_eq!(Some(INVENTORY.swap.0), total("Swap:"));
}

#[test]
fn room_as_df() {
    assert!(
        INVENTORY.mounts.iter().any(|mount| mount.path == "/"),
        "{:?}",
        INVENTORY.mounts
    );
    for mount in &INVENTORY.mounts {
        let columns = "--output=source,fstype,size,avail,itotal,iavail";
        let table = printed("coreutils", "df", &["-B1", columns, &mount.path]);
        let row: Vec<_> = table
            .lines()
            .nth(1)
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let [source, kind, size, available, inodes, inodes_free] = row[..] else {
            panic!("{table}")
        };
        assert_eq!((mount.source.as_str(), mount.kind.as_str()), (source, kind));
        assert_eq!(mount.size.0.to_string(), size);
        // Others write to the disk between the two looks: a percent of the whole is allowed.
        near(mount.available.0, available, mount.size.0 / 100);
        if inodes != "-" {
            assert_eq!(mount.inodes.to_string(), inodes);
            near(mount.inodes_free, inodes_free, mount.inodes / 100);
        }
    }
}

fn near(ours: u64, theirs: &str, allowed: u64) {
    let theirs: u64 = theirs
        .parse()
        .unwrap_or_else(|_| panic!("{theirs} is no number"));
    assert!(
        ours.abs_diff(theirs) <= allowed,
        "{ours} against {theirs}, {allowed} allowed"
    );
}

#[test]
fn disks_as_lsblk() {
    let listed = json(
        "util-linux",
        "lsblk",
        &["--json", "--bytes", "--nodeps", "-o", "NAME,SIZE,ROTA,TYPE"],
    );
    let sizes: BTreeMap<_, _> = listed["blockdevices"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|disk| {
            (
                disk["name"].as_str().unwrap_or_default(),
                (disk["size"].as_u64(), disk["rota"].as_bool()),
            )
        })
        .collect();
    for disk in &INVENTORY.disks {
        assert_eq!(
            sizes.get(disk.name.as_str()),
            Some(&(Some(disk.size.0), Some(disk.rotational))),
            "{}",
            disk.name
        );
    }
    let root = INVENTORY
        .mounts
        .iter()
        .find(|mount| mount.path == "/")
        .map(|mount| mount.source.as_str());
    if let Some(name) = root
        .and_then(|source| source.strip_prefix("/dev/"))
        .filter(|name| sizes.contains_key(name))
    {
        assert!(
            INVENTORY.disks.iter().any(|disk| disk.name == name),
            "the root disk {name} is listed"
        );
    }
}

#[test]
fn networks_as_ip() {
    let listed = json("iproute2", "ip", &["-json", "address", "show"]);
    let expected: BTreeMap<String, (String, Vec<String>)> = listed
        .as_array()
        .into_iter()
        .flatten()
        .filter(|link| link["link_type"] != "loopback")
        .map(|link| {
            let mut addresses: Vec<_> = link["addr_info"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|a| {
                    format!(
                        "{}/{}",
                        a["local"].as_str().unwrap_or_default(),
                        a["prefixlen"]
                    )
                })
                .collect();
            addresses.sort();
            let name = link["ifname"].as_str().unwrap_or_default().to_owned();
            (
                name,
                (
                    link["address"].as_str().unwrap_or_default().to_owned(),
                    addresses,
                ),
            )
        })
        .collect();
    let ours: BTreeMap<_, _> = INVENTORY
        .networks
        .iter()
        .map(|network| {
            let mut addresses: Vec<_> = network
                .addresses
                .iter()
                .map(|a| format!("{}/{}", a.ip, a.prefix))
                .collect();
            addresses.sort();
            (network.name.clone(), (network.mac.clone(), addresses))
        })
        .collect();
    assert_eq!(ours, expected);
}

#[test]
fn packages_as_dpkg_query() {
    let format = "-f=${db:Status-Status} ${Package} ${Version} ${Architecture}\n";
    let mut expected: Vec<_> = printed("dpkg", "dpkg-query", &["-W", format])
        .lines()
        .filter_map(|line| line.strip_prefix("installed ").map(str::to_owned))
        .collect();
    let debs = INVENTORY
        .packages
        .iter()
        .filter(|package| package.kind == PackageKind::Deb);
    let mut ours: Vec<_> = debs
        .map(|p| format!("{} {} {}", p.name, p.version, p.arch))
        .collect();
    expected.sort();
    ours.sort();
    assert!(!ours.is_empty());
    assert_eq!(ours, expected);
}

#[test]
fn devices_as_the_kernel_lists_them() {
    let count = |bus: &str| {
        INVENTORY
            .devices
            .iter()
            .filter(|device| device.bus == bus)
            .count()
    };
    for bus in ["pci", "virtio"] {
        let listed = std::fs::read_dir(format!("/sys/bus/{bus}/devices"))
            .map(Iterator::count)
            .unwrap_or(0);
        assert_eq!(count(bus), listed, "{bus}");
    }
    for device in INVENTORY
        .devices
        .iter()
        .filter(|device| !device.driver.is_empty() && device.bus != "usb")
    {
        let driver = format!(
            "/sys/bus/{}/drivers/{}/{}",
            device.bus, device.driver, device.address
        );
        assert!(std::path::Path::new(&driver).exists(), "{driver}");
    }
}

#[test]
fn it_survives_its_own_json() {
    let text = serde_json::to_string(&*INVENTORY).expect("an inventory is JSON");
    assert_eq!(
        serde_json::from_str::<Inventory>(&text).expect("and comes back"),
        *INVENTORY
    );
    assert!(INVENTORY.taken.is_some());
}

#[test]
fn time_zone_as_date() {
    let zone = &INVENTORY.time_zone;
    assert!(!zone.is_empty());
    let offset = |zone: Option<&str>| {
        let mut date = Command::new("date");
        date.arg("+%z").env_remove("TZ");
        zone.map(|zone| date.env("TZ", zone));
        date.output()
            .map(|output| output.stdout)
            .expect("date is part of every system")
    };
    assert_eq!(offset(Some(zone)), offset(None));
}
