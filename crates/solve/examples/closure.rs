//! Times the closure of many seeds: `closure text PACKAGES… | closure warm INDEX`, with the seeds' names on standard input
//! (or `--write INDEX` after the files of `text` to keep the index). Prints one line: milliseconds of each step.

use std::{
    error::Error,
    fs::File,
    io::{self, BufReader, Read, Write},
    time::Instant,
};

use escadre_catalog::{Catalog, CatalogBuilder, debian};
use escadre_model::inventory::PackageKind;
use escadre_solve::{Options, Request, Wanted, solve};

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mode, files) = arguments.split_first().ok_or("closure text|warm FILE…")?;
    let catalog = match mode.as_str() {
        "text" => from_text(files)?,
        _ => Catalog::from_bytes(std::fs::read(files.first().ok_or("which index?")?)?)?,
    };
    let loaded = start.elapsed();
    let mut names = String::new();
    io::stdin().read_to_string(&mut names)?;
    let wanted: Vec<Wanted> = names.split_whitespace().map(Wanted::any).collect();
    let options = Options {
        architectures: vec!["amd64".to_owned()],
        ..Options::default()
    };
    let request = Request {
        wanted,
        options,
        ..Request::default()
    };
    let outcome = solve(&catalog, &request);
    let solved = start.elapsed();
    let mut out = io::stdout().lock();
    match outcome {
        Ok(solution) => {
            writeln!(
                out,
                "{} packages in the catalog ({} bytes), {} in the closure; load {:.1} ms, solve {:.1} ms",
                catalog.len(),
                catalog.to_bytes().len(),
                solution.packages.len(),
                loaded.as_secs_f64() * 1e3,
                (solved - loaded).as_secs_f64() * 1e3
            )?;
            if std::env::var_os("LIST").is_some() {
                for chosen in &solution.packages {
                    writeln!(
                        out,
                        "{}",
                        solution.why(&catalog, chosen.package).unwrap_or_default()
                    )?;
                }
            }
        }
        Err(error) => writeln!(out, "no solution: {error}")?,
    }
    Ok(())
}

fn from_text(files: &[String]) -> Result<Catalog, Box<dyn Error>> {
    let (files, index) = match files.iter().position(|file| file == "--write") {
        Some(at) => (&files[..at], files.get(at + 1)),
        None => (files, None),
    };
    let mut builder = CatalogBuilder::new(PackageKind::Deb);
    for file in files {
        builder.begin_source(file)?;
        debian::packages::read(
            file,
            BufReader::with_capacity(256 << 10, File::open(file)?),
            &mut builder,
        )?;
    }
    let (catalog, _) = builder.finish()?;
    if let Some(index) = index {
        std::fs::write(index, catalog.to_bytes())?;
    }
    Ok(catalog)
}
