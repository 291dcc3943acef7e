//! The `synthesis.hdlist` of urpmi: one line per tag, the `@info@` line ends a package (the DrakX reference §1.3).
//!
//! Takes the text already decompressed. A package's id is its position. A line that is not `@tag@…` ends the reading of
//! the file, as it did in the original; what came before it counts. Bytes that are no UTF-8 are replaced, not refused.

use std::borrow::Cow;

use escadre_model::{
    Problem,
    inventory::PackageKind,
    problem::Severity::{Error, Warning},
};

use crate::package::{Op, Package, Property};

/// The largest size that is believed: 8 PiB. Sums over any real number of packages stay within 64 bits.
pub const SIZE_LIMIT: u64 = 1 << 53;

/// How much of a bad line is repeated in its message.
const QUOTED: usize = 200;

/// What a synthesis holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Synthesis {
    /// Packages in file order.
    pub packages: Vec<Package>,
    /// What was wrong, with lines.
    pub problems: Vec<Problem>,
}

/// Reads a synthesis. `file` is only for the problems.
pub fn parse(file: &str, text: &[u8]) -> Synthesis {
    let mut result = Synthesis::default();
    let mut package = Package {
        kind: PackageKind::Rpm,
        ..Package::default()
    };
    for (index, raw) in text.split(|&c| c == b'\n').enumerate() {
        let line = String::from_utf8_lossy(raw.strip_suffix(b"\r").unwrap_or(raw));
        let mut notes = Notes {
            file,
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            problems: &mut result.problems,
        };
        if line.is_empty() {
            continue;
        }
        let Some((tag, value)) = line.strip_prefix('@').and_then(|rest| rest.split_once('@'))
        else {
            notes.add(
                Error,
                "synthesis.bad-line",
                format!("bad line <{}>", quoted(&line)),
            );
            break;
        };
        if tag == "info" {
            set_info(&mut package, value, &mut notes);
            let done = std::mem::replace(
                &mut package,
                Package {
                    kind: PackageKind::Rpm,
                    ..Package::default()
                },
            );
            result.packages.push(done);
        } else {
            set_tag(&mut package, tag, value, &mut notes);
        }
    }
    result
}

struct Notes<'a> {
    file: &'a str,
    line: u32,
    problems: &'a mut Vec<Problem>,
}

impl Notes<'_> {
    fn add(&mut self, severity: escadre_model::problem::Severity, code: &str, message: String) {
        self.problems
            .push(Problem::new(severity, self.file, self.line, code, message));
    }
}

fn quoted(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => Cow::Owned(format!("{}…", &line[..end])),
        None => Cow::Borrowed(line),
    }
}

/// A tag given twice for a package: the last one counts.
fn set_tag(package: &mut Package, tag: &str, value: &str, notes: &mut Notes<'_>) {
    match tag {
        "provides" => package.provides = properties(value),
        "requires" => package.requires = properties(value),
        "suggests" | "recommends" => package.recommends = properties(value),
        "conflicts" => package.conflicts = properties(value),
        "obsoletes" => package.obsoletes = properties(value),
        "summary" => package.summary = value.to_owned(),
        "filesize" => package.filesize = number(value, "file size", notes),
        _ => {}
    }
}

fn set_info(package: &mut Package, value: &str, notes: &mut Notes<'_>) {
    let mut fields = value.split('@');
    let full_name = fields.next().unwrap_or_default();
    let (rest, arch) = full_name.rsplit_once('.').unwrap_or((full_name, ""));
    let (rest, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let (name, version) = rest.rsplit_once('-').unwrap_or((rest, ""));
    if name.is_empty() || version.is_empty() || arch.is_empty() {
        let message = format!("`{}` is not NAME-VERSION-RELEASE.ARCH", quoted(full_name));
        notes.add(Warning, "synthesis.full-name", message);
    }
    package.name = name.to_owned();
    package.version = version.to_owned();
    package.release = release.to_owned();
    package.arch = arch.to_owned();
    let epoch = number(fields.next().unwrap_or_default(), "epoch", notes);
    package.epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
    package.size = number(fields.next().unwrap_or_default(), "size", notes);
    package.group = fields.next().unwrap_or_default().to_owned();
}

/// A number as C reads it: the leading digits, 0 without any. One too large is cut to [`SIZE_LIMIT`] with a warning.
fn number(text: &str, what: &str, notes: &mut Notes<'_>) -> u64 {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits < text.len() || (digits == 0 && what != "epoch") {
        notes.add(
            Warning,
            "synthesis.number",
            format!("`{}` is not a number ({what})", quoted(text)),
        );
    }
    match text[..digits].parse::<u64>() {
        Ok(value) if value <= SIZE_LIMIT => value,
        Err(_) if digits == 0 => 0,
        _ => {
            notes.add(
                Warning,
                "synthesis.number",
                format!("`{}` is too large ({what})", quoted(text)),
            );
            SIZE_LIMIT
        }
    }
}

fn properties(value: &str) -> Vec<Property> {
    value
        .split('@')
        .filter(|item| !item.is_empty())
        .map(property)
        .collect()
}

