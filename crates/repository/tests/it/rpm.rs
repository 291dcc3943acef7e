//! rpm-md and Mandriva trees, written here and signed by gpg.

use escadre_catalog::{RelationKind, rpmmd::comps};
use escadre_repository::{Location, OpenOptions, RepositoryError, Source, open};
use sha2::{Digest, Sha256};

use crate::fixture::{compressed, hex, key, run};

const PRIMARY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">
<package type="rpm"><name>app</name><arch>x86_64</arch><version epoch="1" ver="2.0" rel="3"/>
<checksum type="sha256" pkgid="YES">abababababababababababababababababababababababababababababababab</checksum>
<summary>An app &amp; more</summary><size package="1000" installed="5000" archive="6000"/><location href="Packages/app.rpm"/>
<format><rpm:group>Apps</rpm:group>
<rpm:provides><rpm:entry name="app" flags="EQ" epoch="1" ver="2.0" rel="3"/></rpm:provides>
<rpm:requires><rpm:entry name="lib" flags="GE" epoch="0" ver="1.0"/><rpm:entry name="rpmlib(X)" flags="LE" ver="4"/>
<rpm:entry name="/usr/share/odd/file"/><rpm:entry name="(a or b &gt;= 2)"/></rpm:requires>
<rpm:obsoletes><rpm:entry name="old" flags="LT" epoch="0" ver="3"/></rpm:obsoletes>
<file>/usr/bin/app</file></format></package>
<package type="rpm"><name>lib</name><arch>noarch</arch><version epoch="0" ver="1.5" rel="1"/><format/></package>
</metadata>"#;

const FILELISTS: &str = r#"<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="1">
<package pkgid="x" name="lib" arch="noarch"><version epoch="0" ver="1.5" rel="1"/><file>/usr/share/odd/file</file><file>/other</file></package>
</filelists>"#;

pub(crate) fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let data = root.path().join("repodata");
    std::fs::create_dir_all(&data).expect("room");
    let mut repomd = String::from(
        "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>7</revision>",
    );
    for (kind, text, end) in [
        ("primary", PRIMARY, ".zst"),
        ("filelists", FILELISTS, ".gz"),
    ] {
        let bytes = compressed(text.as_bytes(), end);
        let sum = hex(&Sha256::digest(&bytes));
        let path = format!("repodata/{kind}.xml{end}");
        std::fs::write(root.path().join(&path), &bytes).expect("room");
        let checksum = format!("<checksum type=\"sha256\">{sum}</checksum>");
        let size = format!("<size>{}</size>", bytes.len());
        let location = format!("<location href=\"{path}\"/>");
        repomd.extend([
            format!("<data type=\"{kind}\">"),
            checksum,
            location,
            size,
            "</data>".to_owned(),
        ]);
    }
    let repomd_file = data.join("repomd.xml");
    std::fs::write(&repomd_file, repomd + "</repomd>").expect("room");
    run(key()
        .gpg()
        .args(["--armor", "--detach-sign"])
        .arg(&repomd_file));
    root
}

fn trusting() -> OpenOptions {
    OpenOptions {
        keyrings: Some(vec![key().keyring.clone()]),
        ..OpenOptions::default()
    }
}

#[tokio::test]
async fn an_rpm_repository() {
    let root = tree();
    let source = Source::RpmMd(Location::Folder(root.path().to_owned()));
    let opened = open(&source, &trusting()).await.expect("opened");
    assert!(opened.is_signed());
    let catalog = &opened.catalog;
    let app = catalog
        .find("app", Some("1:2.0-3"), Some("x86_64"))
        .expect("there");
    let groups: Vec<String> = catalog
        .relations(app)
        .of(RelationKind::Requires)
        .map(|group| group.to_string())
        .collect();
    assert_eq!(
        groups,
        ["lib (>= 1.0)", "/usr/share/odd/file", "(a or b >= 2)"]
    );
    let details = opened.details().expect("there");
    assert_eq!(
        (details.of(app).summary, details.of(app).path),
        ("An app & more", "Packages/app.rpm")
    );
    assert_eq!(
        (
            catalog.size(app),
            catalog.file_size(app),
            catalog.group(app)
        ),
        (5000, 1000, "Apps")
    );
    let owners = |path: &str| {
        let name = catalog.name_id(path)?;
        catalog
            .providers(name)
            .next()
            .map(|provider| catalog.name(provider.package).to_owned())
    };
    assert_eq!(owners("/usr/bin/app").as_deref(), Some("app"));
    assert_eq!(owners("/usr/share/odd/file"), None);
    let with_files = open(
        &source,
        &OpenOptions {
            filelists: true,
            ..trusting()
        },
    )
    .await
    .expect("opened");
    let name = with_files
        .catalog
        .name_id("/usr/share/odd/file")
        .expect("known");
    let owner = with_files
        .catalog
        .providers(name)
        .next()
        .expect("found in the file list");
    assert_eq!(with_files.catalog.name(owner.package), "lib");
    assert_eq!(with_files.catalog.name_id("/other"), None);
}

