//! `product.id`: the line that names the edition, and the class that it stands for (the DrakX reference §1.1).

use std::collections::BTreeMap;

/// Classes that rules can ask for with `META_CLASS`.
pub const CLASSES: [&str; 5] = ["desktop", "download", "powerpack", "light", "server"];

/// Splits the line at commas, each part at its first `=`; parts without one are dropped.
pub fn parse(line: &str) -> BTreeMap<String, String> {
    let parts = line.trim_end_matches(['\n', '\r']).split(',');
    parts
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The class of a product. `light` is known to later versions only; without a product, or with a strange one, `download`.
pub fn meta_class(product: &BTreeMap<String, String>, knows_light: bool) -> &'static str {
    match product.get("product").map(String::as_str) {
        Some("One") => "desktop",
        Some("Powerpack") => "powerpack",
        Some("LXDE") if knows_light => "light",
        _ => "download",
    }
}

/// The two lines that are logged. `imposed` is the class of the boot line, which has priority.
pub fn log(line: &str, class: &str) -> [String; 2] {
    [format!("product_id: {line}"), format!("META_CLASS={class}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (line, late, class) in [
            (
                "vendor=Mandriva,distribution=Mandriva Linux,type=Basic,version=2008.1,product=Powerpack",
                false,
                "powerpack",
            ),
            ("product=One", false, "desktop"),
            ("product=Free", false, "download"),
            ("product=powerpack", false, "download"),
            ("product=LXDE", false, "download"),
            ("product=LXDE", true, "light"),
            ("product", false, "download"),
            ("", false, "download"),
            ("a=b=c,product=One\n", false, "desktop"),
        ] {
            assert_eq!(meta_class(&parse(line), late), class, "{line}");
        }
        assert_eq!(parse("a=b=c").get("a").map(String::as_str), Some("b=c"));
    }
}
