//! Languages of the installer: the `LOCALES` and `CHARSET` flags that a chosen language gives (the DrakX reference §4).

/// Code, default locale, character set, and the `LANGUAGE` list where it is not the usual one. Sorted by code.
const LANGUAGES: &[(&str, &str, &str, &str)] = &[
    ("af", "af_ZA", "iso-8859-1", ""),
    ("am", "am_ET", "utf_ethi", ""),
    ("ar", "ar_EG", "utf_ar", ""),
    ("as", "as_IN", "utf_beng", ""),
    ("az", "az_AZ", "utf_az", ""),
    ("be", "be_BY", "utf_cyr1", ""),
    ("ber", "ber_MA", "utf_tfng", "ber_MA:ber:fr"),
    ("bg", "bg_BG", "cp1251", ""),
    ("bn", "bn_BD", "utf_beng", ""),
    ("bo", "dz_BT", "utf_tibt", "bo"),
    ("br", "br_FR", "iso-8859-15", "br:fr_FR:fr"),
    ("bs", "bs_BA", "iso-8859-2", ""),
    ("ca", "ca_ES", "iso-8859-15", "ca:es_ES:es"),
    (
        "ca@valencian",
        "ca_ES",
        "iso-8859-15",
        "ca_ES@valencian:ca@valencian:ca:es_ES:es",
    ),
    ("cs", "cs_CZ", "iso-8859-2", ""),
    ("cy", "cy_GB", "utf_lat8", "cy:en_GB:en"),
    ("da", "da_DK", "iso-8859-15", ""),
    ("de", "de_DE", "iso-8859-15", ""),
    ("dz", "dz_BT", "utf_tibt", ""),
    ("el", "el_GR", "iso-8859-7", ""),
    ("en_AU", "en_AU", "iso-8859-1", "en_AU:en_GB:en"),
    ("en_CA", "en_CA", "iso-8859-15", "en_CA:en_GB:en"),
    ("en_GB", "en_GB", "iso-8859-15", ""),
    ("en_IE", "en_IE", "iso-8859-15", "en_IE:en_GB:en"),
    ("en_NZ", "en_NZ", "iso-8859-1", "en_NZ:en_AU:en_GB:en"),
    ("en_US", "en_US", "C", ""),
    ("en_ZA", "en_ZA", "iso-8859-1", "en_ZA:en_GB:en"),
    ("eo", "eo_XX", "unicode", ""),
    ("es", "es_ES", "iso-8859-15", ""),
    ("et", "et_EE", "iso-8859-15", ""),
    ("eu", "eu_ES", "utf_lat1", ""),
    ("fa", "fa_IR", "utf_ar", ""),
    ("fi", "fi_FI", "iso-8859-15", ""),
    ("fil", "fil_PH", "utf_lat1", "tl:fil"),
    ("fo", "fo_FO", "utf_lat1", ""),
    ("fr", "fr_FR", "iso-8859-15", ""),
    ("fur", "fur_IT", "utf_lat1", "fur:it_IT:it"),
    ("fy", "fy_NL", "utf_lat1", ""),
    ("ga", "ga_IE", "utf_lat1", "ga:en_IE:en_GB:en"),
    ("gl", "gl_ES", "iso-8859-15", "gl:es_ES:es:pt:pt_BR"),
    ("gn", "es_PY", "utf_lat1", "gn:es_PY:es"),
    ("gu", "gu_IN", "unicode", ""),
    ("ha", "ha_NG", "utf_yo", "ha:en_NG"),
    ("he", "he_IL", "utf_he", ""),
    ("hi", "hi_IN", "utf_deva", ""),
    ("hr", "hr_HR", "iso-8859-2", ""),
    ("hu", "hu_HU", "iso-8859-2", ""),
    ("hy", "hy_AM", "utf_armn", ""),
    ("id", "id_ID", "utf_lat1", ""),
    ("ig", "ig_NG", "utf_yo", "ig:en_NG"),
    ("is", "is_IS", "iso-8859-15", ""),
    ("it", "it_IT", "iso-8859-15", ""),
    ("iu", "iu_CA", "utf_iu", ""),
    ("ja", "ja_JP", "jisx0208", ""),
    ("ka", "ka_GE", "utf_geor", ""),
    ("kk", "kk_KZ", "utf_cyr2", ""),
    ("kl", "kl_GL", "utf_lat1", ""),
    ("km", "km_KH", "utf_khmr", ""),
    ("kn", "kn_IN", "utf_knda", ""),
    ("ko", "ko_KR", "ksc5601", ""),
    ("ku", "ku_TR", "utf_lat5", ""),
    ("ky", "ky_KG", "utf_cyr2", ""),
    ("lb", "de_LU", "utf_lat1", "lb:de_LU"),
    ("li", "li_NL", "utf_lat1", ""),
    ("lo", "lo_LA", "utf_laoo", ""),
    ("lt", "lt_LT", "iso-8859-13", ""),
    ("ltg", "lv_LV", "utf_lat7", "ltg:LTG:lv"),
    ("lv", "lv_LV", "iso-8859-13", ""),
    ("mi", "mi_NZ", "utf_lat7", ""),
    ("mk", "mk_MK", "utf_cyr1", ""),
    ("ml", "ml_IN", "utf_mlym", ""),
    ("mn", "mn_MN", "utf_cyr2", ""),
    ("mr", "mr_IN", "utf_deva", ""),
    ("ms", "ms_MY", "utf_lat1", ""),
    ("mt", "mt_MT", "unicode", ""),
    ("my", "en_US", "utf_mymr", "my_MM:my"),
    ("nb", "nb_NO", "iso-8859-15", "nb:no"),
    ("nds", "nds_DE", "utf_lat1", "nds_DE:nds"),
    ("ne", "ne_NP", "utf_deva", ""),
    ("nl", "nl_NL", "iso-8859-15", ""),
    ("nn", "nn_NO", "iso-8859-15", "nn:no@nynorsk:no_NY:no:nb"),
    ("nr", "nr_ZA", "utf_lat1", "nr:en_ZA"),
    ("nso", "nso_ZA", "utf_lat1", "st:nso:en_ZA"),
    ("oc", "oc_FR", "utf_lat1", "oc:fr_FR:fr"),
    ("pa_IN", "pa_IN", "utf_guru", ""),
    ("pl", "pl_PL", "iso-8859-2", ""),
    ("pt", "pt_PT", "iso-8859-15", "pt_PT:pt:pt_BR"),
    ("pt_BR", "pt_BR", "iso-8859-1", "pt_BR:pt_PT:pt"),
    ("qu", "es_PE", "utf_lat1", "qu:es_PE:es"),
    ("ro", "ro_RO", "iso-8859-2", ""),
    ("ru", "ru_RU", "koi8-u", ""),
    ("rw", "rw_RW", "utf_lat1", "rw"),
    ("sc", "sc_IT", "utf_lat1", "sc:it_IT:it"),
    ("se", "se_NO", "unicode", ""),
    ("sk", "sk_SK", "iso-8859-2", ""),
    ("sl", "sl_SI", "iso-8859-2", ""),
    ("so", "so_SO", "utf_lat1", ""),
    ("sq", "sq_AL", "iso-8859-1", ""),
    ("sr", "sr_CS", "utf_cyr1", "sp:sr"),
    ("sr@Latn", "sr_CS", "unicode", "sh:sr@Latn"),
    ("ss", "ss_ZA", "utf_lat1", "ss:en_ZA"),
    ("st", "st_ZA", "utf_lat1", "st:nso:en_ZA"),
    ("sv", "sv_SE", "iso-8859-15", ""),
    ("ta", "ta_IN", "utf_taml", ""),
    ("te", "te_IN", "unicode", ""),
    ("tg", "tg_TJ", "utf_cyr2", ""),
    ("th", "th_TH", "tis620", ""),
    ("tk", "tk_TM", "utf_az", ""),
    ("tn", "tn_ZA", "utf_lat1", "tn:en_ZA"),
    ("tr", "tr_TR", "iso-8859-9", ""),
    ("ts", "ts_ZA", "utf_lat1", "ts:en_ZA"),
    ("tt", "tt_RU", "utf_lat5", ""),
    ("ug", "ug_CN", "utf_ar", "ug"),
    ("uk", "uk_UA", "koi8-u", ""),
    ("ur", "ur_PK", "utf_ar", ""),
    ("uz", "uz_UZ", "utf_cyr2", "uz"),
    ("uz@cyrillic", "uz_UZ@cyrillic", "utf_cyr2", "uz@cyrillic"),
    ("ve", "ve_ZA", "utf_lat1", "ve:ven:en_ZA"),
    ("vi", "vi_VN", "utf_vi", ""),
    ("wa", "wa_BE", "utf_lat1", "wa:fr_BE:fr"),
    ("xh", "xh_ZA", "utf_lat1", "xh:en_ZA"),
    ("yi", "yi_US", "utf_he", ""),
    ("yo", "yo_NG", "utf_yo", "yo:en_NG"),
    (
        "zh_CN",
        "zh_CN",
        "gb2312",
        "zh_CN.GBK:zh_CN.GB2312:zh_CN:zh",
    ),
    ("zh_TW", "zh_TW", "Big5", "zh_TW.Big5:zh_TW:zh_HK:zh"),
    ("zu", "zu_ZA", "utf_lat1", "xh:en_ZA"),
];

