//! Disks and drives (STORAGES), file systems (DRIVES).

use escadre_model::inventory::{Disk, Mount, Os};

use super::{system, values};
use crate::{message::Row, problems::Problems};

/// File systems without data of their own, and images, which are full by nature.
const NO_DATA: [&str; 20] = [
    "tmpfs", "devtmpfs", "ramfs", "proc", "sysfs", "devpts", "devfs", "udev", "usbfs", "overlay",
    "aufs", "squashfs", "iso9660", "udf", "cramfs", "erofs", "efivarfs", "autofs", "fdescfs",
    "nullfs",
];

/// Block devices, drives for discs included. Windows agents count in MiB, Unix agents in millions of bytes.
pub(super) fn disks(rows: &[Row], os: &Os, problems: &mut Problems) -> Vec<Disk> {
    let size = if system::is_windows(os) {
        values::mebibytes
    } else {
        values::megabytes
    };
    rows.iter()
        .filter(|row| !row.get("NAME").is_empty() || !row.get("MODEL").is_empty())
        .map(|row| Disk {
            name: row.get("NAME").trim_start_matches("/dev/").to_owned(),
            model: row.get("MODEL").to_owned(),
            size: size(row, "DISKSIZE", problems),
            rotational: false,
        })
        .collect()
}

/// File systems that hold data. Unix agents have the mount point in TYPE and the device in VOLUMN; Windows agents have
/// the letter in LETTER and, in VOLUMN, a label.
pub(super) fn mounts(rows: &[Row], problems: &mut Problems) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for row in rows {
        let kind = row.get("FILESYSTEM");
        let letter = row.get("LETTER");
        let (path, source) = if letter.is_empty() {
            (row.get("TYPE"), row.get("VOLUMN"))
        } else {
            (letter, "")
        };
        if path.is_empty() || !holds_data(kind, path) {
            continue;
        }
        mounts.push(Mount {
            path: path.to_owned(),
            source: source.to_owned(),
            kind: kind.to_owned(),
            size: values::mebibytes(row, "TOTAL", problems),
            available: values::mebibytes(row, "FREE", problems),
            inodes: 0,
            inodes_free: 0,
        });
    }
    mounts
}

/// A container's root is an overlay, and all it has.
fn holds_data(kind: &str, path: &str) -> bool {
    let kind = kind.to_lowercase();
    let is_root = kind == "overlay" && path == "/";
    is_root || !(kind.is_empty() || NO_DATA.contains(&kind.as_str()))
}

#[cfg(test)]
mod tests {
    use escadre_model::ByteCount;

    use super::*;
    use crate::inventory::sample::row;

    #[test]
    fn sizes_of_disks_by_system() {
        for (os, fields, size) in [
            (
                "debian",
                [("NAME", "/dev/sda"), ("DISKSIZE", "274877.906944")],
                274_877_906_944,
            ),
            (
                "windows",
                [("NAME", "sda"), ("DISKSIZE", "488386")],
                488_386 << 20,
            ),
            ("debian", [("NAME", "sda"), ("DISKSIZE", "")], 0),
        ] {
            let os = Os {
                id: os.to_owned(),
                ..Os::default()
            };
            let disks = disks(&[row("STORAGES", &fields)], &os, &mut Problems::default());
            assert_eq!(disks[0].size, ByteCount(size));
            assert_eq!(disks[0].name, "sda");
        }
    }

    #[test]
    fn overlays_are_data_at_the_root_only() {
        for (kind, path, expected) in [
            ("overlay", "/", true),
            ("overlay", "/var/lib/docker/x", false),
            ("TmpFS", "/", false),
            ("", "/", false),
            ("NTFS", "C:/", true),
        ] {
            assert_eq!(holds_data(kind, path), expected, "{kind} {path}");
        }
    }

    #[test]
    fn only_what_holds_data_is_a_mount() {
        let rows = [
            row(
                "DRIVES",
                &[
                    ("TYPE", "/"),
                    ("FILESYSTEM", "ext4"),
                    ("VOLUMN", "/dev/sda1"),
                    ("TOTAL", "10"),
                ],
            ),
            row(
                "DRIVES",
                &[
                    ("TYPE", "/run"),
                    ("FILESYSTEM", "tmpfs"),
                    ("VOLUMN", "tmpfs"),
                ],
            ),
            row(
                "DRIVES",
                &[
                    ("LETTER", "C:/"),
                    ("TYPE", "Hard Drive"),
                    ("FILESYSTEM", "NTFS"),
                    ("VOLUMN", "System"),
                ],
            ),
            row("DRIVES", &[("LETTER", "D:/"), ("TYPE", "CD-Rom Drive")]),
        ];
        let mounts = mounts(&rows, &mut Problems::default());
        let shown: Vec<_> = mounts
            .iter()
            .map(|m| [&*m.path, &*m.source, &*m.kind])
            .collect();
        assert_eq!(shown, [["/", "/dev/sda1", "ext4"], ["C:/", "", "NTFS"]]);
        assert_eq!(mounts[0].size, ByteCount(10 << 20));
    }
}
