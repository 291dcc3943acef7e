//! A small signed Debian mirror, built by dpkg-deb and gpg, and a server for it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Runs a program that must succeed.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the program exists (apt-get install dpkg-dev gpg rpm createrepo-c)");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A key, made once for all tests.
pub(crate) struct Key {
    home: TempDir,
    pub(crate) keyring: PathBuf,
}

pub(crate) fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let home = tempfile::Builder::new()
            .prefix("gpg")
            .tempdir()
            .expect("a folder");
        let keyring = home.path().join("mirror-archive-keyring.asc");
        let key = Key { home, keyring };
        run(key.gpg().args([
            "--passphrase",
            "",
            "--quick-gen-key",
            "mirror@example.org",
            "ed25519",
            "sign",
            "never",
        ]));
        let armored = run(key.gpg().args(["--armor", "--export"]));
        std::fs::write(&key.keyring, armored).expect("room");
        key
    })
}

impl Key {
    pub(crate) fn gpg(&self) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path()).args([
            "--batch",
            "--yes",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]);
        command
    }
}

/// A mirror in a folder.
pub(crate) struct Mirror {
    pub(crate) folder: TempDir,
}

/// Name, version, further control lines.
pub(crate) const PACKAGES: [(&str, &str, &str); 4] = [
    ("app", "2.0-1", "Depends: libapp (>= 1.5), tool | tool-ng"),
    ("libapp", "1.6-2", ""),
    ("tool", "1:0.9", "Provides: tool-api (= 3)"),
    ("tool-ng", "3", "Conflicts: tool"),
];

impl Mirror {
    pub(crate) fn new(compress: &str) -> Self {
        let mirror = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let mut index = String::new();
        for (name, version, control) in PACKAGES {
            index.push_str(&mirror.package(name, version, control));
        }
        mirror.write_index(&index, compress, "");
        mirror
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Builds a .deb; returns its stanza.
    fn package(&self, name: &str, version: &str, control: &str) -> String {
        let tree = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(tree.path().join("DEBIAN")).expect("room");
        let control = if control.is_empty() {
            String::new()
        } else {
            format!("{control}\n")
        };
        let text = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <n@example.org>\nInstalled-Size: 12\n\
             {control}Description: {name} for tests\n"
        );
        std::fs::write(tree.path().join("DEBIAN/control"), &text).expect("room");
        std::fs::write(tree.path().join(name), name.repeat(1000)).expect("room");
        let path = format!("pool/{name}.deb");
        std::fs::create_dir_all(self.root().join("pool")).expect("room");
        let file = self.root().join(&path);
        run(Command::new("dpkg-deb")
            .args(["--root-owner-group", "-b"])
            .arg(tree.path())
            .arg(&file));
        let bytes = std::fs::read(&file).expect("built");
        format!(
            "{text}Filename: {path}\nSize: {}\nSHA256: {}\n\n",
            bytes.len(),
            hex(&Sha256::digest(&bytes))
        )
    }

    /// Writes `Packages` in a compression, `Release` and its signatures.
    pub(crate) fn write_index(&self, index: &str, compress: &str, release_lines: &str) {
        let dist = self.root().join("dists/stable");
        let folder = dist.join("main/binary-all");
        std::fs::create_dir_all(&folder).expect("room");
        let name = format!("Packages{compress}");
        let bytes = compressed(index.as_bytes(), compress);
        std::fs::write(folder.join(&name), &bytes).expect("room");
        let sum = hex(&Sha256::digest(&bytes));
        let plain = hex(&Sha256::digest(index.as_bytes()));
        let release = format!(
            "Origin: Test\nSuite: stable\nCodename: test\nArchitectures: all\nComponents: main\n{release_lines}SHA256:\n \
             {sum} {} main/binary-all/{name}\n {plain} {} main/binary-all/Packages\n",
            bytes.len(),
            index.len()
        );
        std::fs::write(dist.join("Release"), release).expect("room");
        let sign = |arguments: &[&str], out: &str| {
            run(key()
                .gpg()
                .args(arguments)
                .arg("--output")
                .arg(dist.join(out))
                .arg(dist.join("Release")));
        };
        sign(&["--clearsign"], "InRelease");
        sign(&["--armor", "--detach-sign"], "Release.gpg");
    }

    /// Serves the folder on loopback.
    pub(crate) async fn serve(&self) -> SocketAddr {
        serve(self.root().to_owned()).await
    }
}

pub(crate) async fn serve(root: PathBuf) -> SocketAddr {
    use axum::{
        body::Body,
        extract::Request,
        http::{Response, StatusCode, header},
    };
    let app = axum::Router::new().fallback(move |request: Request| {
        let root = root.clone();
        async move {
            let answer = |status: StatusCode, body: Vec<u8>| {
                Response::builder()
                    .status(status)
                    .body(Body::from(body))
                    .expect("a response")
            };
            if let Some(target) = request.uri().path().strip_prefix("/redirect/") {
                let target = target.replacen(":/", "://", 1);
                let response = Response::builder()
                    .status(StatusCode::FOUND)
                    .header(header::LOCATION, target);
                return response.body(Body::empty()).expect("a response");
            }
            let Ok(bytes) = std::fs::read(root.join(request.uri().path().trim_start_matches('/')))
            else {
                return answer(StatusCode::NOT_FOUND, Vec::new());
            };
            let range = request
                .headers()
                .get(header::RANGE)
                .and_then(|value| value.to_str().ok());
            let start = range
                .and_then(|r| r.strip_prefix("bytes="))
                .and_then(|r| r.strip_suffix('-'));
            match start
                .and_then(|start| start.parse::<usize>().ok())
                .filter(|&start| start < bytes.len())
            {
                Some(start) => answer(StatusCode::PARTIAL_CONTENT, bytes[start..].to_vec()),
                None => answer(StatusCode::OK, bytes),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn compressed(bytes: &[u8], end: &str) -> Vec<u8> {
    use std::io::Write;
    match end {
        ".gz" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        }
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        }
        ".zst" => zstd::encode_all(bytes, 3).expect("memory"),
        ".lz4" => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        }
        _ => bytes.to_vec(),
    }
}
