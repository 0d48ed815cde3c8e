//! Secrets stand in no manifest: they are referred to.

use serde_json::Value;

use super::manifests::{Manifests, name};
use super::references::list;
use super::workload::texts;

pub(super) fn complaints(manifests: &Manifests) -> Vec<String> {
    let mut complaints: Vec<String> = manifests
        .of("Secret")
        .map(|it| format!("the secret {} is written down", name(it)))
        .collect();
    for map in manifests.of("ConfigMap") {
        for (key, text) in texts(&map["data"]) {
            if is_secret(&key, &text) || text.lines().any(has_password) {
                complaints.push(format!("{} holds a secret: {key}", name(map)));
            }
        }
    }
    for workload in manifests.workloads() {
        for container in workload.containers() {
            for variable in list(&container["env"]) {
                let word = |field: &str| variable[field].as_str().unwrap_or_default();
                if is_secret(word("name"), word("value")) {
                    complaints.push(format!(
                        "{} holds a secret: {}",
                        workload.name,
                        word("name")
                    ));
                }
            }
            let words = list(&container["args"]).chain(list(&container["command"]));
            let is_told = |word: &str| has_password(word) || has_option(word);
            if words.filter_map(Value::as_str).any(is_told) {
                complaints.push(format!("{} is started with a secret", workload.name));
            }
        }
    }
    complaints
}

/// Whether a variable is a secret by its name, and its value stands there.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let secret = ["password", "secret", "token", "_url"]
        .iter()
        .any(|word| name.ends_with(word));
    secret && (!name.ends_with("_url") || has_password(value)) && !value.is_empty()
}

/// Whether a line has a URL with a password in it; what an example leaves out is none.
fn has_password(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '"', ' ']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(login, _)| login.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with('$'))
}

/// Whether an option of Redis' has its password after it.
fn has_option(word: &str) -> bool {
    let password = word
        .strip_prefix("--requirepass ")
        .or_else(|| word.strip_prefix("--masterauth "));
    password.is_some_and(|it| !it.starts_with('$'))
}
