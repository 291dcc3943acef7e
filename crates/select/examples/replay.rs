//! Runs a recorded case: `replay CASE.json` prints the JSON object of its results.

use std::{fs, path::Path, process::ExitCode};

use escadre_select::replay::{Case, replay};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        return ExitCode::from(2);
    };
    let folder = Path::new(&path).parent().unwrap_or(Path::new("."));
    let Some(case) = fs::read_to_string(&path)
        .ok()
        .and_then(|text| Case::parse(&text).ok())
    else {
        return ExitCode::from(3);
    };
    let result = replay(&case, &|file| fs::read(folder.join(file)).ok());
    let mut out = std::io::stdout();
    match std::io::Write::write_all(&mut out, result.to_string().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
