//! The fuzzer finds what it is there to find: against a document with something wrong in it, the gateway is what is wrong.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::fuzzer::{self, Fuzzer};
use crate::pool::Pool;
use crate::{alice, bed};

const JOB: &str = "/v2/extension/image_replicator/jobs/{job_id}";

/// What is done to the document, the operation that it concerns, and what the report must say.
type Lie = (fn(&mut Value), &'static str, &'static str);

const LIES: [Lie; 4] = [
    (
        |document| remove(&mut document["paths"][JOB]["get"]["responses"], "404"),
        "showCopyJob",
        "Undocumented status code",
    ),
    (
        |document| {
            let schemas = &mut document["components"]["schemas"];
            schemas["JobDocument"]["properties"]["bytes_total"]["type"] = json!("string");
        },
        "showCopyJob",
        "Response violates schema",
    ),
    (
        |document| {
            let answer = &mut document["paths"][JOB]["get"]["responses"]["200"]["content"];
            *answer = json!({"application/xml": {}});
        },
        "showCopyJob",
        "Undocumented Content-Type",
    ),
    (
        |document| {
            let parameters = &mut document["paths"]["/v2/{project_id}/images"]["get"]["parameters"];
            for parameter in parameters.as_array_mut().into_iter().flatten() {
                if parameter["name"] == "limit" {
                    parameter["schema"]["maximum"] = json!(3);
                }
            }
        },
        "listImages",
        "Schema-violating request accepted",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_promises_something_else_is_found_out() -> anyhow::Result<()> {
    let (bed, alice) = (bed().await?, alice().await?);
    let pool = Pool::filled(bed, &alice).await?;
    let fuzzer = Fuzzer::new(bed, &alice, &pool);
    for (lie, operation, verdict) in LIES {
        let truth = fuzzer::document()?;
        let mut document = truth.clone();
        lie(&mut document);
        ensure!(document != truth, "{operation}: nothing is changed");
        let run = fuzzer.one_operation(&document, operation).await?;
        ensure!(
            !run.found_nothing && run.report.contains(verdict),
            "`{verdict}` expected:\n{}",
            run.report
        );
    }
    Ok(())
}

fn remove(object: &mut Value, key: &str) {
    object
        .as_object_mut()
        .context("no object")
        .map(|object| object.remove(key))
        .expect("the document has responses there");
}
