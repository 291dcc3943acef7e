//! The operating system, from the words that an agent has for it.

use escadre_model::inventory::Os;

use super::software::Software;
use crate::message::Row;

/// What the name of a system contains, in lower case, and its `ID` of os-release. The first that fits.
const SYSTEMS: [(&str, &str); 37] = [
    ("windows", "windows"),
    ("ubuntu", "ubuntu"),
    ("linux mint", "linuxmint"),
    ("linuxmint", "linuxmint"),
    ("raspbian", "raspbian"),
    ("knoppix", "knoppix"),
    ("kali", "kali"),
    ("debian", "debian"),
    ("centos", "centos"),
    ("red hat", "rhel"),
    ("redhat", "rhel"),
    ("fedora", "fedora"),
    ("rocky", "rocky"),
    ("almalinux", "almalinux"),
    ("oracle", "ol"),
    ("amazon linux", "amzn"),
    ("opensuse leap", "opensuse-leap"),
    ("opensuse tumbleweed", "opensuse-tumbleweed"),
    ("opensuse", "opensuse"),
    ("suse linux enterprise desktop", "sled"),
    ("suse linux enterprise", "sles"),
    ("suse", "suse"),
    ("mandrake", "mandrake"),
    ("openmandriva", "openmandriva"),
    ("mandriva", "mandriva"),
    ("mageia", "mageia"),
    ("arch linux", "arch"),
    ("gentoo", "gentoo"),
    ("slackware", "slackware"),
    ("alpine", "alpine"),
    ("android", "android"),
    ("freebsd", "freebsd"),
    ("openbsd", "openbsd"),
    ("netbsd", "netbsd"),
    ("macos", "macos"),
    ("mac os", "macos"),
    ("solaris", "solaris"),
];

/// Systems whose packages are dpkg's.
const DEBIAN_KIN: [&str; 6] = [
    "debian",
    "ubuntu",
    "linuxmint",
    "raspbian",
    "knoppix",
    "kali",
];
/// Systems whose packages are rpm's.
const RPM_KIN: [&str; 17] = [
    "centos",
    "rhel",
    "fedora",
    "rocky",
    "almalinux",
    "ol",
    "amzn",
    "opensuse",
    "opensuse-leap",
    "opensuse-tumbleweed",
    "sled",
    "sles",
    "suse",
    "mandriva",
    "mandrake",
    "openmandriva",
    "mageia",
];

/// The operating system.
pub(super) fn os(hardware: &Row, cpus: &[Row], software: &[Software]) -> Os {
    let (name, comments) = (hardware.get("OSNAME"), hardware.get("OSCOMMENTS"));
    let lower = name.to_lowercase();
    let id = SYSTEMS.iter().find(|(words, _)| lower.contains(words));
    let id = id.map_or("", |(_, id)| *id).to_owned();
    // Agents before os-release sent the kernel: its release as version, and what it was built by as comment.
    let version = hardware.get("OSVERSION");
    let is_kernel = id != "windows" && (comments.starts_with('#') || comments.contains(" SMP "));
    let (version, kernel) = if is_kernel {
        (number_in(name), version)
    } else if version.is_empty() {
        (number_in(name), "")
    } else {
        (version, "")
    };
    let first_word = name.split(' ').next().unwrap_or_default();
    let is_pretty = !first_word.is_empty() && comments.starts_with(first_word);
    Os {
        version: version.to_owned(),
        name: if is_pretty { comments } else { name }.to_owned(),
        kernel: kernel.to_owned(),
        arch: arch(&id, hardware, cpus, software),
        id,
    }
}

pub(super) fn is_windows(os: &Os) -> bool {
    os.id == "windows"
}

pub(super) fn is_debian_kin(os: &Os) -> bool {
    DEBIAN_KIN.contains(&os.id.as_str())
}

pub(super) fn is_rpm_kin(os: &Os) -> bool {
    RPM_KIN.contains(&os.id.as_str())
}

/// The first word of a name that begins with a digit: `CentOS release 6.10 (Final)`.
fn number_in(name: &str) -> &str {
    let mut words = name.split(' ');
    let found = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    found.unwrap_or_default()
}

