//! Bodies that are no copy request, and Content-Types that are not JSON.

use anyhow::{Context, ensure};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Method};
use scenarios::{Answer, Copies};
use serde_json::json;
use testbed::Cloud;

use super::{NO_CONTENT_TYPE, alice, no_such_image, nowhere};

const LIMIT: usize = 64 * 1024;

async fn post(alice: &Cloud, content_type: &str, body: impl Into<Body>) -> anyhow::Result<Answer> {
    let copies = Copies::of(alice);
    let mut request = copies.request(Method::POST, "").body(body);
    if !content_type.is_empty() {
        request = request.header(CONTENT_TYPE, content_type);
    }
    copies.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_does_not_say_json_is_refused_in_66_bytes() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let body = json!({"image_id": nowhere(), "tenant_id_dst": tenant}).to_string();
    for content_type in [
        "",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
    ] {
        let answer = post(&alice, content_type, body.clone()).await?;
        answer
            .expect_fault(400, "Bad Request", NO_CONTENT_TYPE)
            .with_context(|| content_type.to_owned())?;
        ensure!(answer.body.len() == 66, "{answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_says_json_in_another_notation_is_read() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let image = nowhere();
    let body = json!({"image_id": image, "tenant_id_dst": tenant}).to_string();
    for content_type in ["Application/JSON", "application/json; charset=UTF-8"] {
        let answer = post(&alice, content_type, body.clone()).await?;
        answer.expect_fault(404, "Not Found", &no_such_image(&image))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_copy_request_is_refused_by_name() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let image = nowhere();
    let with = |key: &str, value: serde_json::Value| {
        let mut body = json!({"image_id": image, "tenant_id_dst": tenant});
        body[key] = value;
        body.to_string()
    };
    let without = |key: &str| {
        let mut body = json!({"image_id": image, "tenant_id_dst": tenant});
        body.as_object_mut().map(|members| members.remove(key));
        body.to_string()
    };
    for (body, named) in [
        (String::new(), "body"),
        ("{".to_owned(), "JSON"),
        ("image_id=1".to_owned(), "JSON"),
        ("[]".to_owned(), "object"),
        ("null".to_owned(), "object"),
        ("\"text\"".to_owned(), "object"),
        ("{}".to_owned(), "image_id"),
        (without("image_id"), "image_id"),
        (without("tenant_id_dst"), "tenant_id_dst"),
        (with("image_id", json!(null)), "image_id"),
        (with("image_id", json!(7)), "image_id"),
        (with("image_id", json!([])), "image_id"),
        (with("image_id", json!("")), "image_id"),
        (with("image_id", json!("no-uuid")), "image_id"),
        (with("image_id", json!(format!("{image}0"))), "image_id"),
        (with("tenant_id_dst", json!(null)), "tenant_id_dst"),
        (with("tenant_id_dst", json!({})), "tenant_id_dst"),
        (with("tenant_id_dst", json!("proj-ot2")), "tenant_id_dst"),
        (with("region_id_dst", json!(null)), "region_id_dst"),
        (with("region_id_dst", json!(2)), "region_id_dst"),
        (with("if_identical", json!("maybe")), "if_identical"),
        (with("colour", json!("blue")), "colour"),
        (body_with_a_key_twice(&image, &tenant), "image_id"),
    ] {
        let answer = post(&alice, "application/json", body.clone()).await?;
        answer
            .expect_fault_naming(400, "Bad Request", &[named])
            .context(body)?;
    }
    Ok(())
}

fn body_with_a_key_twice(image: &str, tenant: &str) -> String {
    format!(r#"{{"image_id": "{image}", "tenant_id_dst": "{tenant}", "image_id": "{image}"}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_have_64_kib_and_no_more() -> anyhow::Result<()> {
    let (alice, tenant) = alice().await?;
    let image = nowhere();
    let body = json!({"image_id": image, "tenant_id_dst": tenant}).to_string();
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let largest = post(&alice, "application/json", padded(LIMIT)).await?;
    largest.expect_fault(404, "Not Found", &no_such_image(&image))?;

    for length in [LIMIT + 1, 3 * 1024 * 1024] {
        let announced = post(&alice, "application/json", padded(length)).await?;
        announced.expect_fault_naming(413, "Payload Too Large", &["65536"])?;
    }
    let pieces = padded(LIMIT + 1).into_bytes();
    let pieces: Vec<_> = pieces
        .chunks(4096)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    let stream = futures::stream::iter(pieces as Vec<std::io::Result<Vec<u8>>>);
    let unannounced = post(&alice, "application/json", Body::wrap_stream(stream)).await?;
    unannounced.expect_fault_naming(413, "Payload Too Large", &["65536"])
}
