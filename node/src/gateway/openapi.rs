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
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Visiobook",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Turns books into storyboards. Errors are application/problem+json with a stable `code`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    });
    bound_numbers(&mut document);
    document
}

fn operation(route: &Route, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }))
        .collect();
    let key = route.creates().then_some(&super::keyed::KEY);
    parameters.extend(route.params.iter().chain(key).map(|p| {
        json!({ "name": p.name, "in": p.place, "required": p.required, "description": p.about, "schema": kind(p.kind) })
    }));
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.about,
        "tags": [subject(route.path)],
        "x-permission": permission(route.permission),
        "parameters": parameters,
        "responses": responses(route, generator, problem),
    });
    if let Some(content) = media(&route.request, generator) {
        let required = !matches!(route.request, Content::OptionalJson(_));
        operation["requestBody"] = json!({ "required": required, "content": content });
    }
    operation
}

/// What is answered: success in its forms, and whatever can go wrong.
fn responses(route: &Route, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let (status, content) = &route.response;
    let mut success = json!({ "description": "As asked." });
    let content = match content {
        // A file's own type is known when it is sent.
        Content::Bytes => Some(json!({ "*/*": {} })),
        other => media(other, generator),
    };
    if let Some(content) = content {
        success["content"] = content;
    }
    let mut responses = Map::new();
    let takes = |header: &str| route.params.iter().any(|param| param.name == header);
    if takes("range") {
        let part = json!({ "description": "The range that was asked for.", "content": success["content"] });
        responses.insert("206".into(), part);
    }
    if takes("if-none-match") {
        responses.insert("304".into(), json!({ "description": "Nothing has changed." }));
    }
    if matches!(route.response.1, Content::JsonOrLater(_)) {
        let description = "It takes its time: `Location` says how it stands.";
        responses.insert("202".into(), json!({ "description": description, "content": success["content"] }));
    }
    if let Content::WebSocket(said, told) = route.response.1 {
        // No document format knows what goes over a WebSocket: the schemas stand beside it.
        let (said, told) = (said(generator), told(generator));
        success = json!({ "description": "The connection is a WebSocket now.", "x-said": said, "x-told": told });
    }
    responses.insert(status.to_string(), success);
    let content = json!({ "application/problem+json": { "schema": problem } });
    responses.insert("default".into(), json!({ "description": "What went wrong.", "content": content }));
    Value::Object(responses)
}

/// The schema of a parameter, from the short form that the table writes it in.
fn kind(kind: &str) -> Value {
    let words = |words: &str| json!({ "type": "string", "enum": words.split('|').collect::<Vec<_>>() });
    if let Some(form) = kind.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        return json!({ "type": "string", "pattern": format!("^{form}$") });
    }
    match (kind.strip_prefix('='), kind.split_once("..")) {
        (Some(word), _) => words(word),
        (None, Some(("", most))) => json!({ "type": "string", "maxLength": most.parse::<u64>().ok() }),
        (None, Some((least, most))) => {
            json!({ "type": "integer", "minimum": least.parse::<u64>().ok(), "maximum": most.parse::<u64>().ok() })
        }
        (None, None) if kind.contains('|') => words(kind),
        (None, None) if kind == "uuid" => json!({ "type": "string", "format": "uuid" }),
        (None, None) => json!({ "type": kind }),
    }
}

/// Says of every number how large it can be: its format alone binds nobody.
fn bound_numbers(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let most = match map.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(u64::from(u8::MAX)),
                Some("uint16") => Some(u64::from(u16::MAX)),
                Some("uint32") => Some(u64::from(u32::MAX)),
                Some("uint64") => Some(u64::MAX),
                _ => None,
            };
            if let Some(most) = most {
                map.entry("maximum").or_insert(most.into());
            }
            map.values_mut().for_each(bound_numbers);
        }
        Value::Array(values) => values.iter_mut().for_each(bound_numbers),
        _ => {}
    }
}

