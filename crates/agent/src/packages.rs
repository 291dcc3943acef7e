//! Packages by the system's own tool, offline, and only on the state that they were chosen for.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use escadre_bundle::{Command as Line, PackageSet};
use escadre_model::inventory::PackageKind;
use tokio::{process::Command, time::timeout};

const ASK: Duration = Duration::from_secs(60);

/// Installed versions by name and architecture; a package without architecture of its own is under every one asked.
#[derive(Debug, Default)]
pub(crate) struct Installed(BTreeMap<(String, String), String>);

impl Installed {
    /// Asks the package manager.
    pub(crate) async fn ask(kind: PackageKind) -> Result<Self, String> {
        let (program, arguments): (&str, &[&str]) = match kind {
            PackageKind::Deb => (
                "dpkg-query",
                &[
                    "-W",
                    "-f=${db:Status-Status} ${Package} ${Architecture} ${Version}\\n",
                ],
            ),
            PackageKind::Rpm => (
                "rpm",
                &["-qa", "--qf", "installed %{NAME} %{ARCH} %{EVR}\\n"],
            ),
        };
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match timeout(ASK, output).await {
            Ok(Ok(output)) if output.status.success() => output.stdout,
            Ok(Ok(output)) => {
                return Err(format!(
                    "{program} fails: {}",
                    String::from_utf8_lossy(&output.stderr)
                ));
            }
            Ok(Err(error)) => return Err(format!("{program} cannot be run: {error}")),
            Err(_) => return Err(format!("{program} does not answer")),
        };
        Ok(Self(
            String::from_utf8_lossy(&output)
                .lines()
                .filter_map(row)
                .collect(),
        ))
    }

    /// The version of a package, if it is installed.
    pub(crate) fn version(&self, name: &str, arch: &str) -> Option<&str> {
        [arch, "all", "noarch"]
            .iter()
            .find_map(|arch| self.0.get(&(name.to_owned(), (*arch).to_owned())))
            .map(String::as_str)
    }

    /// The versions of a package of any architecture.
    pub(crate) fn versions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |((known, _), _)| known == name)
            .map(|(_, version)| version.as_str())
    }

    /// Why the selection does not fit this host any more, in a sentence.
    pub(crate) fn mismatch(&self, set: &PackageSet) -> Option<String> {
        let told = |name: &str, arch: &str, wanted: Option<&str>| {
            let found = self.version(name, arch);
            (found != wanted).then(|| {
                let (found, wanted) = (found.unwrap_or("not installed"), wanted.unwrap_or("not installed"));
                format!("{name}:{arch} is {found} here, and was {wanted} when the packages were selected")
            })
        };
        let against = set
            .against
            .iter()
            .find_map(|p| told(&p.name, &p.arch, Some(&p.version)));
        against.or_else(|| {
            set.changes
                .iter()
                .find_map(|p| told(&p.name, &p.arch, p.before.as_deref()))
        })
    }

    /// True if every change is in force already: a repetition has nothing to do.
    pub(crate) fn has_all(&self, set: &PackageSet) -> bool {
        set.changes
            .iter()
            .all(|p| self.version(&p.name, &p.arch) == p.after.as_deref())
    }
}

/// A line of the query's answer.
fn row(line: &str) -> Option<((String, String), String)> {
    let mut words = line.split_whitespace();
    let (status, name, arch, version) =
        (words.next()?, words.next()?, words.next()?, words.next()?);
    (status == "installed").then(|| ((name.to_owned(), arch.to_owned()), version.to_owned()))
}

/// True while somebody else changes packages: a transaction would fail before it began.
pub(crate) fn is_busy(kind: PackageKind) -> bool {
    let file = match kind {
        PackageKind::Deb => "/var/lib/dpkg/lock-frontend",
        PackageKind::Rpm => "/var/lib/rpm/.rpm.lock",
    };
    // Who may not open the lock may not install either, and is told so by the tool itself.
    let Ok(file) = std::fs::File::options().write(true).open(file) else {
        return false;
    };
    // Closing the file gives the lock back.
    matches!(
        rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::AGAIN)
    )
}

