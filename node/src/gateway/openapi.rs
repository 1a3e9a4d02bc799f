//! The OpenAPI 3.1 document, made from the route table. `docs/openapi.json` is this, checked in.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::routes::{Content, Permission, Route, table};

/// The whole document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<domain::api::Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in table() {
        let operation = operation(&route, &mut generator, &problem);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Visiobook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Turns books into storyboards. Errors are application/problem+json with a stable `code`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }))
        .collect();
    parameters.extend(route.params.iter().map(|p| {
        json!({ "name": p.name, "in": p.place, "required": p.required, "description": p.about, "schema": { "type": p.kind } })
    }));
    let (status, content) = &route.response;
    let mut success = json!({ "description": "As asked." });
    if let Some(content) = media(content, generator) {
        success["content"] = content;
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.about,
        "x-permission": permission(route.permission),
        "parameters": parameters,
        "responses": {
            status.to_string(): success,
            "default": {
                "description": "What went wrong.",
                "content": { "application/problem+json": { "schema": problem } },
            },
        },
    });
    if let Some(content) = media(&route.request, generator) {
        let required = !matches!(route.request, Content::OptionalJson(_));
        operation["requestBody"] = json!({ "required": required, "content": content });
    }
    operation
}

fn path_schema(name: &str) -> Value {
    match name {
        "project" | "run" | "upload" => json!({ "type": "string", "format": "uuid" }),
        _ => json!({ "type": "string" }),
    }
}

fn permission(permission: Permission) -> &'static str {
    match permission {
        Permission::Public => "public",
        Permission::Tenant => "tenant",
        Permission::ProjectRead => "project:read",
        Permission::ProjectWrite => "project:write",
        Permission::Operator => "operator",
    }
}

fn media(content: &Content, generator: &mut SchemaGenerator) -> Option<Value> {
    match content {
        Content::Empty => None,
        Content::MergePatch(schema) => {
            let schema = json!({ "schema": schema(generator) });
            Some(json!({ "application/merge-patch+json": schema, "application/json": schema }))
        }
        Content::Json(schema) | Content::OptionalJson(schema) => {
            Some(json!({ "application/json": { "schema": schema(generator) } }))
        }
        Content::Bytes => Some(json!({ "application/octet-stream": {} })),
        Content::BytesOf(media_type) => Some(Value::Object(Map::from_iter([((*media_type).to_owned(), json!({}))]))),
        Content::Picture => Some(json!({ "image/avif": {}, "image/webp": {}, "image/jpeg": {} })),
        Content::Text => Some(json!({ "text/plain": { "schema": { "type": "string" } } })),
        Content::Events(schema) => {
            let data = schema(generator);
            Some(json!({ "text/event-stream": { "schema": { "type": "string" }, "x-event-data": data } }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `VISIOBOOK_BLESS=1 cargo test -p node openapi` writes the document anew.
    #[test]
    fn the_checked_in_document_is_what_the_table_makes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
        if std::env::var_os("VISIOBOOK_BLESS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == made, "docs/openapi.json is out of date: run VISIOBOOK_BLESS=1 cargo test -p node openapi");
    }
}
