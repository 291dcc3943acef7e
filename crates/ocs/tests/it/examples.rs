//! Inventories that real agents sent to a reference server: what is read agrees with what that server stored.

use escadre_model::{ByteCount, inventory::PackageKind};
use escadre_ocs::{
    OcsError,
    inventory::{Machine, read},
};

const LINUX: &[u8] = include_bytes!("../inventories/inv-01-linux-full.xml");
const LINUX_WITHOUT_SOFTWARE: &[u8] = include_bytes!("../inventories/inv-02-linux-nosoftware.xml");
const LINUX_WITH_HISTORY: &[u8] = include_bytes!("../inventories/inv-03-linux-history.xml");
const WINDOWS: &[u8] = include_bytes!("../inventories/inv-04-windows-10.xml");
const SMALLEST: &[u8] = include_bytes!("../inventories/inv-11-minimal.xml");

/// A document in which nothing is odd.
fn machine(document: &[u8]) -> Machine {
    let (machine, problems) = read(document).expect("a whole inventory");
    assert_eq!(problems, []);
    machine
}

#[test]
fn linux() {
    let machine = machine(LINUX);
    assert_eq!(machine.device_id, "vm-2026-11-20-08-49-43");
    assert_eq!(machine.tag, "LAB-ALPHA");
    assert_eq!(
        (&*machine.agent, machine.old_device_id.as_deref()),
        ("", None)
    );
    let inventory = &machine.inventory;
    assert_eq!(inventory.hostname, "vm");
    assert_eq!(inventory.taken, None);
    let os = &inventory.os;
    let words = [&*os.id, &os.version, &os.name, &os.kernel, &os.arch];
    assert_eq!(
        words,
        [
            "debian",
            "12",
            "Debian GNU/Linux 12 (bookworm)",
            "",
            "amd64"
        ]
    );
    assert_eq!(machine.programs, []);
}

#[test]
fn linux_hardware() {
    let inventory = machine(LINUX).inventory;
    assert_eq!(inventory.memory, ByteCount(24_105 << 20));
    assert_eq!(inventory.swap, ByteCount(0));
    let cpu = &inventory.cpu;
    assert_eq!(
        (cpu.sockets, cpu.cores, cpu.threads, cpu.mhz),
        (1, 2, 2, None)
    );
    assert_eq!(cpu.model, "AMD EPYC");
    let disks: Vec<_> = inventory
        .disks
        .iter()
        .map(|disk| (&*disk.name, disk.size.0))
        .collect();
    assert_eq!(disks, [("vda", 274_877_906_944), ("zram0", 0)]);
    let root = &inventory.mounts[0];
    assert_eq!(
        [&*root.path, &root.source, &root.kind],
        ["/", "/dev/vda", "ext4"]
    );
    assert_eq!(
        (root.size.0 >> 20, root.available.0 >> 20),
        (258_019, 77_671)
    );
}

#[test]
fn linux_networks() {
    let inventory = machine(LINUX).inventory;
    let networks: Vec<String> = inventory
        .networks
        .iter()
        .map(|one| {
            let addresses = one
                .addresses
                .iter()
                .map(|a| format!(" {}/{}", a.ip, a.prefix));
            let addresses: String = addresses.collect();
            format!(
                "{} {} {:?} {}{addresses}",
                one.name, one.mac, one.speed, one.driver
            )
        })
        .collect();
    assert_eq!(
        networks,
        [
            "ifb0 9e:87:3f:48:8d:94 None ",
            "ifb1 b6:af:15:30:04:c9 None ",
            "eth0 02:fc:00:00:00:01 None virtio_net 192.0.2.2/24 fe80::fc:ff:fe00:1/64",
        ]
    );
}

#[test]
fn linux_devices() {
    let inventory = machine(LINUX).inventory;
    assert_eq!(inventory.devices.len(), 6);
    let card = inventory
        .devices
        .iter()
        .find(|device| device.class == "0200");
    let card = card.expect("the network card");
    assert_eq!(
        [
            &*card.bus,
            &card.address,
            &card.id,
            &card.description,
            &card.driver
        ],
        [
            "pci",
            "00:03.0",
            "1af4:1041",
            "Red Hat, Inc. Virtio 1.0 network device",
            "virtio"
        ]
    );
}

#[test]
fn linux_packages() {
    let packages = machine(LINUX).inventory.packages;
    assert_eq!(packages.len(), 972);
    let one = packages
        .iter()
        .find(|one| one.name == "apache2")
        .expect("it is there");
    assert_eq!((&*one.version, &*one.arch), ("2.4.71-1~deb12u1", "amd64"));
    assert_eq!((one.kind, one.size), (PackageKind::Deb, ByteCount(602_112)));
    assert!(packages.iter().any(|one| one.name == "binutils-common"));
    assert!(
        packages
            .iter()
            .all(|one| !one.name.contains(':') && !one.version.is_empty())
    );
}

