//! The genuine agent looks at this machine; what is read of its inventory agrees with what the machine itself says.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use escadre_model::inventory::Inventory;
use escadre_ocs::{
    OcsError,
    inventory::{Machine, read},
    wire::inflate,
};
use flate2::{Compression, write::ZlibEncoder};

const PROGRAM: &str = "ocsinventory-agent";
const MEBIBYTE: u64 = 1 << 20;

/// The agent with a folder of its own for what it keeps; it leaves nothing elsewhere.
fn agent(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg(format!("--basevardir={}", folder.display()))
        .stdin(Stdio::null());
    command
}

fn absent(error: &io::Error) -> ! {
    panic!("the program {PROGRAM} is needed; install the Debian package of that name: {error}")
}

/// What the agent writes to a file; it contacts no server.
fn machine(folder: &Path) -> Machine {
    let reports = folder.join("reports");
    fs::create_dir(&reports).expect("an empty folder");
    let output = agent(folder)
        .arg(format!("--local={}", reports.display()))
        .arg("--tag=squadron")
        .output()
        .unwrap_or_else(|error| absent(&error));
    let entries = fs::read_dir(&reports).expect("the folder is there");
    let files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let [file] = files.as_slice() else {
        panic!(
            "{PROGRAM} made {files:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let (machine, problems) = read(&fs::read(file).expect("a file")).expect("a whole inventory");
    assert_eq!(problems, [], "nothing is odd in what a real agent says");
    machine
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A value of `/proc/meminfo`, in whole MiB as the agent counts.
fn meminfo(key: &str) -> u64 {
    let text = text("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().nth(1));
    let kilobytes: u64 = kilobytes
        .and_then(|word| word.parse().ok())
        .expect("a number");
    kilobytes * 1024 / MEBIBYTE
}

/// `KEY=value` of os-release.
fn os_release(key: &str) -> String {
    let text = text("/etc/os-release");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key}=")));
    line.unwrap_or_default().trim_matches('"').to_owned()
}

fn lines_of(program: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// The same by wire: the agent asks a server, is told to send, and sends.
#[test]
fn comes_by_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut agent = agent(folder.path())
        .arg(format!("--server=http://{address}/ocsinventory"))
        .args(["--nolocal", "--nosoftware"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| absent(&error));
    // When the agent ends without a word, this call ends the wait for it.
    let waiter = thread::spawn(move || {
        let status = agent.wait();
        let _ = TcpStream::connect(address);
        status
    });
    let send = "<REPLY><RESPONSE>SEND</RESPONSE><PROLOG_FREQ>24</PROLOG_FREQ></REPLY>";
    let prolog = answer(&listener, send);
    assert!(matches!(read(&prolog), Err(OcsError::NotAnInventory(query)) if query == "PROLOG"));
    let document = answer(
        &listener,
        "<REPLY><RESPONSE>NO_ACCOUNT_UPDATE</RESPONSE></REPLY>",
    );
    let status = waiter
        .join()
        .expect("it only waits")
        .expect("the agent was started");
    assert!(status.success());
    let (machine, problems) = read(&document).expect("a whole inventory");
    assert_eq!(problems, []);
    assert_eq!(machine.inventory.memory.0 / MEBIBYTE, meminfo("MemTotal"));
    assert_eq!(machine.inventory.packages, []);
}

/// Takes one request, gives a compressed reply, and returns the document that came.
fn answer(listener: &TcpListener, reply: &str) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("the agent calls");
    let mut input = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut length = 0;
    loop {
        let mut line = String::new();
        let count = input.read_line(&mut line).expect("a header");
        assert!(
            count > 0,
            "the agent ended without saying what was asked of it"
        );
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).expect("the body");
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(reply.as_bytes())
        .expect("memory takes all");
    let reply = encoder.finish().expect("memory takes all");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-compressed\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reply.len()
    );
    stream
        .write_all(head.as_bytes())
        .expect("the agent listens");
    stream.write_all(&reply).expect("the agent listens");
    assert!(body.starts_with(&[0x78, 0x9c]));
    inflate(&body, 16 << 20).expect("a zlib stream")
}

#[test]
fn agrees_with_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = installed();
    let machine = machine(folder.path());
    let after = installed();
    assert_eq!(machine.tag, "squadron");
    let inventory = &machine.inventory;
    let name = text("/proc/sys/kernel/hostname");
    let short = name.trim().split('.').next().unwrap_or_default();
    assert_eq!(inventory.hostname, short);
    assert!(machine.device_id.starts_with(&format!("{short}-20")));
    assert_eq!(inventory.os.id, os_release("ID"));
    assert_eq!(inventory.os.version, os_release("VERSION_ID"));
    assert_eq!(inventory.os.name, os_release("PRETTY_NAME"));
    assert_eq!(
        vec![inventory.os.arch.clone()],
        lines_of("dpkg", &["--print-architecture"])
    );
    assert_eq!(inventory.memory.0 / MEBIBYTE, meminfo("MemTotal"));
    assert_eq!(inventory.swap.0 / MEBIBYTE, meminfo("SwapTotal"));
    let cpuinfo = text("/proc/cpuinfo");
    let threads = cpuinfo
        .lines()
        .filter(|line| line.starts_with("processor\t"))
        .count();
    assert_eq!(inventory.cpu.threads as usize, threads);
    packages_agree(inventory, &before, &after);
    networks_agree(inventory);
    root_agrees(inventory);
}

/// Name, version and architecture of what dpkg has installed.
fn installed() -> BTreeSet<String> {
    let format = "-f=${db:Status-Status} ${Package} ${Version} ${Architecture}\n";
    let lines = lines_of("dpkg-query", &["-W", format]);
    let installed = lines
        .iter()
        .filter_map(|line| line.strip_prefix("installed "));
    installed.map(str::to_owned).collect()
}

/// All that was there before and after the agent looked, and nothing that was there at neither time.
fn packages_agree(inventory: &Inventory, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let packages = inventory.packages.iter();
    let found: BTreeSet<String> = packages
        .map(|one| format!("{} {} {}", one.name, one.version, one.arch))
        .collect();
    assert!(found.len() > 100);
    let missing: Vec<&String> = before
        .intersection(after)
        .filter(|one| !found.contains(*one))
        .collect();
    let invented: Vec<&String> = found
        .iter()
        .filter(|one| !before.contains(*one) && !after.contains(*one))
        .collect();
    assert_eq!((missing, invented), (vec![], vec![]));
}

fn networks_agree(inventory: &Inventory) {
    for network in &inventory.networks {
        let path = format!("/sys/class/net/{}/address", network.name);
        assert_eq!(network.mac, text(&path).trim(), "{}", network.name);
    }
    let listed = lines_of("ip", &["-o", "-4", "address", "show", "scope", "global"]);
    let networks = inventory.networks.iter();
    let addresses = networks.flat_map(|network| &network.addresses);
    let found: BTreeSet<String> = addresses
        .filter(|address| address.ip.is_ipv4())
        .map(|address| format!("{}/{}", address.ip, address.prefix))
        .collect();
    let expected = listed
        .iter()
        .filter_map(|line| line.split_whitespace().nth(3));
    assert_eq!(found, expected.map(str::to_owned).collect());
}

fn root_agrees(inventory: &Inventory) {
    let lines = lines_of("df", &["-k", "--output=fstype,size", "/"]);
    let mut words = lines.last().expect("a line").split_whitespace();
    let kind = words.next().unwrap_or_default();
    let size: u64 = words
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a number");
    let root = inventory
        .mounts
        .iter()
        .find(|mount| mount.path == "/")
        .expect("the root");
    assert_eq!(
        (&*root.kind, root.size.0 / MEBIBYTE),
        (kind, size * 1024 / MEBIBYTE)
    );
}
