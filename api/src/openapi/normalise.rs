//! Puts the framework's document right. Each rule is one function and says what it mends.

use serde_json::{Map, Value, json};

use super::examples;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// `OpenAPI` 3.1.0, whose schemas are JSON Schema 2020-12.
pub fn to_31(mut document: Value) -> Value {
    document["openapi"] = json!("3.1.0");
    both(&mut document);
    walk(&mut document, &mut |object| {
        nullable_becomes_a_type(object);
        described_reference_stays_a_reference(object);
    });
    sorted(document)
}

/// Writes a document of `OpenAPI` 3.1 as 3.0.3, for generators that know no newer one.
pub fn to_30(mut document: Value) -> Value {
    document["openapi"] = json!("3.0.3");
    both(&mut document);
    // Only 3.1 knows a licence by its SPDX expression.
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
        license.insert("url".into(), json!("https://spdx.org/licenses/"));
    }
    walk(&mut document, &mut exclusive_bounds_are_flags);
    sorted(document)
}

/// Every operation of a document.
pub fn operations(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let items = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(Map::values);
    items.filter_map(Value::as_object).flat_map(|item| {
        METHODS
            .iter()
            .filter_map(|method| item.get(*method))
            .filter_map(Value::as_object)
    })
}

fn both(document: &mut Value) {
    walk(document, &mut |object| {
        integers_have_bounds(object);
        bounds_of_integers_are_integers(object);
        drop_defaults(object);
    });
    requests_take_no_other_fields(document);
    customers_come_first(document);
    examples::add_to(document);
    document["components"]["headers"]["RequestId"] = json!({
        "description": "Names this request in our logs; send it along when you report a problem.",
        "required": true,
        "schema": { "type": "string" },
    });
    let paths = document["paths"].as_object_mut();
    for item in paths.into_iter().flat_map(Map::values_mut) {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            public_operations_say_so(operation);
            let responses = operation["responses"].as_object_mut();
            for response in responses.into_iter().flat_map(Map::values_mut) {
                header_names_are_canonical(response);
                every_answer_has_a_request_id(response);
            }
        }
    }
}

/// Calls `mend` on every object, children first.
fn walk(value: &mut Value, mend: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, mend)),
        Value::Object(object) => {
            object.values_mut().for_each(|value| walk(value, mend));
            mend(object);
        }
        _ => {}
    }
}

/// `uint16` and kin are no registered formats and say nothing to most tools; bounds do.
fn integers_have_bounds(schema: &mut Map<String, Value>) {
    let (format, most) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => ("int32", Some(u64::from(u8::MAX))),
        Some("uint16") => ("int32", Some(u64::from(u16::MAX))),
        Some("uint32") => ("int64", Some(u64::from(u32::MAX))),
        Some("uint64") => ("int64", None),
        Some("int16") => {
            schema.entry("minimum").or_insert(json!(i16::MIN));
            ("int32", Some(i16::MAX.unsigned_abs().into()))
        }
        _ => return,
    };
    schema.insert("format".into(), json!(format));
    schema.entry("minimum").or_insert(json!(0));
    if let Some(most) = most {
        schema.entry("maximum").or_insert(json!(most));
    }
}

/// Bounds are written as `1.0`; generators of integer types stumble over that.
#[expect(
    clippy::cast_possible_truncation,
    reason = "bounds in this document are small and whole"
)]
fn bounds_of_integers_are_integers(schema: &mut Map<String, Value>) {
    if schema.get("type") != Some(&json!("integer")) {
        return;
    }
    for name in ["minimum", "maximum", "default", "example"] {
        if let Some(bound) = schema.get(name).and_then(Value::as_f64) {
            schema.insert(name.into(), json!(bound as i64));
        }
    }
}

/// Defaults that are spelled out only make differences between versions harder to read.
fn drop_defaults(object: &mut Map<String, Value>) {
    object.retain(|key, value| match key.as_str() {
        "deprecated" => value != &json!(false),
        "explode" => value != &json!(true),
        "style" => value != &json!("simple") && value != &json!("form"),
        "description" | "summary" => value != &json!(""),
        _ => true,
    });
}

