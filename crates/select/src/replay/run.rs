//! The operations of a case, in order.

use std::sync::Arc;

use escadre_catalog::{Package, synthesis};
use serde_json::{Map, Value, json};

use super::{Files, case::Case, output, script::Script};
use crate::{
    compss::{self, Circumstances, Group},
    flags::Flags,
    group_sizes::GroupSizes,
    rating::Ratings,
    rpmsrate::{self, RateFile},
    step::Step,
    urpm::{Installed, Medium, NameList, Options, Universe, Urpm, Visiting},
};

/// A case that is being run.
pub(super) struct Run<'a> {
    case: &'a Case,
    files: &'a Files<'a>,
    result: Map<String, Value>,
    /// Lines that were logged before there was a step.
    log: Vec<String>,
    step: Option<Step>,
}

impl<'a> Run<'a> {
    pub(super) fn new(case: &'a Case, files: &'a Files<'a>) -> Self {
        Self {
            case,
            files,
            result: Map::new(),
            log: Vec::new(),
            step: None,
        }
    }

    pub(super) fn run(mut self) -> Value {
        for op in &self.case.ops {
            match op.as_str() {
                "rpmsrate_raw" => self.rpmsrate_raw(),
                "always_flags" => self.always_flags(),
                "compss" => self.compss(),
                "prepare" => self.prepare(),
                "select" => self.select(),
                "unselect_most" => self.unselect_most(),
                "group_sizes" => self.group_sizes(),
                "flat" => self.flat(),
                "choose" => self.choose(),
                "size" | "formatxib" | "product" => self.numbers(op),
                other => self.set("unknown_op", json!(other)),
            }
        }
        let later = self
            .step
            .as_ref()
            .map(|step| step.urpm.log.texts())
            .unwrap_or_default();
        self.log.extend(later);
        let log = std::mem::take(&mut self.log);
        self.set("log", json!(log));
        Value::Object(self.result)
    }

    fn set(&mut self, field: &str, value: Value) {
        self.result.insert(field.to_owned(), value);
    }