#[tokio::test]
async fn its_signature_counts() {
    let root = tree();
    let source = Source::RpmMd(Location::Folder(root.path().to_owned()));
    let repomd = root.path().join("repodata/repomd.xml");
    let text = std::fs::read_to_string(&repomd).expect("there");
    std::fs::write(&repomd, text.replace("<revision>7", "<revision>8")).expect("room");
    assert!(matches!(
        open(&source, &trusting()).await,
        Err(RepositoryError::Signature { .. })
    ));
    std::fs::remove_file(root.path().join("repodata/repomd.xml.asc")).expect("there");
    assert!(matches!(
        open(&source, &trusting()).await,
        Err(RepositoryError::Unsigned { .. })
    ));
    let opened = open(
        &source,
        &OpenOptions {
            allow_unsigned: true,
            ..trusting()
        },
    )
    .await
    .expect("by the word");
    assert!(!opened.is_signed());
    std::fs::write(
        root.path().join("repodata/primary.xml.zst"),
        compressed(PRIMARY.replace("app", "apq").as_bytes(), ".zst"),
    )
    .expect("room");
    let error = open(
        &source,
        &OpenOptions {
            allow_unsigned: true,
            ..trusting()
        },
    )
    .await
    .expect_err("altered");
    assert!(matches!(error, RepositoryError::Checksum { .. }), "{error}");
}

#[tokio::test]
async fn a_mandriva_tree() {
    let root = tempfile::tempdir().expect("a folder");
    let info = root.path().join("media_info");
    std::fs::create_dir_all(&info).expect("room");
    std::fs::write(info.join("media.cfg"), "[media_info]\nversion=2010.0\n[main]\nhdlist=hdlist_main.cz\n[contrib]\nhdlist=hdlist_c.cz\n")
        .expect("room");
    for (name, package) in [("main", "a"), ("c", "b")] {
        let text = format!(
            "@provides@{package}[== 1-1]\n@filesize@3\n@info@{package}-1-1.noarch@0@10@G\n"
        );
        std::fs::write(
            info.join(format!("synthesis.hdlist_{name}.cz")),
            compressed(text.as_bytes(), ".gz"),
        )
        .expect("room");
    }
    let source = Source::Mandriva(Location::Folder(root.path().to_owned()));
    assert!(matches!(
        open(&source, &trusting()).await,
        Err(RepositoryError::Unsigned { .. })
    ));
    let opened = open(
        &source,
        &OpenOptions {
            allow_unsigned: true,
            ..trusting()
        },
    )
    .await
    .expect("opened");
    let names: Vec<&str> = opened
        .catalog
        .ids()
        .map(|id| opened.catalog.name(id))
        .collect();
    assert_eq!(names, ["a", "b"], "ids follow the order of the media");
    assert_eq!(
        opened
            .details()
            .expect("there")
            .of(opened.catalog.find("b", None, None).expect("there"))
            .path,
        "b-1-1.noarch.rpm"
    );
}

#[test]
fn groups_of_comps() {
    let text = r#"<comps><group><id>core</id><default>true</default><uservisible>false</uservisible><name>Core</name>
        <name xml:lang="fr">Base</name><packagelist><packagereq type="mandatory">bash</packagereq>
        <packagereq type="conditional" requires="vim">vim-x</packagereq></packagelist></group>
        <environment><id>server</id><name>Server</name><grouplist><groupid>core</groupid></grouplist>
        <optionlist><groupid default="true">dns</groupid></optionlist></environment></comps>"#;
    let comps = comps::read("comps.xml", text.as_bytes()).expect("readable");
    let [group] = comps.groups.as_slice() else {
        panic!("one group")
    };
    assert_eq!(
        (group.id.as_str(), group.default, group.visible),
        ("core", true, false)
    );
    assert_eq!(group.names["fr"], "Base");
    assert_eq!(
        (
            group.packages[1].name.as_str(),
            group.packages[1].requires.as_str()
        ),
        ("vim-x", "vim")
    );
    assert_eq!(comps.environments[0].groups, ["core"]);
    assert_eq!(comps.environments[0].options, ["dns"]);
}
