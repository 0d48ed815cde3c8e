//! Label selectors.

use std::collections::BTreeMap;

use serde_json::Value;

/// Whether a selector takes these labels. An empty one takes everything; what it has of a kind that is not known here, nothing.
pub(super) fn takes(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut equal = equal.map(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let expressions = selector["matchExpressions"].as_array();
    let mut expressions = expressions.into_iter().flatten().map(|expression| {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = expression["values"].as_array().into_iter().flatten();
        let is_among = |label: &String| values.clone().any(|value| value == label.as_str());
        expression["operator"] == "In" && labels.get(key).is_some_and(is_among)
    });
    equal.all(|it| it) && expressions.all(|it| it)
}