    fn push(&mut self, field: &str, value: Value) {
        let list = self
            .result
            .entry(field.to_owned())
            .or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(value);
        }
    }

    fn line(&mut self, line: String) {
        match &mut self.step {
            Some(step) => step.urpm.log.line(line),
            None => self.log.push(line),
        }
    }

    fn text(&self, file: Option<&str>) -> Option<String> {
        let bytes = (self.files)(file?)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn packages(&self, file: &str) -> Vec<Package> {
        synthesis::parse(file, &(self.files)(file).unwrap_or_default()).packages
    }

    fn rpmsrate_raw(&mut self) {
        let (file, error) = self.rate_file();
        file.log.iter().for_each(|line| self.line(line.clone()));
        match error {
            Some(error) => self.set("raw_error", json!(error)),
            None => {
                self.set("raw", output::raw(&file));
                self.set("need_to_copy", json!(file.need_to_copy));
            }
        }
    }

    fn rate_file(&self) -> (RateFile, Option<String>) {
        let name = self.case.rpmsrate.clone().unwrap_or_default();
        let text = self.text(self.case.rpmsrate.as_deref()).unwrap_or_default();
        let (file, error) = rpmsrate::parse(&name, &text);
        (file, error.map(|error| error.to_string()))
    }

    fn machine_flags(&mut self) -> Flags {
        let (flags, log) = self
            .case
            .machine()
            .always_flags(&self.case.setting(), self.case.era);
        log.into_iter().for_each(|line| self.line(line));
        flags
    }

    fn always_flags(&mut self) {
        let flags = self.machine_flags();
        self.set("always_flags", json!(flags));
    }

    fn compss(&mut self) {
        let groups = self.groups().unwrap_or_default();
        self.set("compss", output::groups(&groups));
    }

    /// The groups of the case: of a group file, or given as JSON under a key.
    fn groups(&mut self) -> Option<Vec<Group>> {
        let named = self.case.compssusers.clone()?;
        if let Some((file, key)) = named.split_once('#') {
            let bytes = (self.files)(file)?;
            let mut all: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
            let groups: Vec<Group> = groups_of_json(all.remove(key)?);
            self.line(compss::log(&groups));
            return Some(groups);
        }
        let text = self.text(Some(&named)).unwrap_or_default();
        let about = Circumstances {
            meta_class: self.case.meta_class.clone(),
            low_resources: self.case.hardware_is_low(),
            netbook: self.case.hardware_is_netbook(),
        };
        let read = compss::parse(&named, &text, &about);
        self.line(read.log);
        read.groups
    }

    /// Base packages, flags, rates, groups' defaults, default packages.
    fn prepare(&mut self) {
        let case = self.case;
        self.step = Some(self.new_step());
        self.with_step(|step| {
            step.urpm
                .select_by_names(case.base_packages.iter().map(String::as_str), true)
        });
        let mut flags: Flags = case.flags_chosen.iter().flatten().cloned().collect();
        if !case.no_always {
            let always = self.machine_flags();
            flags.extend(always.iter());
        }
        let (file, error) = self.rate_file();
        file.log.iter().for_each(|line| self.line(line.clone()));
        if let Some(error) = error {
            self.set("prepare_error", json!(error));
            return;
        }
        self.with_step(|step| {
            step.ratings = Ratings::new(&mut step.urpm, &file, &case.machine(), &flags);
            step.flags = flags;
        });
        let groups = self.groups();
        self.with_step(|step| {
            let given = groups.is_some();
            step.groups = groups.unwrap_or_default();
            step.ticked = vec![false; step.groups.len()];
            if given && case.flags_chosen.is_none() {
                step.tick_defaults();
            }
            step.select_defaults();
        });
        let Some(step) = &self.step else { return };
        let (flags, rates, state) = (
            json!(step.flags),
            output::rates(&step.urpm, &step.ratings),
            output::state(&step.urpm),
        );
        self.set("flags", flags);
        self.set("rates", rates);
        self.set("prepared", state);
    }

    fn new_step(&self) -> Step {
        let case = self.case;
        let installed = case
            .installed
            .as_ref()
            .map(|file| self.packages(file))
            .unwrap_or_default();
        let installed = Arc::new(Installed::new(installed));
        let mut urpm = Urpm::new(Arc::new(self.universe()), installed, self.options());
        urpm.skip(&NameList::of(
            case.skipped_packages.iter().map(String::as_str),
        ));
        Step {
            urpm,
            ratings: Ratings::default(),
            flags: Flags::default(),
            groups: Vec::new(),
            ticked: Vec::new(),
            default_packages: case.default_packages.clone(),
            level: case.machine().default_rate(case.era),
            era: case.era,
            available: case.available_bytes,
            upgrade: false,
            no_docs: false,
        }
    }

    fn universe(&self) -> Universe {
        let media = self.case.synthesis.iter().map(|medium| {
            let (file, name, ignored) = medium.parts();
            Medium {
                name: name.to_owned(),
                ignored,
                packages: self.packages(file),
            }
        });
        Universe::new(
            media.collect(),
            self.case.arch.as_deref().unwrap_or("x86_64"),
        )
    }

    fn options(&self) -> Options {
        let case = self.case;
        let name = case.prefer.as_deref();
        let prefer = NameList::parse(
            name.unwrap_or_default(),
            &self.text(name).unwrap_or_default(),
        );
        let imposed = NameList::of(case.preferred_packages.iter().map(String::as_str));
        Options {
            visiting: Visiting::AsRecorded,
            preferences: imposed.then(prefer),
            no_suggests: case.no_suggests,
            kernel_extensions: vec!["-desktop".to_owned()],
        }
    }

    fn with_step(&mut self, work: impl FnOnce(&mut Step)) {
        if let Some(step) = &mut self.step {
            work(step);
        }
    }

    fn select(&mut self) {
        let (level, limit) = (self.case.min_level.unwrap_or_default(), self.case.max_size);
        let Some(step) = &mut self.step else { return };
        let end = step.pass(level, limit);
        let mut state = output::state(&step.urpm);
        state["returned_level"] = json!(end.level);
        self.push("select", state);
    }

    fn unselect_most(&mut self) {
        let Some(step) = &mut self.step else { return };
        step.unselect_most();
        let state = output::state(&step.urpm);
        self.push("unselect_most", state);
    }

    fn group_sizes(&mut self) {
        let level = self.case.min_level.unwrap_or_default();
        let Some(step) = &mut self.step else { return };
        let sizes = GroupSizes::new(&mut step.urpm, &step.ratings, level);
        self.set("group_sizes", output::group_sizes(&sizes));
    }

    fn flat(&mut self) {
        let Some(step) = &self.step else { return };
        let universe = step.urpm.universe();
        let packages = step.ratings.iter().map(|(id, rating)| {
            (
                rating.rate,
                universe.package(id).name.as_str(),
                rating.clauses.as_slice(),
            )
        });
        let text = compss::flat(&step.groups, packages);
        self.set("compss_flat", json!(text));
    }

    fn choose(&mut self) {
        let mut script = Script::new(self.case, self.files);
        let Some(step) = &mut self.step else { return };
        let end = step.choose(&mut script);
        let mut groups: Vec<String> = step.ticked_groups().map(Group::id).collect();
        groups.sort();
        let (state, flags) = (output::state(&step.urpm), json!(step.flags));
        match end {
            Ok(end) => self.set("ind", json!(end.level)),
            Err(_) => self.set("choose_error", json!("reboot")),
        }
        self.set("final", state);
        self.set("final_flags", flags);
        self.set("groups", json!(groups));
        // The original had no list at all where nothing was asked.
        let asked = (!script.dialogs.is_empty()).then_some(script.dialogs);
        self.set("dialogs", json!(asked));
        if let Some(desktop) = script.desktop_default {
            self.set("desktop_default", json!(desktop));
        }
        if !script.size_texts.is_empty() {
            self.set("size_texts", json!(script.size_texts));
        }
        if !script.individual.is_empty() {
            self.set("individual", json!(script.individual));
        }
    }

    fn numbers(&mut self, op: &str) {
        let values = output::values(&self.case.other, op);
        let result = match op {
            "size" => output::corrected(values),
            "formatxib" => output::written(values),
            _ => output::products(values),
        };
        self.set(&format!("{op}s"), result.clone());
        self.set(op, result);
    }
}

/// Groups given as JSON, whose truth values are numbers.
fn groups_of_json(value: Value) -> Vec<Group> {
    let Value::Array(items) = value else {
        return Vec::new();
    };
    let groups = items.into_iter().filter_map(|mut item| {
        let default = item.get("default").is_some_and(super::case::is_true);
        item.as_object_mut()?.remove("default");
        let group: Group = serde_json::from_value(item).ok()?;
        Some(Group { default, ..group })
    });
    groups.collect()
}
