//! The answers of a case, given to the questions of a step as they come.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{
    Files,
    case::{Case, is_true},
    output,
};
use crate::{
    era::Era,
    screens::{
        desktop::Desktop,
        groups::GroupsScreen,
        individual::{Confirmation, IndividualScreen},
        minimal::Minimal,
    },
    step::Dialogue,
};

/// A dialogue by script; notes what was asked and shown.
pub(super) struct Script<'a> {
    files: &'a Files<'a>,
    era: Era,
    answers: VecDeque<Map<String, Value>>,
    toggles: VecDeque<Vec<String>>,
    actions: Vec<Map<String, Value>>,
    /// Questions that were asked.
    pub(super) dialogs: Vec<String>,
    /// The desktop that was preselected.
    pub(super) desktop_default: Option<&'static str>,
    /// Texts of the groups screen.
    pub(super) size_texts: Vec<String>,
    /// What came of individual selection.
    pub(super) individual: Vec<Value>,
}

impl<'a> Script<'a> {
    pub(super) fn new(case: &Case, files: &'a Files<'a>) -> Self {
        Self {
            files,
            era: case.era,
            answers: case.answers.clone().into(),
            toggles: case.group_toggles_seq.clone().into(),
            actions: case.individual.clone(),
            dialogs: Vec::new(),
            desktop_default: None,
            size_texts: Vec::new(),
            individual: Vec::new(),
        }
    }

    /// The next answer, if it is for this question.
    fn answer(&mut self, question: &str) -> Option<Value> {
        let there = self
            .answers
            .front()
            .is_some_and(|answer| answer.contains_key(question));
        if !there {
            return None;
        }
        self.answers
            .pop_front()
            .and_then(|mut answer| answer.remove(question))
    }

    fn act(&mut self, action: &Map<String, Value>, screen: &mut IndividualScreen<'_>) -> Value {
        let mut result = Map::new();
        if let Some(file) = action.get("load").and_then(Value::as_str) {
            result.insert("op".to_owned(), json!("load"));
            result.insert("arg".to_owned(), json!(file));
            let text = (self.files)(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            // A file that is not there is as bad as one that cannot be read.
            if screen.load(text.as_deref().unwrap_or("{")).is_err() {
                result.insert("error".to_owned(), json!("Bad file"));
            }
        } else if action.contains_key("save") {
            result.insert("op".to_owned(), json!("save"));
            result.insert(
                "arg".to_owned(),
                action.get("save").cloned().unwrap_or_default(),
            );
            result.insert("text".to_owned(), json!(screen.save()));
        } else if let Some(name) = action.get("toggle") {
            result.insert("op".to_owned(), json!("toggle"));
            result.insert("arg".to_owned(), name.clone());
            self.toggle(
                name.as_str().unwrap_or_default(),
                action,
                screen,
                &mut result,
            );
        }
        result.insert("after".to_owned(), output::state(&screen.step().urpm));
        Value::Object(result)
    }

    fn toggle(
        &mut self,
        name: &str,
        action: &Map<String, Value>,
        screen: &mut IndividualScreen<'_>,
        result: &mut Map<String, Value>,
    ) {
        let accept = !action.get("refuse").is_some_and(is_true);
        let mut asked: Option<Confirmation> = None;
        let outcome = screen.click(name, |confirmation| {
            asked = Some(confirmation.clone());
            accept
        });
        if let Some(confirmation) = asked {
            self.dialogs.push("ask_okcancel: Confirmation".to_owned());
            result.insert(
                "confirmation".to_owned(),
                json!([confirmation.sentence(), confirmation.packages]),
            );
        }
        match outcome {
            Ok(names) => drop(result.insert("changed".to_owned(), json!(names))),
            Err(refusal) if !refusal.to_string().is_empty() => {
                self.dialogs.push(format!("ask_warn: {refusal}"));
                result.insert("error".to_owned(), json!(refusal.to_string()));
            }
            Err(_) => {}
        }
    }
}

impl Dialogue for Script<'_> {
    fn desktop(&mut self, preselected: Desktop) -> Desktop {
        self.dialogs.push(match self.era {
            Era::Y2008 => "ask_from_: Package Group Selection".to_owned(),
            Era::Y2010 | Era::Batch => "ask_from_: Desktop Selection".to_owned(),
        });
        self.desktop_default = Some(preselected.word());
        let answer = self.answer("desktop");
        answer
            .as_ref()
            .and_then(Value::as_str)
            .and_then(Desktop::parse)
            .unwrap_or(preselected)
    }

    fn groups(&mut self, screen: &mut GroupsScreen<'_>) -> bool {
        self.size_texts.push(screen.size_text());
        let Some(toggles) = self.toggles.pop_front() else {
            // Without a further word the screen is left as it is, once.
            return self.size_texts.len() < 2 || !screen.is_empty() && self.size_texts.len() < 50;
        };
        for toggle in toggles {
            let (on, name) = match toggle.split_at_checked(1) {
                Some(("+", name)) => (true, name),
                Some(("-", name)) => (false, name),
                _ => {
                    match toggle.as_str() {
                        "!individual" => screen.individual = true,
                        "none" => {
                            screen.untick_all();
                            self.size_texts.push(screen.size_text());
                        }
                        _ => {}
                    }
                    continue;
                }
            };
            let groups = screen.groups;
            if let Some(index) = groups.iter().position(|group| group.id() == name) {
                screen.tick(index, on);
                self.size_texts.push(screen.size_text());
            }
        }
        true
    }

    fn minimal(&mut self, boxes: &mut Minimal, era: Era) -> bool {
        self.dialogs.push(match era {
            Era::Y2008 => "ask_from: Type of install".to_owned(),
            Era::Y2010 | Era::Batch => "ask_from_: Type of install".to_owned(),
        });
        let changes = match self.answer("minimal") {
            Some(Value::Object(changes)) => changes,
            Some(Value::String(word)) if word == "cancel" => return false,
            _ => return true,
        };
        for (text, ticked) in boxes.boxes(era) {
            if let Some((_, value)) = changes
                .iter()
                .find(|(part, _)| text.to_lowercase().contains(&part.to_lowercase()))
            {
                *ticked = is_true(value);
            }
        }
        true
    }

    fn individual(&mut self, screen: &mut IndividualScreen<'_>) -> bool {
        for action in std::mem::take(&mut self.actions) {
            let result = self.act(&action, screen);
            self.individual.push(result);
        }
        true
    }

    fn warn(&mut self, text: &str) {
        self.dialogs.push(format!("ask_warn: {text}"));
    }
}