/// The one command of a transaction; `folder` holds the unpacked content. None where no tool does both in one: rpm installs
/// or erases.
pub(crate) fn transaction(set: &PackageSet, folder: &Path) -> Option<Line> {
    let files: Vec<String> = set
        .changes
        .iter()
        .filter_map(|change| change.file.as_ref())
        .map(|file| folder.join(file.as_str()).to_string_lossy().into_owned())
        .collect();
    let removed: Vec<String> = set
        .changes
        .iter()
        .filter(|change| change.after.is_none())
        .map(|change| match set.kind {
            PackageKind::Deb => format!("{}:{}-", change.name, change.arch),
            PackageKind::Rpm => format!("{}.{}", change.name, change.arch),
        })
        .collect();
    let words = |fixed: &[&str]| {
        fixed
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let line = match (set.kind, files.is_empty(), removed.is_empty()) {
        (PackageKind::Deb, _, true) => Line::Argv(
            [
                words(&["dpkg", "--force-confold", "--force-confdef", "--install"]),
                files,
            ]
            .concat(),
        ),
        // With removals only apt has one transaction for both; nothing can be downloaded, so nothing else can come in.
        (PackageKind::Deb, _, false) => {
            let options = [
                "apt-get",
                "--yes",
                "--no-download",
                "--allow-downgrades",
                "--allow-change-held-packages",
                "--no-install-recommends",
                "-o",
                "Dpkg::Options::=--force-confold",
                "-o",
                "APT::Get::AutomaticRemove=false",
                "install",
            ];
            Line::Argv([words(&options), files, removed].concat())
        }
        (PackageKind::Rpm, true, _) => Line::Argv([words(&["rpm", "--erase"]), removed].concat()),
        (PackageKind::Rpm, false, true) => {
            Line::Argv([words(&["rpm", "--upgrade", "--oldpackage"]), files].concat())
        }
        (PackageKind::Rpm, false, false) => return None,
    };
    Some(line)
}

/// Folder of the content below a delivery's work folder.
pub(crate) fn content_folder(work: &Path) -> PathBuf {
    work.join("content")
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_bundle::{PackageChange, PackageVersion};

    #[tokio::test]
    async fn what_dpkg_says_is_compared() {
        let installed = Installed::ask(PackageKind::Deb)
            .await
            .expect("dpkg answers");
        let version = installed
            .versions("dpkg")
            .next()
            .expect("dpkg is installed")
            .to_owned();
        let arch = installed
            .0
            .keys()
            .find(|(name, _)| name == "dpkg")
            .expect("it is")
            .1
            .clone();
        let package = |version: &str| PackageVersion {
            name: "dpkg".into(),
            arch: arch.clone(),
            version: version.into(),
        };
        let change = PackageChange {
            name: "no-such-package".into(),
            arch: arch.clone(),
            before: None,
            after: Some("1".into()),
            file: "a.deb".parse().ok(),
            undo_file: None,
        };
        let set = |against, before: Option<&str>| PackageSet {
            kind: PackageKind::Deb,
            changes: vec![PackageChange {
                before: before.map(str::to_owned),
                ..change.clone()
            }],
            against: vec![against],
        };
        assert_eq!(installed.mismatch(&set(package(&version), None)), None);
        let told = installed
            .mismatch(&set(package("0"), None))
            .expect("another version");
        assert!(told.contains("was 0 when"), "{told}");
        assert!(
            installed
                .mismatch(&set(package(&version), Some("7")))
                .is_some()
        );
        assert!(!installed.has_all(&set(package(&version), None)));
    }

    #[test]
    fn one_command_each() {
        let change = |name: &str, after: Option<&str>| PackageChange {
            name: name.into(),
            arch: "amd64".into(),
            before: Some("1".into()),
            after: after.map(str::to_owned),
            file: after.and_then(|_| format!("{name}.deb").parse().ok()),
            undo_file: None,
        };
        let check = |kind, changes: Vec<PackageChange>, begin: &str, end: &str| {
            let set = PackageSet {
                kind,
                changes,
                against: Vec::new(),
            };
            let Some(Line::Argv(words)) = transaction(&set, Path::new("/w")) else {
                panic!("no shell")
            };
            let line = words.join(" ");
            assert!(line.starts_with(begin) && line.ends_with(end), "{line}");
        };
        let (new, gone) = (change("a", Some("2")), change("b", None));
        check(
            PackageKind::Deb,
            vec![new.clone()],
            "dpkg ",
            "--install /w/a.deb",
        );
        check(
            PackageKind::Deb,
            vec![new.clone(), gone.clone()],
            "apt-get ",
            "install /w/a.deb b:amd64-",
        );
        check(
            PackageKind::Rpm,
            vec![gone.clone()],
            "rpm --erase",
            "b.amd64",
        );
        check(PackageKind::Rpm, vec![new], "rpm --upgrade", "/w/a.deb");
    }
}
