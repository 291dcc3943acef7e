//! Texts, each kept once, in one arena, numbered by first appearance.
//!
//! The hash table is stored with the texts, so that an opened index looks names up at once. The hash is seeded: when
//! texts collide more than chance allows (someone chose them so), the table is laid out again with another seed.

use crate::error::CatalogError;

/// Longest run of occupied places before the seed is changed.
const PROBES: usize = 128;
/// Seeds tried before the input is refused.
const SEEDS: u32 = 16;
/// An empty place of the table.
const EMPTY: u32 = u32::MAX;

/// Bits of a place that hold the number of a text; the bits above are a tag of its hash, by which most other texts that
/// come to the same place are told apart without looking at them.
const NUMBER_BITS: u32 = (1 << 26) - 1;

/// Hash of a text: multiply and fold, eight bytes at a time; what is left over is read together with bytes before it.
pub(crate) fn hash(seed: u32, text: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = (u64::from(seed) + 1).wrapping_mul(FACTOR) ^ text.len() as u64;
    let mut fold = |word: u64| {
        let product = u128::from(state ^ word).wrapping_mul(u128::from(FACTOR | 1));
        state = (product as u64) ^ ((product >> 64) as u64);
    };
    let (words, rest) = text.as_chunks::<8>();
    for &word in words {
        fold(u64::from_le_bytes(word));
    }
    let four =
        |bytes: Option<&[u8; 4]>| bytes.map_or(0, |&word| u64::from(u32::from_le_bytes(word)));
    match (rest.len(), text.last_chunk::<8>()) {
        (0, _) => {}
        (_, Some(&last)) => fold(u64::from_le_bytes(last)),
        (4.., None) => fold(four(rest.first_chunk()) | four(rest.last_chunk()) << 32),
        (_, None) => fold(
            rest.iter()
                .fold(1, |word, &byte| (word << 8) | u64::from(byte)),
        ),
    }
    fold(0x5851_F42D_4C95_7F2D);
    (state ^ (state >> 32)) as u32
}

/// What stands in the place of a text.
fn tagged(hash: u32, number: u32) -> u32 {
    (hash & !NUMBER_BITS) | number
}

/// The texts under construction.
#[derive(Debug, Clone)]
pub(crate) struct Interner {
    pub(crate) bytes: Vec<u8>,
    /// Start of each text, and the end of the last one.
    pub(crate) offsets: Vec<u32>,
    /// A power of two of places: number of a text with a tag of its hash, or [`EMPTY`].
    pub(crate) table: Vec<u32>,
    pub(crate) seed: u32,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
            table: vec![EMPTY; 64],
            seed: 0,
        }
    }
}

impl Interner {
    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The text of a number; empty if there is none.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let at = number as usize;
        match (self.offsets.get(at), self.offsets.get(at + 1)) {
            (Some(&start), Some(&end)) => self
                .bytes
                .get(start as usize..end as usize)
                .unwrap_or_default(),
            _ => &[],
        }
    }

    /// The number of a text, which is taken in if it is new. `what` names the kind of text in errors.
    pub(crate) fn intern(&mut self, what: &'static str, text: &[u8]) -> Result<u32, CatalogError> {
        loop {
            let mask = self.table.len() - 1;
            let hash = hash(self.seed, text);
            for probe in 0..PROBES {
                let place = (hash as usize + probe) & mask;
                match self.table[place] {
                    EMPTY => return self.insert(what, (place, hash), text),
                    other if tagged(hash, 0) != other & !NUMBER_BITS => {}
                    other if self.get(other & NUMBER_BITS) == text => {
                        return Ok(other & NUMBER_BITS);
                    }
                    _ => {}
                }
            }
            self.relay(what)?;
        }
    }

    fn insert(
        &mut self,
        what: &'static str,
        (place, hash): (usize, u32),
        text: &[u8],
    ) -> Result<u32, CatalogError> {
        // Every text of a catalog can be shown; only new ones have to be looked at.
        if std::str::from_utf8(text).is_err() {
            return self.intern(what, String::from_utf8_lossy(text).as_bytes());
        }
        let number = u32::try_from(self.len())
            .ok()
            .filter(|&n| n < NUMBER_BITS)
            .ok_or(CatalogError::TooMany(what))?;
        let end = u32::try_from(self.bytes.len() + text.len())
            .map_err(|_| CatalogError::TooMany(what))?;
        self.bytes.extend_from_slice(text);
        self.offsets.push(end);
        self.table[place] = tagged(hash, number);
        if self.len() * 2 > self.table.len() {
            self.lay_out(what, self.table.len() * 2)?;
        }
        Ok(number)
    }

    /// Lays the table of texts that were stored without one. Texts that cannot be laid out are found no more.
    pub(crate) fn rebuild(&mut self) {
        let places = (self.len() * 2 + 2).next_power_of_two().max(64);
        self.seed = 0;
        if self.lay_out("words", places).is_err() {
            *self = Self {
                bytes: std::mem::take(&mut self.bytes),
                offsets: std::mem::take(&mut self.offsets),
                ..Self::default()
            };
        }
    }

    /// Too many probes: the same size with another seed.
    fn relay(&mut self, what: &'static str) -> Result<(), CatalogError> {
        self.seed += 1;
        self.lay_out(what, self.table.len())
    }

    fn lay_out(&mut self, what: &'static str, places: usize) -> Result<(), CatalogError> {
        while self.seed < SEEDS {
            let mut table = vec![EMPTY; places];
            if (0..self.len() as u32)
                .all(|number| place_in(&mut table, hash(self.seed, self.get(number)), number))
            {
                self.table = table;
                return Ok(());
            }
            self.seed += 1;
        }
        Err(CatalogError::TooMany(what))
    }
}

fn place_in(table: &mut [u32], hash: u32, number: u32) -> bool {
    let mask = table.len() - 1;
    for probe in 0..PROBES {
        let place = (hash as usize + probe) & mask;
        if table[place] == EMPTY {
            table[place] = tagged(hash, number);
            return true;
        }
    }
    false
}

/// Looks a text up in a stored table, given how to read the table and the texts.
pub(crate) fn look_up<'a>(
    seed: u32,
    places: usize,
    text: &[u8],
    place: impl Fn(usize) -> u32,
    stored: impl Fn(u32) -> &'a [u8],
) -> Option<u32> {
    if !places.is_power_of_two() {
        return None;
    }
    let hash = hash(seed, text);
    for probe in 0..PROBES {
        match place((hash as usize + probe) & (places - 1)) {
            EMPTY => return None,
            other if tagged(hash, 0) != other & !NUMBER_BITS => {}
            other if stored(other & NUMBER_BITS) == text => return Some(other & NUMBER_BITS),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_once() {
        let mut interner = Interner::default();
        for round in 0..2 {
            for n in 0..5000u32 {
                let number = interner
                    .intern("names", format!("name-{n}").as_bytes())
                    .expect("room");
                assert_eq!(number, n, "round {round}");
            }
        }
        assert_eq!(interner.get(77), b"name-77");
        assert_eq!(interner.get(5000), b"");
        assert_eq!(interner.intern("names", b"").expect("room"), 5000);
    }

    #[test]
    fn chosen_collisions_change_the_seed() {
        let mut interner = Interner::default();
        let crowd = (0u64..)
            .map(|n| n.to_string())
            .filter(|text| hash(0, text.as_bytes()) & 0xFFF < 2)
            .take(600);
        for text in crowd {
            interner
                .intern("names", text.as_bytes())
                .expect("another seed");
        }
        assert_eq!(interner.len(), 600);
        assert!(interner.seed > 0);
    }
}