/// Reads `NAME`, `NAME[*]`, `NAME[OP VERSION]`, `NAME[*][OP VERSION]`, with blanks before a bracket tolerated.
pub fn property(item: &str) -> Property {
    if item.starts_with('(') && item.ends_with(')') && item.contains(' ') {
        return Property::any(item);
    }
    let end = item
        .find(|c: char| c == '[' || c.is_whitespace())
        .unwrap_or(item.len());
    let (name, rest) = item.split_at(end);
    let rest = rest.trim_start();
    let (before, rest) = match rest.strip_prefix("[*]") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let range = rest.strip_prefix('[').unwrap_or(rest);
    let range = range.split(']').next().unwrap_or_default().trim();
    let sign = range.len() - range.trim_start_matches(['=', '<', '>']).len();
    let version = range[sign..].trim();
    match Op::parse(&range[..sign]) {
        Some(op) if !version.is_empty() => Property {
            name: name.to_owned(),
            op,
            version: version.to_owned(),
            before,
        },
        _ => Property {
            name: name.to_owned(),
            before,
            ..Property::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_forms() {
        for (item, shown, before) in [
            ("glibc", "glibc", false),
            ("glibc[>= 2.3]", "glibc >= 2.3", false),
            ("glibc [>= 2.3]", "glibc >= 2.3", false),
            ("/bin/sh[*]", "/bin/sh", true),
            ("rpm-helper[*][>= 0.7-1]", "rpm-helper >= 0.7-1", true),
            ("a[== 1:2.0-3mdv]", "a = 1:2.0-3mdv", false),
            ("a[= 1]", "a = 1", false),
            ("a[< 1]", "a < 1", false),
            ("a[>1]", "a > 1", false),
            (
                "libX.so.6(GLIBC_2.0)(64bit)",
                "libX.so.6(GLIBC_2.0)(64bit)",
                false,
            ),
            ("a[", "a", false),
            ("a[>=]", "a", false),
            ("a[*", "a", false),
            ("(gdm or kdm)", "(gdm or kdm)", false),
        ] {
            let read = property(item);
            assert_eq!(
                (read.to_string().as_str(), read.before),
                (shown, before),
                "{item}"
            );
        }
    }

    #[test]
    fn a_package() {
        let text = "@provides@kernel-desktop-2.6.31.5-1mnb[== 1-1mnb2]@kernel@\n@requires@a[*]@b[>= 2]\n\
                    @suggests@c\n@conflicts@d\n@obsoletes@e[<= 3]\n@summary@A @ kernel\n@filesize@123\n@unknown@x\n\n\
                    @info@kernel-desktop-2.6.31.5-1mnb-1-1mnb2.x86_64@2@456@System/Kernel@mdv@2010.0\n";
        let read = parse("synthesis", text.as_bytes());
        assert_eq!(read.problems, []);
        let [package] = read.packages.as_slice() else {
            panic!("one package")
        };
        assert_eq!(package.name, "kernel-desktop-2.6.31.5-1mnb");
        assert_eq!(
            package.full_name(),
            "kernel-desktop-2.6.31.5-1mnb-1-1mnb2.x86_64"
        );
        assert_eq!(package.evr(), "2:1-1mnb2");
        assert_eq!(
            (package.size, package.filesize, package.group.as_str()),
            (456, 123, "System/Kernel")
        );
        assert_eq!(package.summary, "A @ kernel");
        assert_eq!(package.provides.len(), 2);
        assert_eq!(
            package.requires[1],
            Property::versioned("b", Op::GreaterEqual, "2")
        );
        assert_eq!(package.recommends, [Property::any("c")]);
        assert_eq!(package.obsoletes[0].to_string(), "e <= 3");
    }

    #[test]
    fn a_bad_line_ends_the_file() {
        let text = "@info@a-1-1.noarch@0@1@G\nrubbish\n@info@b-1-1.noarch@0@1@G\n";
        let read = parse("media/synthesis", text.as_bytes());
        assert_eq!(read.packages.len(), 1);
        assert_eq!(
            read.problems[0].to_string(),
            "media/synthesis:2: error: bad line <rubbish> [synthesis.bad-line]"
        );
        assert_eq!(parse("", b"@nodata\n").problems.len(), 1);
    }

    #[test]
    fn strange_values_are_warned_of() {
        let text = "@filesize@99999999999999999999999\n@info@odd@x@-5@G\n@provides@left over\n";
        let read = parse("s", text.as_bytes());
        assert_eq!(read.packages.len(), 1);
        assert_eq!(
            (read.packages[0].filesize, read.packages[0].size),
            (SIZE_LIMIT, 0)
        );
        let lines: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "s:1: warning: `99999999999999999999999` is too large (file size) [synthesis.number]",
                "s:2: warning: `odd` is not NAME-VERSION-RELEASE.ARCH [synthesis.full-name]",
                "s:2: warning: `x` is not a number (epoch) [synthesis.number]",
                "s:2: warning: `-5` is not a number (size) [synthesis.number]",
            ]
        );
    }
}
