//! The OpenAPI document, made from the table of routes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{PREFIX, route::Route};

/// The document as it is served: pretty, keys in a stable order, a line feed at the end.
pub(super) fn text(table: &[Route]) -> String {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::new();
    schema::<escadre_api::ApiError>(&mut schemas);
    for route in table {
        let path = format!("{PREFIX}{}", route.path());
        let operations = paths.entry(path).or_default();
        operations.insert(route.method().to_owned(), operation(route));
        for (name, schema) in &route.schemas {
            schemas.insert(name.clone(), json!(schema));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Escadre",
            "version": "v1",
            "description": "Choose, ship and watch the software of a fleet. Everything the pages do goes through here.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-escadre",
                    "description": "The session of a browser; what changes something also wants the header x-form-token.",
                },
            },
        },
    });
    format!("{document:#}\n")
}

fn schema<T: utoipa::ToSchema>(schemas: &mut BTreeMap<String, Value>) {
    schemas.insert(T::name().into_owned(), json!(T::schema()));
    let mut more = Vec::new();
    T::schemas(&mut more);
    schemas.extend(more.into_iter().map(|(name, schema)| (name, json!(schema))));
}

fn operation(route: &Route) -> Value {
    let mut responses = Map::new();
    responses.insert(route.status.to_string(), answer(route));
    let error = json!({"$ref": "#/components/schemas/ApiError"});
    let refused = json!({
        "description": "Refused; the document says why and what to do.",
        "content": {"application/json": {"schema": error}},
    });
    responses.insert("default".to_owned(), refused);
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary(),
        "description": format!("Role: {}.", route.role),
        "tags": [tag(route)],
        "parameters": parameters(route),
        "responses": responses,
    });
    if let Some((format, schema)) = &route.takes {
        operation["requestBody"] = json!({
            "required": route.method() != "delete",
            "content": {*format: {"schema": schema}},
        });
    }
    operation
}

fn answer(route: &Route) -> Value {
    let description = if route.answers.is_empty() {
        "Done."
    } else {
        "What was asked for."
    };
    let mut answer = json!({"description": description});
    for (format, schema) in &route.answers {
        answer["content"][*format] = json!({"schema": schema});
    }
    answer
}

fn parameters(route: &Route) -> Vec<Value> {
    let text = json!({"type": "string"});
    let in_path = route
        .path()
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}));
    let in_query = route.query.iter().map(|(name, meaning)| {
        json!({"name": name, "in": "query", "required": false, "description": meaning, "schema": text})
    });
    in_path.chain(in_query).collect()
}

fn tag(route: &Route) -> &'static str {
    route.path().split('/').nth(1).unwrap_or("installation")
}

/// `get /hosts/{name}/packages` is `get_hosts_name_packages`.
fn operation_id(route: &Route) -> String {
    let words = route.path().split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", route.method(), words.join("_"))
}
