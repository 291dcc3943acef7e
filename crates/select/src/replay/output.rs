//! The results of a case as JSON.

use serde_json::{Map, Value, json};

use crate::{
    compss::Group,
    condition::Clause,
    group_sizes::GroupSizes,
    product,
    rating::Ratings,
    rpmsrate::RateFile,
    sizes,
    urpm::{Marks, Urpm},
};

/// What is selected, of the base, and asked for, with the size.
pub(super) fn state(urpm: &Urpm) -> Value {
    json!({
        "selected": urpm.names(Marks::is_selected),
        "requested": urpm.names(|marks| marks.requested),
        "base": urpm.names(|marks| marks.base),
        "size": urpm.selected_size(),
    })
}

/// Packages of a rate file before any machine is known.
pub(super) fn raw(file: &RateFile) -> Value {
    let packages = file.packages.iter().map(|(name, rated)| {
        let flags: Vec<&str> = rated.flags.iter().map(AsRef::as_ref).collect();
        (name.clone(), json!({ "rate": rated.rate, "flags": flags }))
    });
    Value::Object(packages.collect())
}

/// Rates with what is left of the conditions.
pub(super) fn rates(urpm: &Urpm, ratings: &Ratings) -> Value {
    let rated = ratings.iter().filter(|(_, rating)| rating.rate > 0);
    let packages = rated.map(|(id, rating)| {
        let flags: Vec<String> = rating.clauses.iter().map(Clause::to_string).collect();
        let name = urpm.universe().package(id).name.clone();
        (name, json!({ "rate": rating.rate, "flags": flags }))
    });
    Value::Object(packages.collect())
}

/// Groups.
pub(super) fn groups(groups: &[Group]) -> Value {
    let groups = groups.iter().map(|group| {
        json!({ "path": group.path, "label": group.label, "flags": group.flags, "default": u8::from(group.default) })
    });
    Value::Array(groups.collect())
}

/// Sizes of combinations.
pub(super) fn group_sizes(sizes: &GroupSizes) -> Value {
    let combinations = sizes.combinations.iter().map(|combination| {
        (
            combination.key(),
            json!({ "size": combination.size, "pkgs": combination.packages }),
        )
    });
    Value::Object(combinations.collect())
}

/// Corrected sizes and their inverse, by the value as written.
pub(super) fn corrected(values: &[Value]) -> Value {
    let sizes = values.iter().map(|value| {
        let number = number(value);
        let both = json!({
            "correct": format!("{:.6}", sizes::correct(number)),
            "inv": format!("{:.6}", sizes::inverse(number)),
        });
        (key(value), both)
    });
    Value::Object(sizes.collect())
}

/// Sizes as the log writes them, by the value as written.
pub(super) fn written(values: &[Value]) -> Value {
    Value::Object(
        values
            .iter()
            .map(|value| (key(value), json!(sizes::written(number(value)))))
            .collect(),
    )
}

/// Products: by the line of `product.id`, the class.
pub(super) fn products(values: &[Value]) -> Value {
    let classes = values.iter().map(|value| {
        let line = key(value);
        let class = product::meta_class(&product::parse(&line), false);
        (line, json!(class))
    });
    Value::Object(classes.collect())
}

/// The values that a case gives for an operation: the list whose name begins with that of the operation, else the only
/// list there is.
pub(super) fn values<'a>(fields: &'a Map<String, Value>, op: &str) -> &'a [Value] {
    let lists = || {
        fields
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_array()?)))
    };
    let named = lists().find(|(name, _)| name.starts_with(op));
    let only = || lists().next().filter(|_| lists().count() == 1);
    named.or_else(only).map_or(&[], |(_, list)| list.as_slice())
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap_or_default(),
        value => value.as_f64().unwrap_or_default(),
    }
}

fn key(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