#[test]
fn linux_without_software_and_with_history() {
    let without = machine(LINUX_WITHOUT_SOFTWARE);
    assert_eq!(without.inventory.packages, []);
    assert_eq!((&*without.tag, without.history.len()), ("", 0));
    assert_eq!(without.inventory.os.arch, "amd64");
    let with = machine(LINUX_WITH_HISTORY);
    assert_eq!(with.history, ["1795164637", "1795164635"]);
    assert_eq!(with.device_id, without.device_id);
}

#[test]
fn windows() {
    let machine = machine(WINDOWS);
    assert_eq!(machine.device_id, "PC-COMPTA-01-2026-11-19-08-30-55");
    assert_eq!(
        (&*machine.tag, machine.history),
        ("ALPHA", vec!["1700000001".to_owned()])
    );
    let inventory = &machine.inventory;
    assert_eq!(inventory.hostname, "PC-COMPTA-01");
    let taken = inventory.taken.map(|taken| taken.to_string());
    assert_eq!(taken.as_deref(), Some("2026-11-19T08:31:12Z"));
    let os = &inventory.os;
    let words = [&*os.id, &os.version, &os.name, &os.kernel, &os.arch];
    assert_eq!(
        words,
        [
            "windows",
            "10.0.19045",
            "Microsoft Windows 10 Professional",
            "",
            "x86_64"
        ]
    );
    let cpu = &inventory.cpu;
    assert_eq!(
        (cpu.sockets, cpu.cores, cpu.threads, cpu.mhz),
        (1, 6, 6, Some(3000))
    );
    assert_eq!(cpu.model, "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz");
    assert_eq!(inventory.memory, ByteCount(8192 << 20));
    assert_eq!(inventory.swap, ByteCount(9392 << 20));
    let maker = &inventory.machine;
    let words = [&*maker.vendor, &maker.model, &maker.serial, &maker.chassis];
    assert_eq!(
        words,
        ["Example Corp.", "OptiPlex 3070", "EX00001", "desktop"]
    );
    assert_eq!(inventory.packages, []);
}

#[test]
fn windows_programs_and_disks() {
    let machine = machine(WINDOWS);
    assert_eq!(machine.programs.len(), 60);
    let archiver = machine.programs.iter().find(|one| one.name == "7-Zip");
    assert_eq!(archiver.map(|one| &*one.version), Some("21.1.3"));
    let inventory = &machine.inventory;
    let disk = &inventory.disks[0];
    assert_eq!(
        [&*disk.name, &disk.model],
        [r"\\.\PHYSICALDRIVE0", "EXAMPLE SSD 512GB"]
    );
    assert_eq!(disk.size, ByteCount(488_386 << 20));
    let mounts: Vec<_> = inventory
        .mounts
        .iter()
        .map(|one| (&*one.path, &*one.kind))
        .collect();
    assert_eq!(mounts, [("C:/", "NTFS")]);
}

#[test]
fn windows_networks_and_devices() {
    let inventory = machine(WINDOWS).inventory;
    let networks: Vec<_> = inventory
        .networks
        .iter()
        .map(|one| (&*one.mac, one.speed, one.addresses.len()))
        .collect();
    assert_eq!(
        networks,
        [
            ("00:00:5e:00:53:01", Some(1000), 1),
            ("00:00:5e:00:53:02", Some(1000), 0)
        ]
    );
    let devices: Vec<_> = inventory
        .devices
        .iter()
        .map(|one| &*one.description)
        .collect();
    assert_eq!(
        devices,
        [
            "Standard AHCI Standard SATA AHCI Controller",
            "Intel(R) UHD Graphics 630",
            "Realtek(R) Audio",
            "Enhanced (101- or 102-key)",
        ]
    );
}

#[test]
fn the_smallest_that_a_reference_server_takes() {
    let machine = machine(SMALLEST);
    assert_eq!(machine.device_id, "mini-2026-01-01-00-00-00");
    assert_eq!(machine.inventory.hostname, "mini");
    assert_eq!(machine.inventory.os.name, "Linux");
}

#[test]
fn other_messages_are_no_inventories() {
    let messages: [(&[u8], &str); 5] = [
        (
            include_bytes!("../inventories/msg-prolog-unix.xml"),
            "PROLOG",
        ),
        (
            include_bytes!("../inventories/msg-prolog-windows.xml"),
            "PROLOG",
        ),
        (
            include_bytes!("../inventories/msg-download-unix.xml"),
            "DOWNLOAD",
        ),
        (
            include_bytes!("../inventories/msg-download-windows.xml"),
            "DOWNLOAD",
        ),
        (include_bytes!("../inventories/neg-04-no-query.xml"), ""),
    ];
    for (message, query) in messages {
        match read(message) {
            Err(OcsError::NotAnInventory(found)) => assert_eq!(found, query),
            other => panic!("{query}: {other:?}"),
        }
    }
}