/// The framework shouts header names.
fn header_names_are_canonical(response: &mut Value) {
    if let Some(headers) = response["headers"].as_object_mut() {
        *headers = std::mem::take(headers)
            .into_iter()
            .map(|(name, value)| (canonical(&name), value))
            .collect();
    }
}

fn canonical(name: &str) -> String {
    let word = |word: &str| match word.to_ascii_lowercase().as_str() {
        "etag" => "ETag".to_owned(),
        word => {
            word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default()
        }
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The framework refuses unknown fields when told to, but does not write so. All our requests refuse them.
fn requests_take_no_other_fields(document: &mut Value) {
    let mut names = Vec::new();
    for operation in operations(document) {
        references(
            operation.get("requestBody").unwrap_or(&Value::Null),
            &mut names,
        );
    }
    let mut seen = 0;
    while let Some(name) = names.get(seen).cloned() {
        seen += 1;
        let schema = &mut document["components"]["schemas"][&name];
        schema["additionalProperties"] = json!(false);
        let mut inner = Vec::new();
        references(schema, &mut inner);
        names.extend(
            inner
                .into_iter()
                .filter(|name| !names.contains(name))
                .collect::<Vec<_>>(),
        );
    }
}

/// The framework sorts tags by name. Groups are for readers (Redoc) and for generators that leave the operators' out.
fn customers_come_first(document: &mut Value) {
    const OPERATORS: &str = "Admin";
    const CUSTOMERS: [&str; 3] = ["Uploads", "Files", "Service"];
    if let Some(tags) = document["tags"].as_array_mut() {
        let place = |tag: &Value| CUSTOMERS.iter().position(|name| tag["name"] == **name);
        tags.sort_by_key(|tag| place(tag).unwrap_or(CUSTOMERS.len()));
    }
    document["x-tagGroups"] = json!([
        { "name": "For customers", "tags": CUSTOMERS },
        { "name": "For operators", "tags": [OPERATORS] },
    ]);
}

/// Names of the schemas that a part of the document refers to.
fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str);
            names.extend(
                target
                    .and_then(|t| t.rsplit('/').next())
                    .map(ToOwned::to_owned),
            );
            object.values().for_each(|value| references(value, names));
        }
        _ => {}
    }
}

/// The framework cannot write that an operation needs no key.
fn public_operations_say_so(operation: &mut Value) {
    if let Some(operation) = operation.as_object_mut() {
        operation.entry("security").or_insert(json!([]));
    }
}

/// True of every answer, by the request middleware.
fn every_answer_has_a_request_id(response: &mut Value) {
    response["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/RequestId" });
}

/// 3.1 has no `nullable`.
fn nullable_becomes_a_type(schema: &mut Map<String, Value>) {
    if schema.remove("nullable") == Some(json!(true))
        && let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned()
    {
        schema.insert("type".into(), json!([kind, "null"]));
    }
}

/// A field with a description of its own is written as `allOf: [reference, {description}]`; in 3.1 a reference may
/// have neighbours.
fn described_reference_stays_a_reference(schema: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = schema.get("allOf") else {
        return;
    };
    let references = parts
        .iter()
        .filter(|part| part.get("$ref").is_some())
        .count();
    let annotation = |part: &Value| {
        part.as_object()
            .is_some_and(|part| part.keys().all(|key| key != "type" && key != "properties"))
    };
    if references != 1 || !parts.iter().all(annotation) {
        return;
    }
    let merged: Vec<_> = parts
        .iter()
        .filter_map(Value::as_object)
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    schema.remove("allOf");
    schema.extend(merged);
}

/// In 3.0 `exclusiveMinimum` is a flag, and the framework writes a flag; 3.1 tools need it gone when it is false.
fn exclusive_bounds_are_flags(schema: &mut Map<String, Value>) {
    for name in ["exclusiveMinimum", "exclusiveMaximum"] {
        if schema.get(name) == Some(&json!(false)) {
            schema.remove(name);
        }
    }
}

/// Keys in the alphabet's order, whatever map the JSON library was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        other => other,
    }
}
