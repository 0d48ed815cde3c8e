//! Faults of the cloud around a copy: services that are down, rights and quotas that are missing, tokens
//! that end too early. Who asks for a copy is told what is wrong; an accepted copy comes through or
//! ends with a reason.
//!
//! The tests break their test beds, so they take turns on two.

mod outages;
mod quota;
mod rights;
mod tokens;

use std::time::Duration;

use scenarios::{Hold, Stage};
use testbed::{Cloud, GlanceOptions, MadeImage, NewImage, Region, TestBed};

/// Short enough to wait for its end while a copy is under way.
const TOKEN_EXPIRATION: Duration = Duration::from_secs(40);

/// For so long a copy may stand still, which is longer than a token lives.
const STANDSTILL: Duration = Duration::from_secs(180);
const CONFIG: &str = "[copy]\nidle_timeout = '3m'\n";

/// In Glance's own notation; the project's images in `ot2` together may not be larger.
const QUOTA: &str = "200MB";

static STAGE: Stage<2> = Stage::new();

/// A test's turn on a test bed of this binary, with tokens that live as long as they are needed.
struct Turn {
    bed: &'static TestBed,
    turn: scenarios::Turn,
}

impl Turn {
    /// Waits for the turn.
    async fn take() -> anyhow::Result<Self> {
        let turn = STAGE.turn(start).await?;
        Ok(Self {
            bed: turn.bed,
            turn,
        })
    }

    /// Ends the turn: nothing may be left of it.
    async fn end(self) -> anyhow::Result<()> {
        self.turn.leave(&[]).await
    }

    /// Alice in the source region, with a new token.
    async fn alice(&self) -> anyhow::Result<Cloud> {
        self.bed.cloud("alice", Region::Ot1).await
    }

    /// Carol, to whose project the images go, with a new token.
    async fn carol(&self) -> anyhow::Result<Cloud> {
        self.bed.cloud("carol", Region::Ot2).await
    }

    /// The project that the images go to.
    fn tenant(&self) -> anyhow::Result<String> {
        self.bed.project_id(Region::Ot2, "proj-ot2")
    }

    /// A source image of alice's.
    async fn image(&self, name: &str, mebibytes: u64) -> anyhow::Result<MadeImage> {
        let image = NewImage::named(name, mebibytes);
        self.alice().await?.make_image(&image).await
    }
}

async fn start() -> anyhow::Result<TestBed> {
    let patient = GlanceOptions {
        socket_timeout: STANDSTILL,
        ..GlanceOptions::default()
    };
    let limited = GlanceOptions {
        user_storage_quota: QUOTA.to_owned(),
        ..patient.clone()
    };
    TestBed::builder()
        .token_expiration(TOKEN_EXPIRATION)
        .glance(Region::Ot1, patient)
        .glance(Region::Ot2, limited)
        .faulty_link(Hold::LINK)
        .config(CONFIG)
        .start()
        .await
}