/// dpkg's own package says it best; then what the kernel says: `x86_64/00-00-00 00:10:39` with the uptime, or CPUARCH.
fn arch(id: &str, hardware: &Row, cpus: &[Row], software: &[Software]) -> String {
    let dpkg = software.iter().find(|one| one.name == "dpkg");
    if let Some(dpkg) = dpkg.filter(|dpkg| !dpkg.arch.is_empty() && dpkg.arch != "all") {
        return dpkg.arch.clone();
    }
    let described = hardware.get("DESCRIPTION").split_once('/');
    let described = described.map_or("", |(machine, _)| machine);
    let of_cpu = cpus
        .iter()
        .map(|cpu| cpu.get("CPUARCH"))
        .find(|arch| !arch.is_empty());
    let words = [hardware.get("ARCH"), described, of_cpu.unwrap_or_default()];
    let word = words
        .into_iter()
        .find(|word| is_arch(word))
        .unwrap_or_default();
    let machine = match word {
        "x86 64 bits" | "64-bit" | "x64" => "x86_64",
        "x86 32 bits" | "32-bit" | "x86" => "i686",
        other => other,
    };
    let is_debian = DEBIAN_KIN.contains(&id);
    match machine {
        "x86_64" if is_debian => "amd64",
        "i386" | "i486" | "i586" | "i686" if is_debian => "i386",
        "aarch64" if is_debian => "arm64",
        "armv7l" if is_debian => "armhf",
        "ppc64le" if is_debian => "ppc64el",
        machine => machine,
    }
    .to_owned()
}

/// A description may be anything that somebody typed; an architecture is short and has no spaces but in Windows' words.
fn is_arch(word: &str) -> bool {
    const BEGINNINGS: [&str; 14] = [
        "x86", "x64", "i386", "i486", "i586", "i686", "amd64", "aarch64", "arm", "ppc", "s390",
        "mips", "sparc", "ia64",
    ];
    let is_worded = matches!(word, "64-bit" | "32-bit") || word.starts_with("riscv");
    word.len() <= 16 && (is_worded || BEGINNINGS.iter().any(|start| word.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample::row;

    fn check(fields: &[(&str, &str)], expected: [&str; 5]) {
        let os = os(&row("HARDWARE", fields), &[], &[]);
        assert_eq!(
            [&os.id, &os.version, &os.name, &os.kernel, &os.arch],
            expected
        );
    }

    #[test]
    fn cases() {
        check(
            &[
                ("OSNAME", "CentOS release 6.10 (Final)"),
                ("OSVERSION", "2.6.32-754.el6.x86_64"),
                ("OSCOMMENTS", "#1 SMP Tue Jun 19 21:26:04 UTC 2018"),
                ("DESCRIPTION", "x86_64/00-00-00 00:10:39"),
            ],
            [
                "centos",
                "6.10",
                "CentOS release 6.10 (Final)",
                "2.6.32-754.el6.x86_64",
                "x86_64",
            ],
        );
        check(
            &[
                ("OSNAME", "Debian GNU/Linux 12"),
                ("OSVERSION", "12"),
                ("OSCOMMENTS", "Debian GNU/Linux 12 (bookworm)"),
                ("DESCRIPTION", "x86_64/00-00-00 00:10:39"),
            ],
            [
                "debian",
                "12",
                "Debian GNU/Linux 12 (bookworm)",
                "",
                "amd64",
            ],
        );
        check(
            &[
                ("OSNAME", "Microsoft Windows XP Professional"),
                ("OSVERSION", "5.1.2600"),
                ("OSCOMMENTS", "Service Pack 3"),
                ("DESCRIPTION", "the one/that hums"),
            ],
            [
                "windows",
                "5.1.2600",
                "Microsoft Windows XP Professional",
                "",
                "",
            ],
        );
        check(
            &[("OSNAME", "Mandriva Linux release 2010.0 (Official)")],
            [
                "mandriva",
                "2010.0",
                "Mandriva Linux release 2010.0 (Official)",
                "",
                "",
            ],
        );
        check(&[("ARCH", "x86 64 bits")], ["", "", "", "", "x86_64"]);
        check(&[], ["", "", "", "", ""]);
    }
}
