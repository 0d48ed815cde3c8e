//! What the pages ask the gateway for, without a browser: who gets what, and how it is guarded.

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use reqwest::{Client, Method, RequestBuilder, Response};
use scenarios::{Answer, PATIENCE, Turn};
use serde_json::{Value, json};
use testbed::{Region, eventually, http_client};

use crate::stage::{password, turn};

fn request(turn: &Turn, client: &Client, method: Method, path: &str) -> RequestBuilder {
    client.request(method, format!("{}{path}", turn.here().gateway_url))
}

async fn signed_in(turn: &Turn, client: &Client, body: &Value) -> anyhow::Result<Answer> {
    eventually(PATIENCE, "an answer of Keystone", || async {
        let request = request(turn, client, Method::POST, "/dashboard/api/sign-in").json(body);
        let answer = Answer::read(request.send().await?).await?;
        answer.expect_request_id()?;
        ensure!(answer.header("cache-control") == "no-store", "{answer}");
        // Where Keystone has too much to do, it is to be asked again.
        ensure!(answer.status != 503, "{answer}");
        Ok(answer)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_gives_a_token_for_the_project_that_is_meant() -> anyhow::Result<()> {
    let turn = turn().await?;
    let client = http_client()?;
    let other = turn.bed.project_id(Region::Ot1, "proj-ot2")?;
    let mut proof = json!({"user": "alice", "domain": "Default", "password": password("alice")?});
    let first = signed_in(&turn, &client, &proof).await?.json(200)?;
    ensure!(
        first["project"]["id"] == turn.here().project_id,
        "{}",
        first["project"]
    );
    ensure!(
        first["is_admin"] == false && first["may_copy"] == true,
        "{}",
        first["user"]
    );
    for project in ["proj-ot2", other.as_str()] {
        proof["project"] = json!(project);
        let there = signed_in(&turn, &client, &proof).await?.json(200)?;
        ensure!(
            there["project"]["id"] == other,
            "{project}: {}",
            there["project"]
        );
    }
    // From one project to the other with the token alone; a token that fits already stays what it is.
    let token = json!({"token": first["token"], "project": other});
    let there = signed_in(&turn, &client, &token).await?.json(200)?;
    ensure!(
        there["project"]["name"] == "proj-ot2",
        "{}",
        there["project"]
    );
    let same = signed_in(&turn, &client, &json!({"token": first["token"]}))
        .await?
        .json(200)?;
    ensure!(same["token"] == first["token"], "another token");
    let rita = json!({"user": "rita", "domain": "Default", "password": password("rita")?});
    let reader = signed_in(&turn, &client, &rita).await?.json(200)?;
    ensure!(
        reader["may_copy"] == false && reader["may_read"] == true,
        "{}",
        reader["user"]
    );
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sign_in_is_refused_and_guessing_is_slow() -> anyhow::Result<()> {
    let turn = turn().await?;
    let client = http_client()?;
    let wrong = json!({"user": "bob", "domain": "Default", "password": "guessed"});
    signed_in(&turn, &client, &wrong).await?.expect_fault(
        401,
        "Unauthorized",
        "Keystone does not accept this sign-in: check user, domain, password and project.",
    )?;
    signed_in(&turn, &client, &json!({"token": "made-up"}))
        .await?
        .expect_fault(
            401,
            "Unauthorized",
            "Keystone does not accept this token, or its user has no role in the project.",
        )?;
    let odd = signed_in(
        &turn,
        &client,
        &json!({"user": "bob", "password": "guessed"}),
    )
    .await?;
    ensure!(
        odd.status == 400 && !odd.body.contains("guessed"),
        "{}",
        odd.body
    );
    // Not as a form of another site would send it, and not for another site's page.
    let form = request(&turn, &client, Method::POST, "/dashboard/api/sign-in")
        .header("content-type", "text/plain")
        .body(wrong.to_string());
    ensure!(form.send().await?.status() == 400);
    for path in ["projects", "images", "regions", "workload"] {
        let path = format!("/dashboard/api/{path}");
        let foreign = request(&turn, &client, Method::GET, &path)
            .header("x-auth-token", &turn.here().token)
            .header("sec-fetch-site", "cross-site");
        ensure!(foreign.send().await?.status() == 403, "{path}");
        let nobody = request(&turn, &client, Method::GET, &path).send().await?;
        ensure!(nobody.status() == 401, "{path}: {}", nobody.status());
    }
    // All at once, so that it does not matter how fast Keystone is.
    let guess = json!({"token": "made-up-again"});
    let guesses = (0..60).map(|_| signed_in(&turn, &client, &guess));
    let answers = try_join_all(guesses).await?;
    let mut answers = answers.into_iter();
    let refused = answers.find(|answer| answer.status == 429);
    let refused = refused.context("guessing is never slowed down")?;
    ensure!(
        refused.headers.contains_key("retry-after"),
        "{:?}",
        refused.headers
    );
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_offer_what_the_caller_may_choose() -> anyhow::Result<()> {
    let turn = turn().await?;
    let image = turn.image("offered", 1).await?;
    let carol = turn.bed.cloud_in("carol", Region::Ot1, "proj-ot2").await?;
    let mut offers = Vec::new();
    for (cloud, own) in [(turn.here(), true), (&carol, false)] {
        let images = cloud
            .gateway(Method::GET, "/dashboard/api/images")
            .send()
            .await?;
        let images: Value = images.error_for_status()?.json().await?;
        let listed = images["images"].as_array().context("no list")?;
        ensure!(
            listed.iter().any(|one| one["id"] == image.id) == own,
            "{images}"
        );
        let regions = cloud
            .gateway(Method::GET, "/dashboard/api/regions")
            .send()
            .await?;
        let regions: Value = regions.error_for_status()?.json().await?;
        offers.push(regions);
    }
    let names = |offer: &Value, region: &str| -> Vec<String> {
        let regions = offer["regions"].as_array().into_iter().flatten();
        let here = regions.filter(|it| it["id"] == region);
        let projects = here.flat_map(|it| it["projects"].as_array().into_iter().flatten());
        projects
            .filter_map(|it| Some(it["name"].as_str()?.to_owned()))
            .collect()
    };
    // Not for the project itself in its own region, and only for projects with a role that copies need.
    ensure!(names(&offers[0], "ot1") == ["proj-ot2"], "{}", offers[0]);
    ensure!(
        names(&offers[0], "ot2") == ["proj-ot1", "proj-ot2"],
        "{}",
        offers[0]
    );
    ensure!(names(&offers[1], "ot2") == ["proj-ot2"], "{}", offers[1]);
    let projects = turn
        .here()
        .gateway(Method::GET, "/dashboard/api/projects")
        .send()
        .await?;
    let projects: Value = projects.error_for_status()?.json().await?;
    let listed = projects["projects"].as_array().map(Vec::len);
    ensure!(listed == Some(2), "{projects}");
    let workload = turn
        .here()
        .gateway(Method::GET, "/dashboard/api/workload")
        .send()
        .await?;
    ensure!(workload.status() == 403, "{}", workload.status());
    turn.here().delete_image(&image.id).await?;
    turn.leave(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_what_they_load_are_guarded_and_kept_by_their_tags() -> anyhow::Result<()> {
    let turn = turn().await?;
    let client = http_client()?;
    let get = async |path: &str, tag: Option<&str>| -> anyhow::Result<Response> {
        let mut request = request(&turn, &client, Method::GET, path);
        if let Some(tag) = tag {
            request = request.header("if-none-match", tag);
        }
        Ok(request.send().await?)
    };
    for (path, media_type) in [
        ("/dashboard", "text/html"),
        ("/dashboard/", "text/html"),
        ("/docs", "text/html"),
        ("/assets/dashboard.js", "text/javascript"),
        ("/assets/base.css", "text/css"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(path, None).await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.status());
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        ensure!(header("content-type").starts_with(media_type), "{path}");
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'none'",
        ] {
            ensure!(policy.contains(rule), "{path}: {policy}");
        }
        ensure!(!policy.contains("unsafe"), "{path}: {policy}");
        ensure!(header("x-content-type-options") == "nosniff", "{path}");
        ensure!(header("referrer-policy") == "no-referrer", "{path}");
        let again = get(path, Some(&header("etag"))).await?;
        ensure!(again.status() == 304, "{path}: {}", again.status());
        ensure!(again.bytes().await?.is_empty(), "{path}");
    }
    ensure!(get("/assets/nothing.js", None).await?.status() == 404);
    turn.leave(&[]).await
}