fn entry(code: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    let place = LANGUAGES.binary_search_by(|row| row.0.cmp(code)).ok()?;
    LANGUAGES.get(place)
}

/// The character set of a language; nothing for an unknown one.
pub fn charset(code: &str) -> Option<&'static str> {
    Some(entry(code)?.2)
}

/// Whether the installer knows the language.
pub fn is_known(code: &str) -> bool {
    entry(code).is_some()
}

/// Every code.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|row| row.0)
}

/// The `LANGUAGE` list: the explicit one, else `ll_CC`, the code, and the main language in lower case, each once.
pub fn language_list(code: &str) -> Vec<String> {
    if let Some((_, _, _, explicit)) = entry(code).filter(|row| !row.3.is_empty()) {
        return explicit.split(':').map(str::to_owned).collect();
    }
    let locale = match entry(code) {
        Some((_, locale, _, _)) => without_charset(locale),
        None => without_charset(code),
    };
    let main = code.split(['_', '.', '@']).next().unwrap_or(code);
    let mut list = vec![locale];
    for name in [code.to_owned(), main.to_lowercase()] {
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list
}

/// The languages of a host's locale as `LANG` has it (`fr_FR.UTF-8`): the code of the table that fits best.
pub fn code_of_locale(locale: &str) -> Option<&'static str> {
    let base = locale.split('.').next().unwrap_or(locale);
    let variant = locale
        .split_once('@')
        .map(|(_, variant)| format!("{base}@{variant}"));
    let main = base.split(['_', '@']).next().unwrap_or(base);
    let candidates = variant.iter().map(String::as_str).chain([base, main]);
    candidates
        .into_iter()
        .find_map(|code| entry(code).map(|row| row.0))
        .or_else(|| {
            let by_locale = LANGUAGES.iter().find(|row| row.1 == base);
            by_locale.map(|row| row.0)
        })
}

