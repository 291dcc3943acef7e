//! What is odd in a message, so many at most.

use escadre_model::{Problem, problem::Severity};

/// More are only counted.
const MOST: usize = 100;

/// Problems of one message.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// Notes something odd that was read nevertheless, or passed over. Line 0: the message as a whole.
    pub(crate) fn warn(&mut self, line: u32, code: &str, message: impl Into<String>) {
        if self.list.len() < MOST {
            let problem = Problem::new(Severity::Warning, "", line, code, message);
            self.list.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// All of them.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.left_out > 0 {
            let message = format!("{} more problems of this message", self.left_out);
            self.list.push(Problem::new(
                Severity::Warning,
                "",
                0,
                "ocs.more-problems",
                message,
            ));
        }
        self.list
    }
}
