//! The order in which the recorded runs visited what has no order: that of a hash of their interpreter (Perl 5.36) with
//! the seed 0.
//!
//! Nothing that is selected depends on it, and everywhere else we sort by name. Only the order of some log lines of a
//! replay follows it, so that a log can be compared with the recorded one line by line.
//!
//! Keys of up to 24 bytes are hashed by tables filled by a xorshift generator, longer ones by SipHash-1-3; buckets are
//! doubled when two keys meet and there are more than two keys to three buckets; a new key stands first in its bucket;
//! the bucket of each step is found by a mask.

/// Keys up to this length are hashed by tables.
const TABLES: usize = 24;
/// Buckets of a new hash.
const BUCKETS: usize = 8;
/// What the number of a step is combined with to find its bucket.
const MASK: usize = 0xbe49_d17f;
/// Rounds that spread the seed.
const ROUNDS: usize = 128;

/// The places of the keys in the order of a hash that they were put into one after the other. Keys must differ.
pub(crate) fn order<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let tables = Tables::new();
    let hashes: Vec<u32> = keys.map(|key| tables.hash(key.as_bytes())).collect();
    let mut buckets: Vec<Vec<usize>> = vec![Vec::new(); BUCKETS];
    // The first of a bucket is the last of its list.
    for (place, hash) in hashes.iter().enumerate() {
        let count = buckets.len();
        let bucket = &mut buckets[*hash as usize & (count - 1)];
        bucket.push(place);
        let (keys, meets) = (place + 1, bucket.len() > 1);
        if meets && keys + keys / 2 > count - 1 {
            double(&mut buckets, &hashes);
        }
    }
    let visited = (0..buckets.len()).map(|step| &buckets[(step ^ MASK) & (buckets.len() - 1)]);
    visited
        .flat_map(|bucket| bucket.iter().rev().copied())
        .collect()
}

/// Moves keys to the upper half where their hash says so; those that move are turned round.
fn double(buckets: &mut Vec<Vec<usize>>, hashes: &[u32]) {
    let count = buckets.len();
    buckets.resize(count * 2, Vec::new());
    for low in 0..count {
        let all = std::mem::take(&mut buckets[low]);
        let stays = |place: &usize| hashes[*place] as usize & count == 0;
        let (kept, moved): (Vec<usize>, Vec<usize>) = all.into_iter().partition(stays);
        buckets[low] = kept;
        buckets[low + count] = moved.into_iter().rev().collect();
    }
}

/// Tables for short keys: a row of 256 words for each byte of a key.
struct Tables {
    start: u32,
    rows: Vec<u32>,
}

impl Tables {
    fn new() -> Self {
        // The generator starts from four fixed words, mixed with the seed, which is 0.
        let mut state = [
            u32::from_le_bytes(*b"sbox"),
            u32::from_le_bytes(*b"hash"),
            u32::from_le_bytes(*b"good"),
            u32::from_le_bytes(*b"fast"),
        ];
        for invert in [false, true] {
            if invert {
                state = state.map(|word| !word);
            }
            (0..ROUNDS).for_each(|_| mix(&mut state));
        }
        let rows: Vec<u32> = (0..TABLES * 256).map(|_| xorshift(&mut state)).collect();
        Self {
            start: xorshift(&mut state),
            rows,
        }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        if key.len() > TABLES {
            return siphash(key);
        }
        let words = key
            .iter()
            .enumerate()
            .map(|(row, byte)| self.rows[row * 256 + usize::from(*byte)]);
        words.fold(self.start, |hash, word| hash ^ word)
    }
}

fn mix([a, b, c, d]: &mut [u32; 4]) {
    *a = a.rotate_left(13).wrapping_sub(*d);
    *b ^= *c;
    *d = d.rotate_left(9).wrapping_add(*b);
    *c ^= *a;
    *a = a.rotate_left(14) ^ *d;
    *b = b.rotate_left(25).wrapping_sub(*c);
    *d ^= *b;
    *c = c.rotate_left(4).wrapping_sub(*a);
}

