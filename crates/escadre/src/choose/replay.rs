//! `escadre select replay`: a recorded case of the Mandriva installer, from its files to its results.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Result};
use escadre_select::{
    Era,
    replay::{Case, replay as run},
};

/// The most that a compressed file of a case may unpack to.
const LARGEST: u64 = 256 << 20;

/// Prints one JSON object with the results that the case asks for.
pub(crate) fn replay(path: &Path, era: Option<&str>) -> Result<ExitCode> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut case = Case::parse(&text).with_context(|| format!("{} is no case", path.display()))?;
    if let Some(word) = era {
        case.era = Era::parse(word)
            .with_context(|| format!("there is no era `{word}`: 2008.1, 2010.0, batch"))?;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let results = run(&case, &|file| plain(&folder.join(file)).ok());
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &results).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}

/// The bytes of a file, decompressed if its first bytes say so.
pub(super) fn plain(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(path)?;
    let mut plain = Vec::new();
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(&*bytes)
            .take(LARGEST)
            .read_to_end(&mut plain)?,
        [0xfd, b'7', b'z', b'X', b'Z', ..] => liblzma::read::XzDecoder::new(&*bytes)
            .take(LARGEST)
            .read_to_end(&mut plain)?,
        _ => return Ok(bytes),
    };
    Ok(plain)
}
