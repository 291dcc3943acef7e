//! The lines of a run, in the words of the original.

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text, without the mark that precedes it in the log file.
    pub text: String,
    /// A line that explains a computation (the sizes of combinations): long, and of no weight for the outcome.
    pub detail: bool,
}

/// Lines in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log(Vec<Line>);

impl Log {
    /// Adds a line.
    pub fn line(&mut self, text: impl Into<String>) {
        self.0.push(Line {
            text: text.into(),
            detail: false,
        });
    }

    /// Adds a line that explains a computation.
    pub fn detail(&mut self, text: impl Into<String>) {
        self.0.push(Line {
            text: text.into(),
            detail: true,
        });
    }

    /// Every line.
    pub fn lines(&self) -> &[Line] {
        &self.0
    }

    /// The texts, explanations left out.
    pub fn texts(&self) -> Vec<String> {
        self.0
            .iter()
            .filter(|line| !line.detail)
            .map(|line| line.text.clone())
            .collect()
    }

    /// The log file: each line preceded by `* `.
    pub fn file(&self) -> String {
        self.0
            .iter()
            .map(|line| format!("* {}\n", line.text))
            .collect()
    }
}
