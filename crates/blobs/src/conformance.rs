//! What every implementation of [`Blobs`] must do, as tests that each of them runs.
//!
//! The suite wants an empty place, and leaves it empty when it succeeds.

use std::collections::BTreeMap;

use escadre_bundle::{Chunk, ChunkHash, Encoder, StoredChunk};

use crate::{BlobError, Blobs};

/// Runs the whole suite; the error names the promise that was broken.
pub fn run(blobs: &dyn Blobs) -> Result<(), String> {
    type Promise = fn(&dyn Blobs) -> Result<(), String>;
    let promises: [(&str, Promise); 8] = [
        ("an empty place has nothing", nothing_at_first),
        ("what is put is there", put_then_get),
        ("putting twice changes nothing", put_twice),
        ("many at once are as one by one", put_many),
        (
            "a batch that is dropped may vanish, and hurts nothing",
            drop_batch,
        ),
        (
            "missing names what is not there, in order",
            missing_in_order,
        ),
        ("what is deleted is gone", delete_then_gone),
        ("many threads do not disturb each other", many_threads),
    ];
    for (name, promise) in promises {
        promise(blobs).map_err(|fault| format!("{name}: {fault}"))?;
        let left = listed(blobs)?;
        for hash in left.keys() {
            step(blobs.delete(*hash))?;
        }
    }
    Ok(())
}

/// A chunk of `length` bytes that is like no other `number`.
pub fn sample(number: u32, length: usize) -> Result<StoredChunk, String> {
    let bytes: Vec<u8> = number
        .to_le_bytes()
        .into_iter()
        .chain((0..=255).cycle())
        .take(length.max(4))
        .collect();
    let chunk = Chunk::new(&bytes).map_err(|error| error.to_string())?;
    Encoder::new()
        .and_then(|mut encoder| encoder.encode(&chunk))
        .map_err(|error| error.to_string())
}

fn step<T>(result: Result<T, BlobError>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, wanted {wanted:?}"))
    }
}

fn listed(blobs: &dyn Blobs) -> Result<BTreeMap<ChunkHash, u64>, String> {
    let mut found = BTreeMap::new();
    let mut twice = None;
    step(blobs.list(&mut |hash, length| {
        if found.insert(hash, length).is_some() {
            twice = Some(hash);
        }
    }))?;
    expect("listed twice", twice, None)?;
    Ok(found)
}

fn nothing_at_first(blobs: &dyn Blobs) -> Result<(), String> {
    let hash = sample(0, 10)?.hash();
    expect("list", listed(blobs)?, BTreeMap::new())?;
    expect("has", step(blobs.has(hash))?, false)?;
    expect("get", step(blobs.get(hash))?, None)?;
    expect("get_unverified", step(blobs.get_unverified(hash))?, None)?;
    expect("len", step(blobs.len(hash))?, None)?;
    expect("delete", step(blobs.delete(hash))?, false)
}

fn put_then_get(blobs: &dyn Blobs) -> Result<(), String> {
    for (number, length) in [(1, 4), (2, 1000), (3, 1 << 20)] {
        let chunk = sample(number, length)?;
        expect("put", step(blobs.put(&chunk))?, true)?;
        expect("has", step(blobs.has(chunk.hash()))?, true)?;
        expect(
            "len",
            step(blobs.len(chunk.hash()))?,
            Some(chunk.bytes().len() as u64),
        )?;
        expect("get", step(blobs.get(chunk.hash()))?.as_ref(), Some(&chunk))?;
        expect(
            "get_unverified",
            step(blobs.get_unverified(chunk.hash()))?,
            Some(chunk.into_bytes()),
        )?;
    }
    expect("listed", listed(blobs)?.len(), 3)
}

fn put_twice(blobs: &dyn Blobs) -> Result<(), String> {
    let chunk = sample(1, 500)?;
    expect("first", step(blobs.put(&chunk))?, true)?;
    expect("second", step(blobs.put(&chunk))?, false)?;
    expect(
        "listed",
        listed(blobs)?,
        BTreeMap::from([(chunk.hash(), chunk.bytes().len() as u64)]),
    )
}

fn put_many(blobs: &dyn Blobs) -> Result<(), String> {
    let chunks = (0..50)
        .map(|number| sample(number, 300))
        .collect::<Result<Vec<_>, _>>()?;
    step(blobs.put(&chunks[7]))?;
    expect("fresh", step(blobs.put_all(&chunks))?, 49)?;
    expect("again", step(blobs.put_all(&chunks))?, 0)?;
    expect("none", step(blobs.put_all(&[]))?, 0)?;
    for chunk in &chunks {
        expect("get", step(blobs.get(chunk.hash()))?.as_ref(), Some(chunk))?;
    }
    expect("listed", listed(blobs)?.len(), 50)
}

fn drop_batch(blobs: &dyn Blobs) -> Result<(), String> {
    let chunk = sample(1, 300)?;
    let mut dropped = step(blobs.batch())?;
    step(dropped.add(&chunk))?;
    drop(dropped);
    let mut batch = step(blobs.batch())?;
    step(batch.add(&chunk))?;
    step(batch.add(&chunk))?;
    step(batch.commit())?;
    expect("get", step(blobs.get(chunk.hash()))?, Some(chunk))
}

fn missing_in_order(blobs: &dyn Blobs) -> Result<(), String> {
    let chunks = (0..6)
        .map(|number| sample(number, 64))
        .collect::<Result<Vec<_>, _>>()?;
    step(blobs.put_all(&chunks[2..4]))?;
    let hashes: Vec<_> = chunks.iter().map(StoredChunk::hash).collect();
    let wanted = vec![hashes[0], hashes[1], hashes[4], hashes[5]];
    expect("missing", step(blobs.missing(&hashes))?, wanted)?;
    expect("of none", step(blobs.missing(&[]))?, Vec::new())
}

fn delete_then_gone(blobs: &dyn Blobs) -> Result<(), String> {
    let (gone, stays) = (sample(1, 64)?, sample(2, 64)?);
    step(blobs.put_all(&[gone.clone(), stays.clone()]))?;
    expect("delete", step(blobs.delete(gone.hash()))?, true)?;
    expect("again", step(blobs.delete(gone.hash()))?, false)?;
    expect("has", step(blobs.has(gone.hash()))?, false)?;
    expect("get", step(blobs.get(gone.hash()))?, None)?;
    expect("the other", step(blobs.get(stays.hash()))?, Some(stays))?;
    expect("put again", step(blobs.put(&gone))?, true)
}

fn many_threads(blobs: &dyn Blobs) -> Result<(), String> {
    let chunks = (0..40)
        .map(|number| sample(number, 2000))
        .collect::<Result<Vec<_>, _>>()?;
    let work = |first: usize| {
        for turn in 0..chunks.len() {
            let chunk = &chunks[(first + turn) % chunks.len()];
            step(blobs.put(chunk))?;
            expect("get", step(blobs.get(chunk.hash()))?.as_ref(), Some(chunk))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = [0, 0, 13, 29]
            .map(|first| scope.spawn(move || work(first)))
            .into();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a thread panicked".to_owned()))
        })
    })?;
    expect("listed", listed(blobs)?.len(), 40)
}
