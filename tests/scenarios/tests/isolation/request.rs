//! Requests as the API document describes them: an operation's id is all that is said here of its method and path.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::callers::Caller;

/// The operations of the API document.
pub(crate) struct Api {
    operations: BTreeMap<String, (Method, String)>,
    base: String,
    client: Client,
}

/// What a request is about: values for the braces of a path, and what else is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// By the names in the braces.
    pub(crate) path: BTreeMap<&'static str, String>,
    /// Begins with a question mark, or is empty.
    pub(crate) query: String,
    /// The body, if there is one.
    pub(crate) body: Option<Value>,
    /// The id by which a refusal may name the object.
    pub(crate) id: String,
}

impl Api {
    /// The operations that the gateway at `base` says that it has.
    ///
    /// # Errors
    /// When the document can't be read.
    pub(crate) fn of(base: &str) -> anyhow::Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-gateway/openapi.json");
        let document: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let mut operations = BTreeMap::new();
        for (path, methods) in document["paths"].as_object().context("no paths")? {
            for (method, operation) in methods.as_object().context("no operations")? {
                let id = operation["operationId"].as_str().context("no id")?;
                let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
                operations.insert(id.to_owned(), (method, path.clone()));
            }
        }
        Ok(Self {
            operations,
            base: base.to_owned(),
            client: testbed::http_client()?,
        })
    }

    /// Ids of all operations.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }

    /// Whether an operation does more than to look.
    ///
    /// # Errors
    /// When there is no such operation.
    pub(crate) fn changes_something(&self, operation: &str) -> anyhow::Result<bool> {
        let found = self.operations.get(operation);
        let (method, _) = found.context("no such operation")?;
        Ok(*method != Method::GET)
    }

    /// A request of `caller`.
    ///
    /// # Errors
    /// When there is no such operation, or its path has a brace for which there is no value.
    pub(crate) fn request(
        &self,
        operation: &str,
        caller: &Caller,
        about: &About,
    ) -> anyhow::Result<RequestBuilder> {
        let (method, path) = self
            .operations
            .get(operation)
            .context("no such operation")?;
        let path = about.path.iter().fold(path.clone(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        });
        ensure!(!path.contains('{'), "{operation}: {path} is not complete");
        let url = format!("{}{path}{}", self.base, about.query);
        let mut request = self.client.request(method.clone(), url);
        if let Some(token) = &caller.token {
            request = request.header("x-auth-token", token);
        }
        if let Some(body) = &about.body {
            request = request.json(body);
        }
        Ok(request)
    }
}
