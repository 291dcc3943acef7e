//! The question that is asked when no group is ticked (the DrakX reference §8).

use crate::era::Era;

/// The boxes of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimal {
    /// A graphical system.
    pub with_x: bool,
    /// Suggested packages too; asked from 2010.0 on.
    pub suggests: bool,
    /// Basic documentation.
    pub docs: bool,
    /// Not even urpmi: turns the others off.
    pub truly_minimal: bool,
}

impl Minimal {
    /// The boxes with their texts, in the order of the screen.
    pub fn boxes(&mut self, era: Era) -> Vec<(&'static str, &mut bool)> {
        let mut boxes = vec![("With X", &mut self.with_x)];
        if era != Era::Y2008 {
            boxes.push(("Install suggested packages", &mut self.suggests));
        }
        boxes.push(("With basic documentation (recommended!)", &mut self.docs));
        boxes.push((
            "Truly minimal install (especially no urpmi)",
            &mut self.truly_minimal,
        ));
        boxes
    }

    /// What the answer comes to.
    pub(crate) fn settled(self) -> Self {
        if self.truly_minimal {
            Self {
                with_x: false,
                suggests: false,
                docs: false,
                truly_minimal: true,
            }
        } else {
            self
        }
    }
}
