//! How often each operation was answered with which status: proof that a run came to where failures would be.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde_json::Value;

/// Answers by operation (`GET /v2/{project_id}/images`) and status.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<String, BTreeMap<u16, u64>>);

impl Counts {
    /// Reads what `hooks.py` has written: `{"GET /path 200": 3, …}`.
    pub(crate) fn of(json: &[u8]) -> anyhow::Result<Self> {
        let flat: BTreeMap<String, u64> = serde_json::from_slice(json)?;
        let mut counts = Self::default();
        for (key, count) in flat {
            let (operation, status) = key.rsplit_once(' ').with_context(|| key.clone())?;
            let of_operation = counts.0.entry(operation.to_owned()).or_default();
            of_operation.insert(status.parse()?, count);
        }
        Ok(counts)
    }

    /// All requests.
    pub(crate) fn requests(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// Every operation of the document was carried out, and those that can refuse what was sent, whoever sent it, have
    /// refused; no answer was undocumented.
    pub(crate) fn reached_everything(&self, document: &Value) -> anyhow::Result<()> {
        let nothing = BTreeMap::new();
        let paths = document["paths"].as_object().context("no paths")?;
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().context("no operations")? {
                let name = format!("{} {path}", method.to_uppercase());
                let seen = self.0.get(&name).unwrap_or(&nothing);
                let documented = operation["responses"].as_object().context("no responses")?;
                let is_documented = |status: &u16| documented.contains_key(&status.to_string());
                ensure!(seen.keys().all(is_documented), "{name}: {seen:?}");
                let succeeded = seen.keys().any(|status| (200..300).contains(status));
                ensure!(succeeded, "{name} was never carried out: {seen:?}");
                let refusals = [400, 404, 409];
                let refused = refusals.iter().any(|status| seen.contains_key(status));
                let can_refuse =
                    operation["parameters"].is_array() && refusals.iter().any(is_documented);
                ensure!(
                    refused || !can_refuse,
                    "{name} has refused nothing: {seen:?}"
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(counts: &Value) -> anyhow::Result<()> {
        let responses = json!({"200": {}, "404": {}, "401": {}});
        let document = json!({"paths": {
            "/": {"get": {"responses": responses}},
            "/{id}": {"get": {"responses": responses, "parameters": [{"name": "id"}]}},
        }});
        Counts::of(counts.to_string().as_bytes())?.reached_everything(&document)
    }

    #[test]
    fn a_run_that_reached_everything_is_told_from_one_that_did_not() {
        let good = json!({"GET / 200": 1, "GET /{id} 200": 1, "GET /{id} 404": 2, "PUT / 405": 1});
        verdict(&good).expect("everything was reached");
        for bad in [
            json!({}),
            json!({"GET /{id} 200": 1, "GET /{id} 404": 2}),
            json!({"GET / 200": 1, "GET /{id} 404": 2}),
            json!({"GET / 200": 1, "GET /{id} 200": 1, "GET /{id} 401": 7}),
            json!({"GET / 200": 1, "GET / 418": 1, "GET /{id} 200": 1, "GET /{id} 404": 2}),
        ] {
            assert!(verdict(&bad).is_err(), "{bad}");
        }
    }
}
