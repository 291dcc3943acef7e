//! File systems that hold this machine's data.
//!
//! Left out: pseudo file systems, memory, read-only images (always full), a second mount of what is there already, and
//! network file systems: asking one whose server is gone would never return.

use std::collections::BTreeSet;

use escadre_model::ByteCount;
use escadre_model::inventory::Mount;

use crate::files;

/// Kinds that live on no block device of their own and still hold data.
const DATA_WITHOUT_DEVICE: [&str; 3] = ["zfs", "overlay", "bcachefs"];
/// Kinds that are images: full by nature.
const IMAGES: [&str; 6] = ["squashfs", "iso9660", "udf", "cramfs", "erofs", "romfs"];

/// A line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mounted {
    /// Major and minor number.
    device: String,
    path: String,
    kind: String,
    source: String,
}

/// The data file systems with their room, in the order of their paths.
pub fn data_mounts() -> Vec<Mount> {
    let known = files::text("/proc/filesystems");
    select(parse(&files::text("/proc/self/mountinfo")), &known)
        .into_iter()
        .filter_map(measure)
        .collect()
}

/// Whether a path is a mount point now.
pub(crate) fn is_mounted(path: &str) -> bool {
    parse(&files::text("/proc/self/mountinfo"))
        .iter()
        .any(|mounted| mounted.path == path)
}

fn measure(mounted: Mounted) -> Option<Mount> {
    let room = rustix::fs::statvfs(mounted.path.as_str()).ok()?;
    let bytes = |blocks: u64| ByteCount(blocks.saturating_mul(room.f_frsize));
    Some(Mount {
        path: mounted.path,
        source: mounted.source,
        kind: mounted.kind,
        size: bytes(room.f_blocks),
        available: bytes(room.f_bavail),
        inodes: room.f_files,
        inodes_free: room.f_favail,
    })
    .filter(|mount| mount.size > ByteCount(0))
}

fn parse(mountinfo: &str) -> Vec<Mounted> {
    mountinfo.lines().filter_map(parse_line).collect()
}

/// `id parent major:minor root path options [tags] - kind source options`, proc_pid_mountinfo(5).
fn parse_line(line: &str) -> Option<Mounted> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(2);
    let (device, _root, path) = (mount.next()?, mount.next()?, mount.next()?);
    let mut filesystem = filesystem.split(' ');
    let (kind, source) = (filesystem.next()?, filesystem.next()?);
    Some(Mounted {
        device: device.to_owned(),
        path: unescape(path),
        kind: kind.to_owned(),
        source: unescape(source),
    })
}

/// Undoes the kernel's `\040`.
fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().enumerate();
    while let Some((place, byte)) = bytes.next() {
        let digits = text
            .as_bytes()
            .get(place + 1..place + 4)
            .filter(|_| byte == b'\\');
        let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(code) => {
                plain.push(code);
                bytes.nth(2);
            }
            None => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn select(mounts: Vec<Mounted>, known: &str) -> Vec<Mounted> {
    let on_device: BTreeSet<&str> = known
        .lines()
        .filter(|line| !line.starts_with("nodev"))
        .map(str::trim)
        .collect();
    let is_data = |mount: &Mounted| {
        let device =
            on_device.contains(mount.kind.as_str()) && !IMAGES.contains(&mount.kind.as_str());
        device
            || (DATA_WITHOUT_DEVICE.contains(&mount.kind.as_str())
                && (mount.kind != "overlay" || mount.path == "/"))
    };
    // The last mount on a path is the one that is seen.
    let mut seen_paths = BTreeSet::new();
    let mut visible: Vec<_> = mounts
        .into_iter()
        .rev()
        .filter(|mount| seen_paths.insert(mount.path.clone()))
        .collect();
    visible.retain(is_data);
    visible.sort_by(|a, b| (a.path.len(), &a.path).cmp(&(b.path.len(), &b.path)));
    let mut seen = BTreeSet::new();
    visible.retain(|mount| {
        // btrfs gives each subvolume a device number of its own, but they share their room.
        let identity = if mount.kind == "btrfs" {
            mount.source.clone()
        } else {
            mount.device.clone()
        };
        seen.insert(identity)
    });
    visible.sort_by(|a, b| a.path.cmp(&b.path));
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "nodev\tproc\nnodev\ttmpfs\n\text4\n\txfs\n\tbtrfs\n\tsquashfs\nnodev\tnfs4\nnodev\toverlay\n\tvfat\n";

    fn check(mountinfo: &str, expected: &[&str]) {
        let paths: Vec<_> = select(parse(mountinfo), KNOWN)
            .into_iter()
            .map(|mount| mount.path)
            .collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_laptop_with_subvolumes_and_snaps() {
        check(
            "22 27 0:21 / /proc rw - proc proc rw\n\
             30 1 0:25 /@ / rw shared:1 - btrfs /dev/mapper/luks rw\n\
             31 30 0:26 /@home /home rw shared:2 - btrfs /dev/mapper/luks rw\n\
             32 30 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n\
             33 30 259:1 / /boot/efi rw - vfat /dev/nvme0n1p1 rw\n\
             34 30 0:50 / /net/data rw - nfs4 server:/data rw\n",
            &["/", "/boot/efi"],
        );
    }

    #[test]
    fn binds_covers_and_blanks() {
        check(
            "27 1 254:0 / / rw - ext4 /dev/vda rw\n\
             28 27 254:0 /srv/x /mnt/bind rw - ext4 /dev/vda rw\n\
             29 27 254:16 / /data rw - ext4 /dev/vdb rw\n\
             30 27 254:32 / /data rw - xfs /dev/vdc rw\n\
             31 27 254:48 / /mnt/my\\040disk rw master:3 - ext4 /dev/vdd rw\n\
             broken line\n",
            &["/", "/data", "/mnt/my disk"],
        );
    }

    #[test]
    fn a_container() {
        check(
            "500 400 0:60 / / rw - overlay overlay rw\n501 500 0:61 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n",
            &["/"],
        );
    }

    #[test]
    fn escapes() {
        for (text, plain) in [
            ("a\\040b", "a b"),
            ("\\134", "\\"),
            ("\\", "\\"),
            ("\\04", "\\04"),
            ("\\999", "\\999"),
            ("é\\011", "é\t"),
        ] {
            assert_eq!(unescape(text), plain, "{text}");
        }
    }
}
