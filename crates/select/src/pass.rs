//! A pass: rated packages are requested from the best rate down, until the limit is reached (the DrakX reference §5.2).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    era::Era,
    flags::Flags,
    rating::Ratings,
    sizes,
    urpm::{PackageId, Urpm},
};

/// Where a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassEnd {
    /// The level that was asked for, or the rate at which it was full.
    pub level: u8,
    /// The package (or the first of the level) that did not fit, if there was one.
    pub cut_at: Option<PackageId>,
}

/// Runs a pass. `limit` is in bytes, 0 for none. Sets `TRUE` in the flags, as the original did.
pub fn run(
    urpm: &mut Urpm,
    ratings: &Ratings,
    flags: &mut Flags,
    level: u8,
    limit: f64,
    era: Era,
) -> PassEnd {
    flags.set("TRUE", true);
    let wanted = ratings.wanted(flags, level);
    let mut pass = Pass {
        urpm,
        size: 0,
        limit,
        end: PassEnd {
            level,
            cut_at: None,
        },
    };
    pass.size = pass.urpm.selected_size();
    match era {
        Era::Y2008 | Era::Y2010 => pass.one_by_one(&wanted),
        Era::Batch => pass.by_level(&wanted),
    }
    pass.log_end(flags);
    pass.end
}

struct Pass<'a> {
    urpm: &'a mut Urpm,
    size: i64,
    limit: f64,
    end: PassEnd,
}

impl Pass<'_> {
    fn one_by_one(&mut self, wanted: &[(u8, PackageId)]) {
        for &(rate, id) in wanted {
            let bunch = self.urpm.select(id);
            if !self.keep(&bunch) {
                self.urpm.unselect(&bunch);
                self.end = PassEnd {
                    level: rate,
                    cut_at: Some(id),
                };
                return;
            }
        }
    }

    /// All that is wanted of a level and of those above is asked for at once; a level that does not fit goes whole.
    fn by_level(&mut self, wanted: &[(u8, PackageId)]) {
        let mut levels: BTreeMap<u8, Vec<PackageId>> = BTreeMap::new();
        for (rate, id) in wanted {
            levels.entry(*rate).or_default().push(*id);
        }
        let mut requested: BTreeSet<(String, PackageId)> = BTreeSet::new();
        for (level, ids) in levels.into_iter().rev() {
            let first = ids.first().copied();
            for id in ids
                .into_iter()
                .filter(|id| !self.urpm.request(*id).is_empty())
            {
                requested.insert((self.urpm.universe().package(id).name.clone(), id));
            }
            let all: Vec<PackageId> = requested.iter().map(|(_, id)| *id).collect();
            let bunch = self.urpm.resolve_and_check(&all);
            let before = self.size;
            if !self.keep(&bunch) {
                let total = before.saturating_add(self.sum(&bunch));
                let line = format!(
                    "disabling selected packages because too big for level {level}: {total} > {}",
                    plain(self.limit)
                );
                self.urpm.log.line(line);
                self.urpm.unselect(&bunch);
                self.end = PassEnd {
                    level,
                    cut_at: first,
                };
                return;
            }
        }
    }

    fn sum(&self, bunch: &[PackageId]) -> i64 {
        let sizes = bunch
            .iter()
            .map(|id| self.urpm.universe().package(*id).size);
        sizes.fold(0, |sum, size| {
            sum.saturating_add(i64::try_from(size).unwrap_or(i64::MAX))
        })
    }

    /// Counts a bunch if it fits.
    fn keep(&mut self, bunch: &[PackageId]) -> bool {
        let total = self.size.saturating_add(self.sum(bunch));
        if self.limit != 0.0 && total as f64 > self.limit {
            return false;
        }
        self.size = total;
        true
    }

    fn log_end(&mut self, flags: &Flags) {
        let line = format!(
            "setSelectedFromCompssList: reached size {}MB, up to indice {} (less than {}) for flags {}",
            self.size / 1_048_576,
            self.end.level,
            sizes::written(self.limit),
            flags.joined()
        );
        let names = self.urpm.names(crate::urpm::Marks::is_selected).join(" ");
        self.urpm.log.line(line);
        self.urpm
            .log
            .line(format!("setSelectedFromCompssList: {names}"));
    }
}

/// A number as Perl prints it: no decimals for a whole one, else fifteen figures.
fn plain(number: f64) -> String {
    if number.fract() == 0.0 {
        return format!("{number}");
    }
    let whole = number.abs().log10().floor().max(0.0) as usize + 1;
    let text = format!("{number:.*}", 15_usize.saturating_sub(whole));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_perl_prints_them() {
        for (number, text) in [
            (500_000_000.0, "500000000"),
            (1.5, "1.5"),
            (16_540_888_521.123_456, "16540888521.1235"),
        ] {
            assert_eq!(plain(number), text);
        }
    }
}
