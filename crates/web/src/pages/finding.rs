//! Findings of the healthcheck in the reader's language: by code and level, with the values that came along.

use escadre_api::health::{Finding, FindingLevel};
use escadre_model::Timestamp;

use super::page::Page;

/// What repairs a finding: words for people, and the command at their end.
pub(crate) struct Remedy {
    pub(crate) sentence: String,
    pub(crate) command: String,
}

impl Page {
    /// What is so: translated where we know the code, else as it came.
    pub(crate) fn finding(&self, finding: &Finding) -> String {
        let code = finding.name.replace('.', "-");
        let level = match finding.level {
            FindingLevel::Fine => "fine",
            FindingLevel::Warning => "warning",
            FindingLevel::Critical => "critical",
        };
        let by_level = format!("finding-{code}-{level}");
        let by_code = format!("finding-{code}");
        match [by_level, by_code].iter().find(|key| self.words.has(key)) {
            Some(key) => self.filled(key, finding),
            None => finding.message.clone(),
        }
    }

    /// What to do about it; empty when there is nothing to do.
    pub(crate) fn remedy(&self, finding: &Finding) -> Remedy {
        let key = format!("remedy-{}", finding.name.replace('.', "-"));
        let text = if !finding.remedy.is_empty() && self.words.has(&key) {
            self.filled(&key, finding)
        } else {
            finding.remedy.clone()
        };
        split(&text)
    }

    fn filled(&self, key: &str, finding: &Finding) -> String {
        let values: Vec<(&str, String)> = finding
            .args
            .iter()
            .map(|(name, value)| (name.as_str(), self.written(name, value)))
            .collect();
        let values: Vec<(&str, &str)> = values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.words.fill(key, &values)
    }

    /// A value as people write it: times with their zone, sizes with units.
    fn written(&self, name: &str, value: &str) -> String {
        let time = value.parse::<Timestamp>();
        let bytes = value.parse::<u64>();
        match (name, time, bytes) {
            ("at" | "until", Ok(at), _) => self.moment(at).full,
            ("free" | "size", _, Ok(bytes)) => self.words.bytes(bytes),
            _ => value.to_owned(),
        }
    }
}

/// Programs that commands of remedies begin with.
const PROGRAMS: [&str; 2] = ["escadre", "scp"];

/// Takes the command from the end of a remedy, where one stands.
fn split(text: &str) -> Remedy {
    let begins = |program: &str| {
        let alone = text.starts_with(&format!("{program} ")).then_some(0);
        alone.or_else(|| text.find(&format!(" {program} ")).map(|at| at + 1))
    };
    let at = PROGRAMS.into_iter().filter_map(begins).min();
    let (sentence, command) = text.split_at(at.unwrap_or(text.len()));
    Remedy {
        sentence: sentence.trim().to_owned(),
        command: command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn commands_stand_at_the_end_of_remedies() {
        for (text, sentence, command) in [
            ("escadre host list 'a'", "", "escadre host list 'a'"),
            (
                "sign it anew: escadre publisher renew",
                "sign it anew:",
                "escadre publisher renew",
            ),
            (
                "move it: scp -pr a b && shred a",
                "move it:",
                "scp -pr a b && shred a",
            ),
            ("free space", "free space", ""),
            ("", "", ""),
        ] {
            let remedy = split(text);
            assert_eq!(
                (remedy.sentence.as_str(), remedy.command.as_str()),
                (sentence, command)
            );
        }
    }
}
