use serde_json::json;

use super::*;

fn document() -> Value {
    json!({ "components": { "schemas": {
        "Part": {
            "type": "object",
            "additionalProperties": false,
            "required": ["number", "etag"],
            "properties": {
                "number": { "type": "integer", "minimum": 1, "maximum": 10 },
                "etag": { "type": "string", "minLength": 1, "maxLength": 3 },
                "a/b~c": { "type": "string", "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$" },
                "at": { "type": ["string", "null"], "format": "date-time" },
                "status": { "type": "string", "enum": ["A", "B"] },
            },
        },
        "Parts": {
            "type": "object",
            "additionalProperties": false,
            "properties": { "parts": {
                "type": "array", "minItems": 1, "maxItems": 30,
                "items": { "$ref": "#/components/schemas/Part" },
            } },
        },
    } } })
}

fn faults(value: &Value) -> Vec<(String, String)> {
    let document = document();
    let schema = &document["components"]["schemas"]["Parts"];
    let faults = check(&document, schema, value).into_iter();
    faults.map(|fault| (fault.pointer, fault.words)).collect()
}

#[test]
fn each_fault_is_named_where_it_is() {
    let good = json!({"number": 1, "etag": "x"});
    for (field, value, words) in [
        ("number", json!(0), "must be 1 to 10"),
        ("number", json!(1.5), "must be a whole number"),
        ("number", json!(7.0), "must be a whole number"),
        ("number", json!(1e300), "must be 1 to 10"),
        ("number", json!(u64::MAX), "must be 1 to 10"),
        ("number", json!("1"), "must be a whole number"),
        ("etag", json!(""), "must not be empty"),
        ("etag", json!("ääää"), "must have at most 3 characters"),
        ("etag", json!(null), "must be a text"),
        ("at", json!("-262143-01-01T00:00:00Z"), "must be a time"),
        ("status", json!("C"), "must be one of A, B"),
        ("other", json!(1), "is no field of this request"),
    ] {
        let mut part = good.clone();
        part[field] = value;
        let found = faults(&json!({"parts": [good, part]}));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, format!("/parts/1/{field}"));
        assert!(found[0].1.starts_with(words), "{found:?}");
    }
    let mut part = good.clone();
    part["a/b~c"] = json!("\u{a0} ");
    assert_eq!(faults(&json!({"parts": [part]}))[0].0, "/parts/0/a~1b~0c");
    assert_eq!(faults(&json!({"parts": []}))[0].1, "must not be empty");
    assert_eq!(
        faults(&json!([]))[0],
        (String::new(), "must be an object".into())
    );
    let missing = faults(&json!({"parts": [{}]}));
    assert_eq!(missing[0], ("/parts/0/number".into(), "is missing".into()));
    assert_eq!(missing.len(), 2);
}

#[test]
fn an_id_has_one_spelling() {
    let id = "0193a000-0000-7000-8000-00000000000a";
    let schema = json!({ "type": "string", "format": "uuid" });
    let passes = |id: &str| check(&Value::Null, &schema, &json!(id)).is_empty();
    assert!(passes(id) && passes(&id.to_uppercase()));
    for other in [
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        id.replace('-', ""),
        id.replacen('-', "", 1) + "-",
        format!(" {id}"),
    ] {
        assert!(!passes(&other), "{other}");
    }
}

#[test]
fn an_answer_stays_short_whatever_was_sent() {
    let many: Vec<Value> = (0..30).map(|_| json!({})).collect();
    assert_eq!(faults(&json!({ "parts": many })).len(), MAX_FAULTS);
    let found = faults(&json!({ "x".repeat(500_000): 1 }));
    assert!(found[0].0.len() < 200);
}
