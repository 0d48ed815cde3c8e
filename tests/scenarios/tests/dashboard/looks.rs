//! What the dashboard looks like while copies run, on a screen and on a phone, in light and in dark; and that nothing keeps
//! anybody from using it.

use anyhow::ensure;
use scenarios::{Hold, is_final};
use testbed::Behaviour;

use crate::page::Scheme;
use crate::stage::{card, dashboard_of, open, text, turn};

/// How fast a copy shall be: slow enough to be looked at.
const BYTES_PER_SECOND: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn it_fits_every_screen_and_is_accessible() -> anyhow::Result<()> {
    let turn = turn().await?;
    let names = [
        "ubuntu-24.04-lts",
        "windows-server-2025",
        "web-frontend-golden",
    ];
    let mut images = Vec::new();
    for name in names {
        images.push(turn.image(name, Hold::MEBIBYTES).await?);
    }
    let entrance = open(&turn, "/dashboard").await?;
    entrance.until_text("#entrance-title", "Sign in").await?;
    entrance.look(Scheme::Light, 1180).await?;
    entrance.expect_accessible().await?;
    entrance.keep("sign-in").await?;

    let browser = dashboard_of(&turn, "alice", "proj-ot1").await?;
    browser.look(Scheme::Light, 1180).await?;
    let mut jobs = vec![turn.start(&images[0]).await?];
    let done = turn.copies().until_replicated(&jobs[0]).await?;
    let mut replicas = vec![text(&done, "destination_image_id")?];
    let way = turn.bed.link(Hold::LINK)?;
    way.set(Behaviour::Slow {
        bytes_per_second: BYTES_PER_SECOND,
    });
    for image in &images[1..] {
        jobs.push(turn.start(image).await?);
    }
    for job in &jobs[1..] {
        browser.until_text(&card(job), "left").await?;
        let far = format!(
            "document.querySelector('{} progress').value > 30",
            card(job)
        );
        browser.until("the copy is on its way", &far).await?;
    }
    browser.keep("light").await?;
    browser.look(Scheme::Dark, 1180).await?;
    browser.keep("dark").await?;
    browser.look(Scheme::Light, 390).await?;
    browser.expect_it_fits().await?;
    browser.keep("phone").await?;
    browser.look(Scheme::Dark, 390).await?;
    browser.keep("phone-dark").await?;
    // What is looked at now need not move.
    let hold = Hold::on(turn.bed)?;
    browser.expect_accessible().await?;
    browser.look(Scheme::Light, 1180).await?;
    browser.click("#new-copy").await?;
    browser.choose("#image", names[0]).await?;
    browser.expect_accessible().await?;
    browser.keep("copy-form").await?;
    browser.click("#copy-close").await?;
    browser
        .click(&format!("#history [data-details='{}']", jobs[0]))
        .await?;
    browser.until_text("#details", &replicas[0]).await?;
    browser.expect_accessible().await?;
    browser.keep("details").await?;
    browser.click("#details-close").await?;

    hold.release();
    for job in &jobs[1..] {
        let document = turn.copies().until_replicated(job).await?;
        ensure!(is_final(&document), "{document}");
        replicas.push(text(&document, "destination_image_id")?);
    }
    browser.expect_good_conduct(&turn.here().gateway_url)?;
    for image in &images {
        turn.here().delete_image(&image.id).await?;
    }
    turn.leave(&replicas).await
}