fn xorshift(state: &mut [u32; 4]) -> u32 {
    let [first, b, c, last] = *state;
    let mixed = first ^ (first << 5);
    let word = (last ^ (last >> 29)) ^ (mixed ^ (mixed >> 12));
    *state = [b, c, last, word];
    word
}

/// SipHash-1-3 with the key 0, its two halves joined.
fn siphash(text: &[u8]) -> u32 {
    let mut v: [u64; 4] = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let (words, rest) = text.as_chunks::<8>();
    let mut last = (text.len() as u64) << 56;
    for (index, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * index);
    }
    for word in words
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes))
        .chain([last])
    {
        v[3] ^= word;
        sip_round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    (0..3).for_each(|_| sip_round(&mut v));
    let hash = v[0] ^ v[1] ^ v[2] ^ v[3];
    hash as u32 ^ (hash >> 32) as u32
}

fn sip_round(v: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *v;
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    c = c.rotate_left(32);
    *v = [a, b, c, d];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &str, expected: &str) {
        let keys: Vec<&str> = keys.split(' ').collect();
        let ordered: Vec<&str> = order(keys.iter().copied())
            .into_iter()
            .map(|place| keys[place])
            .collect();
        assert_eq!(ordered.join(" "), expected);
    }

    /// The first and the last places of three hundred keys, as the interpreter gave them.
    #[test]
    fn many_keys() {
        let keys: Vec<String> = (0..300)
            .map(|n| format!("k{n}-{}", "x".repeat(n % 30)))
            .collect();
        let places = order(keys.iter().map(String::as_str));
        assert_eq!(
            places[..12],
            [5, 101, 83, 91, 122, 48, 185, 163, 35, 18, 24, 165]
        );
        assert_eq!(
            places[288..],
            [139, 41, 33, 157, 229, 178, 263, 46, 8, 286, 16, 164]
        );
    }

    /// Orders that the interpreter itself gave.
    #[test]
    fn as_the_interpreter_orders() {
        check("a b c", "b c a");
        check(
            "CAT_KDE CAT_X CAT_GNOME CAT_OFFICE&&CAT_GNOME||CAT_XFCE CAT_NETWORKING_FILE_TRANSFER_SERVER CAT_SYSTEM CAT_VIDEO CAT_AUDIO CAT_GAMES CAT_BOOKS",
            "CAT_NETWORKING_FILE_TRANSFER_SERVER CAT_AUDIO CAT_GNOME CAT_BOOKS CAT_GAMES CAT_OFFICE&&CAT_GNOME||CAT_XFCE CAT_VIDEO CAT_X CAT_SYSTEM CAT_KDE",
        );
        check(
            "desktop-help-network desktop-latest-plugin-help-java desktop-plugin gnome gnome-manager-perl-task-plugin gnome-plugin-kde java-help-x11-lib java-java-gnome-help-manager java-lib-kernel-java kde-latest kde-lib-help kde-network kde-plugin-help-task-task kernel kernel-server-task-plugin-desktop latest-plugin lib-kernel-x11-java lib-manager-gnome-kde lib-x11-kde-x11-task manager-kde-latest-java manager-plugin-kernel network-desktop-help-java-kde perl perl-kernel-kde-network-kde perl-kernel-kernel perl-lib-kde perl-server-help perl-server-kernel-task plugin-lib server server-help-network server-manager task task-task-kde-plugin-perl x11 x11-kernel-network x11-kernel-x11-task x11-task",
            "manager-kde-latest-java perl-kernel-kernel network-desktop-help-java-kde java-lib-kernel-java gnome desktop-latest-plugin-help-java server-help-network server-manager kernel lib-kernel-x11-java server kde-lib-help kde-plugin-help-task-task java-java-gnome-help-manager lib-manager-gnome-kde x11 latest-plugin task perl-server-help kde-latest gnome-manager-perl-task-plugin lib-x11-kde-x11-task perl-lib-kde kernel-server-task-plugin-desktop perl-server-kernel-task x11-kernel-network manager-plugin-kernel java-help-x11-lib desktop-help-network desktop-plugin perl gnome-plugin-kde task-task-kde-plugin-perl x11-kernel-x11-task plugin-lib kde-network x11-task perl-kernel-kde-network-kde",
        );
    }
}
