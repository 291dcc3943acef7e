//! Numbers as each language writes them: `12,345.6` and `12 345,6`; sizes in binary units.

use escadre_model::ByteCount;
use fluent_bundle::FluentValue;

use super::{Language, Words};

/// The formatter of the bundles: numbers inside sentences are grouped too.
pub(super) fn formatted(value: &FluentValue<'_>, language: Language) -> Option<String> {
    match value {
        FluentValue::Number(number) if number.value.fract() == 0.0 => {
            let digits = format!("{:.0}", number.value);
            Some(grouped(&digits, language))
        }
        _ => None,
    }
}

fn grouped(digits: &str, language: Language) -> String {
    let separator = match language {
        Language::English => ',',
        Language::French => '\u{202f}',
    };
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

impl Words {
    /// A whole number.
    pub(crate) fn number(&self, number: u64) -> String {
        grouped(&number.to_string(), self.language)
    }

    /// A number with at most `decimals` decimals; useless zeros are left out.
    pub(crate) fn decimal(&self, number: f64, decimals: usize) -> String {
        if !number.is_finite() {
            return "–".to_owned();
        }
        let text = format!("{number:.decimals$}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        let whole = grouped(whole, self.language);
        match (fraction, self.language) {
            ("", _) => whole,
            (_, Language::English) => format!("{whole}.{fraction}"),
            (_, Language::French) => format!("{whole},{fraction}"),
        }
    }

    /// An amount of bytes (`1.5 MiB`, `1,5 Mio`).
    pub(crate) fn bytes(&self, bytes: u64) -> String {
        let text = ByteCount(bytes).to_string();
        match self.language {
            Language::English => text.replace(' ', "\u{a0}"),
            Language::French => text
                .replace('.', ",")
                .replace('B', "o")
                .replace(' ', "\u{a0}"),
        }
    }
}
