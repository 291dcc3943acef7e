//! Documents that mean harm, or are broken: a bounded outcome, never a panic.

use std::time::{Duration, Instant};

use escadre_ocs::{OcsError, inventory::read, wire};
use proptest::{prelude::*, sample::Index};

const LINUX: &[u8] = include_bytes!("../inventories/inv-02-linux-nosoftware.xml");
const WINDOWS: &[u8] = include_bytes!("../inventories/inv-04-windows-10.xml");

/// Far more than any of it takes, on a busy machine too; far less than what a squared or exponential reader takes.
const SOON: Duration = Duration::from_secs(60);

fn inventory(content: &str) -> String {
    format!(
        "<REQUEST><DEVICEID>vm-2026-11-20-08-49-43</DEVICEID><QUERY>INVENTORY</QUERY>\
         <CONTENT>{content}</CONTENT></REQUEST>"
    )
}

/// The codes of what is odd in an inventory with this content.
fn check(content: &str, expected: &[&str]) {
    let (_, problems) = read(inventory(content).as_bytes()).expect("a whole inventory");
    let codes: Vec<&str> = problems.iter().map(|problem| &*problem.code).collect();
    assert_eq!(codes, expected, "{content:.200}");
}

#[test]
fn odd_values_are_told_with_their_line() {
    check("<HARDWARE/>", &[]);
    check("", &["ocs.no-hardware"]);
    check(
        "<HARDWARE><MEMORY>much</MEMORY></HARDWARE>",
        &["ocs.bad-number"],
    );
    check(
        "<HARDWARE><LASTDATE>yesterday</LASTDATE></HARDWARE>",
        &["ocs.bad-date"],
    );
    check(
        "<HARDWARE><LASTDATE>1970-01-01 00:00:00</LASTDATE></HARDWARE>",
        &[],
    );
    check("<HARDWARE/><HARDWARE/>", &["ocs.too-many-rows"]);
    check("<HARDWARE/><UNKNOWN><X>1</X></UNKNOWN>", &[]);
    let content =
        "<HARDWARE/>\n\n<NETWORKS><DESCRIPTION>e</DESCRIPTION><IPADDRESS>?</IPADDRESS></NETWORKS>";
    let (_, problems) = read(inventory(content).as_bytes()).expect("a whole inventory");
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["3: warning: NETWORKS/IPADDRESS is no address: `?` [ocs.bad-address]"]
    );
}

#[test]
fn problems_are_bounded() {
    let row = "<NETWORKS><DESCRIPTION>e</DESCRIPTION><IPADDRESS>?</IPADDRESS></NETWORKS>";
    let content = format!("<HARDWARE/>{}", row.repeat(1000));
    let (_, problems) = read(inventory(&content).as_bytes()).expect("a whole inventory");
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].message, "900 more problems of this message");
}

#[test]
fn rows_are_bounded() {
    let software = "<SOFTWARES NAME=\"a\"/>".repeat(60_000);
    let cpus = "<CPUS CORES=\"999999\" LOGICAL_CPUS=\"999999\"/>".repeat(5000);
    let content = format!("<HARDWARE/>{software}{cpus}");
    let (machine, problems) = read(inventory(&content).as_bytes()).expect("a whole inventory");
    assert_eq!(
        (machine.programs.len(), machine.inventory.cpu.sockets),
        (1, 1024)
    );
    let codes: Vec<&str> = problems.iter().map(|problem| &*problem.code).collect();
    assert_eq!(codes, ["ocs.too-many-rows"; 2]);
}

#[test]
fn identifiers() {
    for (id, is_good) in [
        ("vm-2026-11-20-08-49-43", true),
        ("vm", false),
        ("", false),
        ("é-2026-11-20-08-49-43", true),
    ] {
        let document = format!("<REQUEST DEVICEID=\"{id}\" QUERY=\"INVENTORY\"/>");
        match read(document.as_bytes()) {
            Ok((machine, _)) => assert!(is_good && machine.device_id == id),
            Err(OcsError::DeviceId(found)) => assert!(!is_good && found == id),
            Err(other) => panic!("{id}: {other}"),
        }
    }
}

#[test]
fn renamed_machines_say_so_in_either_place() {
    let old = "<OLD_DEVICEID>old-2020-01-01-00-00-00</OLD_DEVICEID>";
    for content in [
        old.to_owned(),
        format!("<DOWNLOAD><HISTORY>{old}</HISTORY></DOWNLOAD>"),
    ] {
        let (machine, _) = read(inventory(&content).as_bytes()).expect("a whole inventory");
        assert_eq!(
            machine.old_device_id.as_deref(),
            Some("old-2020-01-01-00-00-00")
        );
    }
}

#[test]
fn agents_say_their_version_where_they_like() {
    for content in [
        "<VERSIONCLIENT>Some-Agent_v2.5</VERSIONCLIENT>",
        "<X/><VERSIONCLIENT> Some-Agent_v2.5\n</VERSIONCLIENT><VERSIONCLIENT>b</VERSIONCLIENT>",
    ] {
        let (machine, _) = read(inventory(content).as_bytes()).expect("a whole inventory");
        assert_eq!(machine.agent, "Some-Agent_v2.5");
    }
}

