//! Which architectures run on which, and how well: 1 is the machine's own, higher is further, 0 does not run.

const X86_64: &[(&str, u8)] = &[
    ("x86_64", 1),
    ("amd64", 2),
    ("em64t", 2),
    ("athlon", 2),
    ("noarch", 2),
    ("i686", 3),
    ("i586", 4),
    ("i486", 5),
    ("i386", 6),
];

const I686: &[(&str, u8)] = &[
    ("i686", 1),
    ("i586", 2),
    ("i486", 3),
    ("i386", 4),
    ("noarch", 5),
];

/// Distance of a package's architecture from a machine's.
pub(super) fn distance(machine: &str, package: &str) -> u8 {
    let skip = match machine {
        "i586" => 1,
        "i486" => 2,
        "i386" => 3,
        _ => 0,
    };
    let table = match machine {
        "x86_64" | "amd64" => X86_64,
        "i686" | "i586" | "i486" | "i386" | "athlon" => &I686[skip..],
        own => {
            return match package {
                package if package == own => 1,
                "noarch" => 2,
                _ => 0,
            };
        }
    };
    table
        .iter()
        .find(|(name, _)| *name == package)
        .map_or(0, |(_, distance)| *distance)
}
