//! The API page shows the whole document, and asks nobody else for anything.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::page::Scheme;
use crate::stage::{open, turn};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_shown_with_its_parameters_and_answers() -> anyhow::Result<()> {
    let turn = turn().await?;
    let browser = open(&turn, "/docs").await?;
    browser.until_text("#title", "image-replicator").await?;
    let shown = browser
        .eval(
            "Object.fromEntries([...document.querySelectorAll('article')].map((one) => [one.id, [
                one.querySelector('.path').innerText.replace(/\\s+/g, ' '),
                [...one.querySelectorAll('[data-parameter]')].map((it) => it.dataset.parameter),
                [...one.querySelectorAll('[data-answer]')].map((it) => it.dataset.answer)]]))",
        )
        .await?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../api-gateway/openapi.json");
    let document: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().context("no paths")? {
        for (method, operation) in methods.as_object().context("no operations")? {
            let id = operation["operationId"].as_str().context("no id")?;
            let page = &shown[id];
            ensure!(
                page[0] == format!("{} {path}", method.to_uppercase()),
                "{id}: {page}"
            );
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let names: BTreeSet<&str> = parameters.filter_map(|it| it["name"].as_str()).collect();
            ensure!(texts(&page[1]) == names, "{id}: {page}");
            let codes = operation["responses"].as_object().context("no answers")?;
            let codes: BTreeSet<&str> = codes.keys().map(String::as_str).collect();
            ensure!(texts(&page[2]) == codes, "{id}: {page}");
            operations += 1;
        }
    }
    ensure!(shown.as_object().map(serde_json::Map::len) == Some(operations));

    let copy = browser.text("#copyImage").await?;
    for told in [
        "image_id",
        "tenant_id_dst",
        "if_identical",
        "reuse",
        "application/json",
    ] {
        ensure!(copy.contains(told), "no {told:?}: {copy}");
    }
    browser.fill("#find", "cancel").await?;
    browser
        .until(
            "others are hidden",
            "document.getElementById('copyImage').hidden",
        )
        .await?;
    browser.until_text("#cancelCopyJob", "DELETE").await?;
    browser.fill("#find", "").await?;
    browser
        .until(
            "all are back",
            "!document.getElementById('copyImage').hidden",
        )
        .await?;

    browser.look(Scheme::Light, 390).await?;
    browser.expect_it_fits().await?;
    browser.look(Scheme::Light, 1280).await?;
    browser.expect_accessible().await?;
    browser.keep("docs").await?;
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    turn.leave(&[]).await
}

fn texts(list: &Value) -> BTreeSet<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}