#[test]
fn latin_names_are_read() {
    let declaration = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n".to_vec();
    let document = inventory("<HARDWARE><NAME>atelier-\u{e9}t\u{e9}</NAME></HARDWARE>");
    let latin = document
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("Latin only"));
    let latin: Vec<u8> = latin.collect();
    for (bytes, problems) in [([declaration, latin.clone()].concat(), 0), (latin, 1)] {
        let (machine, found) = read(&bytes).expect("a whole inventory");
        assert_eq!(machine.inventory.hostname, "atelier-été");
        assert_eq!(found.len(), problems);
    }
}

#[test]
fn bombs_end_soon() {
    let billion = (1..10).fold("<!ENTITY a0 \"lol\">".to_owned(), |text, n| {
        let before = format!("&a{};", n - 1).repeat(10);
        format!("{text}<!ENTITY a{n} \"{before}\">")
    });
    let entity = format!("<!DOCTYPE REQUEST [{billion}]><REQUEST><QUERY>&a9;</QUERY></REQUEST>");
    let text = inventory(&format!(
        "<HARDWARE><NAME>{}</NAME></HARDWARE>",
        "x".repeat(8 << 20)
    ));
    let deep = "<A>".repeat(4 << 20);
    let attributes = (0..500_000)
        .map(|n| format!(" a{n}=\"\""))
        .collect::<String>();
    let attributes = inventory(&format!("<HARDWARE{attributes}/>"));
    let empty = inventory(&"<A/>".repeat(500_000));
    let start = Instant::now();
    assert!(matches!(
        read(entity.as_bytes()),
        Err(OcsError::DocumentType { .. })
    ));
    let (machine, problems) = read(text.as_bytes()).expect("a whole inventory");
    assert_eq!(
        (machine.inventory.hostname.len(), problems.len()),
        (4096, 1)
    );
    assert!(matches!(
        read(deep.as_bytes()),
        Err(OcsError::NotARequest(_))
    ));
    assert!(read(attributes.as_bytes()).is_ok());
    assert!(read(empty.as_bytes()).is_ok());
    assert!(matches!(
        read(&vec![b'<'; 17 << 20]),
        Err(OcsError::Oversized { .. })
    ));
    assert!(start.elapsed() < SOON);
}

/// Constructs that never close, so many that a reader which looks for each end would never finish.
#[test]
fn openings_without_end_take_linear_time() {
    let start = Instant::now();
    for opening in [
        "&",
        "&a",
        "&#",
        "&#x",
        "<!--",
        "<![CDATA[",
        "<?",
        "<a b='",
        "<a ",
        "]]>",
        "--",
    ] {
        let content = opening.repeat((1 << 20) / opening.len());
        let _ = read(inventory(&content).as_bytes());
        let _ = read(inventory(&format!("<HARDWARE><NAME>{content}")).as_bytes());
    }
    assert!(start.elapsed() < SOON);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = wire::inflate(&bytes, 1000);
        let _ = read(&bytes);
    }

    /// Good documents with a few bytes replaced, cut or doubled.
    #[test]
    fn damaged_documents(
        is_windows: bool,
        damage in proptest::collection::vec((any::<Index>(), any::<u8>(), 0..4u8), 1..8),
        end: Option<Index>,
    ) {
        let mut bytes = if is_windows { WINDOWS } else { LINUX }.to_vec();
        for (place, byte, kind) in damage {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => bytes.extend_from_within(at..),
            }
            bytes.truncate(100_000);
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        let _ = read(&bytes);
    }

    /// Whole documents with any text in any field that is read: a machine, always.
    #[test]
    fn any_values(
        section in "HARDWARE|BIOS|CPUS|MEMORIES|DRIVES|STORAGES|NETWORKS|CONTROLLERS|SOFTWARES|VIDEOS|SOUNDS|INPUTS",
        fields in proptest::collection::vec((
            "NAME|TYPE|MEMORY|SWAP|OSNAME|OSVERSION|OSCOMMENTS|DESCRIPTION|PROCESSORN|PROCESSORS|LASTDATE|CORES|SPEED|\
             CAPACITY|TOTAL|FREE|FILESYSTEM|LETTER|DISKSIZE|MACADDR|IPADDRESS|IPMASK|PCIID|FROM|VERSION|FILESIZE",
            "\\PC{0,12}|[0-9.:/-]{0,24}|[0-9]{1,40}[a-zA-Z]{0,3}",
        ), 0..12),
    ) {
        let fields = fields.iter().map(|(name, value)| {
            let value = value.replace('&', "&amp;").replace('<', "&lt;");
            format!("<{name}>{value}</{name}>")
        });
        let fields: String = fields.collect();
        let document = inventory(&format!("<{section}>{fields}</{section}>"));
        let (machine, _) = read(document.as_bytes()).expect("a whole inventory");
        prop_assert!(!machine.inventory.hostname.is_empty());
    }

    /// A document that is cut anywhere before its end is never taken for a whole one.
    #[test]
    fn cut_documents_are_no_machines(end: Index) {
        let root = WINDOWS.windows(10).rposition(|window| window == b"</REQUEST>");
        let cut = &WINDOWS[..end.index(root.expect("the end of the root"))];
        prop_assert!(read(cut).is_err());
    }
}
