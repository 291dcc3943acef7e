//! Sizes as the installer reckons with them: correction for what a file system adds, reserve, and how they are written
//! (the DrakX reference §5.2, §5.3).

/// Bytes of a megabyte, as the installer counts.
pub const MEGABYTE: f64 = 1_048_576.0;
/// Growth of what is installed, per byte.
const SLOPE: f64 = 1.20873;
/// Growth of what is installed, in megabytes.
const BASE: f64 = 4.98663;
/// The least that is kept free, in bytes.
const RESERVE: f64 = 65.0 * MEGABYTE;
/// Sectors to bytes, and what a file system takes of a partition.
const PARTITION_FACTOR: f64 = 512.0 / 1.07;

/// What packages of this size take on disk. Both in megabytes.
pub fn correct(megabytes: f64) -> f64 {
    SLOPE * megabytes + BASE
}

/// The size of packages that fill this room. Both in megabytes.
pub fn inverse(megabytes: f64) -> f64 {
    (megabytes - BASE) / SLOPE
}

/// Room for packages on a target that has so many bytes free: a tenth is kept, and at least 65 MB.
pub fn available(free: f64) -> f64 {
    free - (free / 10.0).max(RESERVE)
}

/// Free bytes of a partition that has no file system yet.
pub fn free_of_partition(sectors: u64) -> f64 {
    sectors as f64 * PARTITION_FACTOR
}

/// The limit of the passes, in bytes, for a room in bytes.
pub fn limit(available: f64) -> f64 {
    inverse(available / MEGABYTE) * MEGABYTE
}

/// A size in the words of the log: `1.5MB`, `10KB`, `-1MB`; steps of 1024, one decimal (cut) below 10.
pub fn written(bytes: f64) -> String {
    let sign = if bytes < 0.0 { -1.0 } else { 1.0 };
    let mut amount = bytes.abs().trunc();
    let mut unit = "TB";
    for (index, name) in ["B", "KB", "MB", "GB", "TB"].into_iter().enumerate() {
        if amount / 1024.0 < 1.0 || index == 4 {
            unit = name;
            break;
        }
        amount /= 1024.0;
    }
    let whole = amount.trunc();
    let tenth = if amount < 10.0 {
        (10.0 * amount - 10.0 * whole).trunc()
    } else {
        0.0
    };
    let signed = whole * sign + 0.0;
    if tenth > 0.0 {
        format!("{signed}.{tenth}{unit}")
    } else {
        format!("{signed}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correction_and_back() {
        for (value, corrected, inverted) in [
            (0.0, "4.986630", "-4.125512"),
            (1000.0, "1213.716630", "823.189108"),
            (2500.0, "3026.811630", "2064.161037"),
        ] {
            assert_eq!(format!("{:.6}", correct(value)), corrected);
            assert_eq!(format!("{:.6}", inverse(value)), inverted);
        }
    }

    #[test]
    fn sizes_as_the_log_writes_them() {
        for (bytes, text) in [
            (0.0, "0B"),
            (1023.0, "1023B"),
            (1024.0, "1KB"),
            (10_150.0, "9.9KB"),
            (10_240.0, "10KB"),
            (1_572_864.0, "1.5MB"),
            (3000.0, "2.9KB"),
            (500_000_000.0, "476MB"),
            (26_843_545_600.0, "25GB"),
            (-1_048_576.0, "-1MB"),
            (5e18, "4547473TB"),
        ] {
            assert_eq!(written(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn reserve() {
        assert_eq!(available(1e9), 9e8);
        assert_eq!(available(100.0 * MEGABYTE), 35.0 * MEGABYTE);
    }
}
