//! The checked-in API document is the one that the code generates.
//!
//! `UPDATE_OPENAPI=1 cargo test -p api-gateway --test openapi_is_current` writes it anew.

use std::path::Path;

use serde_json::Value;

fn checked_in() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let generated = api_gateway::openapi_json().expect("the document is JSON");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, generated).expect("the document can be written");
    }
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_checked_in_document_is_what_the_code_generates() {
    let generated = api_gateway::openapi_json().expect("the document is JSON");
    assert!(
        checked_in() == generated,
        "api-gateway/openapi.json is stale: run this test with UPDATE_OPENAPI=1"
    );
}

#[test]
fn everything_in_it_is_described() {
    let document: Value = serde_json::from_str(&checked_in()).expect("JSON");
    let mut missing = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let name = format!("{method} {path}");
            if operation["summary"].as_str().is_none_or(str::is_empty) {
                missing.push(name.clone());
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let responses = operation["responses"].as_object().into_iter().flatten();
            missing.extend(
                parameters
                    .map(|parameter| (parameter["name"].to_string(), parameter))
                    .chain(responses.map(|(code, response)| (code.clone(), response)))
                    .filter(|(_, item)| item["description"].as_str().is_none_or(str::is_empty))
                    .map(|(item, _)| format!("{name}: {item}")),
            );
        }
    }
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        if schema["description"].as_str().is_none() {
            missing.push(name.clone());
        }
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            // A reference is described where it points.
            let described = ["description", "$ref", "oneOf"]
                .iter()
                .any(|key| !property[key].is_null());
            if !described {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    assert!(missing.is_empty(), "without a description: {missing:?}");
}