fn path_schema(name: &str) -> Value {
    match name {
        "project" | "run" | "upload" | "webhook" | "session" | "account" | "key" | "invitation" | "link" => {
            json!({ "type": "string", "format": "uuid" })
        }
        "revision" => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        _ => json!({ "type": "string" }),
    }
}

/// What a path is about: the last of its collections, such as `runs` in `/api/v1/projects/{project}/runs/{run}/retry`.
fn subject(path: &str) -> &str {
    const SUBJECTS: [&str; 5] = ["revisions", "runs", "storyboard", "events", "files"];
    const SHARING: [&str; 3] = ["members", "invitations", "links"];
    if path.split('/').any(|part| SHARING.contains(&part)) {
        return "sharing";
    }
    let mut parts = path.trim_start_matches("/api/v1").split('/').skip(1);
    match parts.next().unwrap_or_default() {
        "health" | "metrics" | "node" | "openapi.json" | "reference" => "node",
        "auth" | "account" | "accounts" => "accounts",
        first => parts.find(|part| SUBJECTS.contains(part)).unwrap_or(first),
    }
}

fn permission(permission: Permission) -> &'static str {
    match permission {
        Permission::Public => "public",
        Permission::Account => "account",
        Permission::Recent => "recent",
        Permission::Tenant => "tenant",
        Permission::ProjectRead => "project:read",
        Permission::ProjectMember => "project:member",
        Permission::ProjectWrite => "project:write",
        Permission::ProjectOwn => "project:own",
        Permission::Operator => "operator",
        Permission::Admin => "admin",
    }
}

fn media(content: &Content, generator: &mut SchemaGenerator) -> Option<Value> {
    match content {
        Content::Empty | Content::WebSocket(..) => None,
        Content::MergePatch(schema) => {
            let schema = json!({ "schema": schema(generator) });
            Some(json!({ "application/merge-patch+json": schema, "application/json": schema }))
        }
        Content::Json(schema)
        | Content::JsonOnce(schema)
        | Content::OptionalJson(schema)
        | Content::JsonOrLater(schema) => Some(json!({ "application/json": { "schema": schema(generator) } })),
        Content::Bytes => Some(json!({ "application/octet-stream": {} })),
        Content::BytesOf(media_type) => {
            let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
            Some(Value::Object(Map::from_iter([((*media_type).to_owned(), bytes)])))
        }
        Content::Picture => Some(json!({ "image/avif": {}, "image/webp": {}, "image/jpeg": {} })),
        Content::Text => Some(json!({ "text/plain": { "schema": { "type": "string" } } })),
        Content::Events(schema) => {
            let data = schema(generator);
            let data = json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": data });
            let properties = json!({ "id": { "type": "string" }, "event": { "type": "string" }, "data": data });
            // Of each event: version 3.1 has no word for a stream's items.
            let event = json!({ "type": "object", "required": ["id", "event", "data"], "properties": properties });
            Some(json!({ "text/event-stream": { "schema": event } }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_told_as_the_table_writes_it() {
        assert_eq!(kind("string"), json!({ "type": "string" }));
        assert_eq!(kind("uuid"), json!({ "type": "string", "format": "uuid" }));
        assert_eq!(kind("=now"), json!({ "type": "string", "enum": ["now"] }));
        assert_eq!(kind("en|fr"), json!({ "type": "string", "enum": ["en", "fr"] }));
        assert_eq!(kind("/[a-z]*/"), json!({ "type": "string", "pattern": "^[a-z]*$" }));
        assert_eq!(kind("..200"), json!({ "type": "string", "maxLength": 200 }));
        assert_eq!(kind("1..500"), json!({ "type": "integer", "minimum": 1, "maximum": 500 }));
        for param in table().iter().flat_map(|route| route.params) {
            let kind = kind(param.kind);
            let known = ["string", "integer", "boolean"].contains(&kind["type"].as_str().unwrap());
            assert!(known && !kind.as_object().unwrap().values().any(Value::is_null), "{}: {kind}", param.name);
        }
    }

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