fn without_charset(locale: &str) -> String {
    let (base, variant) = locale.split_once('@').unwrap_or((locale, ""));
    let base = base.split('.').next().unwrap_or(base);
    match variant {
        "" => base.to_owned(),
        variant => format!("{base}@{variant}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_charsets() {
        for (code, list, set) in [
            ("fr", "fr_FR:fr", "iso-8859-15"),
            ("en_US", "en_US:en", "C"),
            ("de", "de_DE:de", "iso-8859-15"),
            ("pt_BR", "pt_BR:pt_PT:pt", "iso-8859-1"),
            ("zh_TW", "zh_TW.Big5:zh_TW:zh_HK:zh", "Big5"),
            ("nb", "nb:no", "iso-8859-15"),
            ("ja", "ja_JP:ja", "jisx0208"),
            ("pa_IN", "pa_IN:pa", "utf_guru"),
        ] {
            assert_eq!(language_list(code).join(":"), list, "{code}");
            assert_eq!(charset(code), Some(set), "{code}");
        }
        assert_eq!(charset("xx"), None);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(LANGUAGES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn from_the_locale_of_a_host() {
        for (locale, code) in [
            ("fr_FR.UTF-8", Some("fr")),
            ("pt_BR.UTF-8", Some("pt_BR")),
            ("en_US.utf8", Some("en_US")),
            ("ca_ES.UTF-8@valencian", Some("ca")),
            ("de_AT@euro", Some("de")),
            ("C.UTF-8", None),
            ("", None),
        ] {
            assert_eq!(code_of_locale(locale), code, "{locale}");
        }
    }
}
