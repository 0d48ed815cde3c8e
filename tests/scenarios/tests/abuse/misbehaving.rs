//! Glances that misbehave under a worker's hands, each in its own way, all at once.

use anyhow::{Context, ensure};
use testbed::MadeImage;

use crate::front::{Fault, Front, Operation, Page, When};
use crate::stage::{ATTEMPTS, Fronts, WORKER, expect_copied, expect_error, turn};

/// Failed attempts, as the worker counts them.
const FAILED: &str =
    "image_replicator_worker_units_ended_total{kind=\"copy\",outcome=\"failed_transiently\"}";

/// One misbehaviour and what comes of it.
struct Case {
    name: &'static str,
    /// MiB: small, unless something has to take its time.
    size: u64,
    at_source: bool,
    /// Whatever is done, when none.
    operation: Option<Operation>,
    fault: Fault,
    /// The job's error; none when the copy comes through all the same, at its first attempt.
    error: Option<(&'static str, &'static [&'static str])>,
}

/// A kibibyte a second.
const CRAWL: u32 = 1024;

fn cases(elsewhere: &str) -> Vec<Case> {
    use Operation::{Create, Download, Show, Upload};
    let of = |name, at_source, operation, fault, error| Case {
        name,
        size: 1,
        at_source,
        operation,
        fault,
        error,
    };
    let source = |name, operation, fault, error| of(name, true, operation, fault, error);
    let destination = |name, operation, fault, error| of(name, false, operation, fault, error);
    let (there, here) = ("source_unavailable", "destination_unavailable");
    let page = Fault::Answer;
    vec![
        source(
            "a source of 1 KiB/s",
            Some(Download),
            Fault::Trickle(CRAWL),
            Some(("too_slow", &["bytes a second", "at least 65536"])),
        ),
        Case {
            size: 32,
            ..destination(
                "a destination of 1 KiB/s",
                Some(Upload),
                Fault::Trickle(CRAWL),
                // A piece of the image takes it longer than the idle timeout.
                Some((here, &["ot2", "no answer in time", "stood still"])),
            )
        },
        source(
            "a source that never answers",
            Some(Download),
            Fault::Silence,
            // The destination drops the upload that it gets nothing of, which is not its fault.
            Some((there, &["ot1", "delivered nothing for", "ot2"])),
        ),
        Case {
            size: 32,
            ..destination(
                "a destination that never answers",
                Some(Upload),
                Fault::Silence,
                Some((here, &["ot2", "no answer in time", "stood still"])),
            )
        },
        source(
            "a source of nothing but 500",
            None,
            page(Page::server_error()),
            Some((there, &["ot1", "500", "something is very wrong"])),
        ),
        destination(
            "a destination of nothing but 500",
            None,
            page(Page::server_error()),
            Some((here, &["ot2", "500", "something is very wrong"])),
        ),
        source(
            "fewer bytes than the image has",
            Some(Download),
            Fault::Resized(-4096),
            Some((
                there,
                &["ot1", "delivered only 1044480 of", "1048576 bytes"],
            )),
        ),
        source(
            "more bytes than the image has",
            Some(Download),
            Fault::Resized(4096),
            Some((there, &["ot1", "delivered more than", "1048576 bytes"])),
        ),
        source(
            "answers that break off",
            Some(Download),
            Fault::BreakAfter(300_000),
            None,
        ),
        source(
            "a wrong bit",
            Some(Download),
            Fault::WrongByte(777_777),
            Some((
                "verification_failed",
                &["ot2", "not the same as its source"],
            )),
        ),
        source(
            "a web page for the source's image",
            Some(Show),
            page(Page::html()),
            Some((there, &["ot1", "unexpected answer"])),
        ),
        source(
            "a web page for the source's bytes",
            Some(Download),
            page(Page::html()),
            Some((there, &["ot1", "delivered only"])),
        ),
        destination(
            "a web page for a created image",
            Some(Create),
            page(Page::html()),
            Some((here, &["ot2"])),
        ),
        source(
            "a source that sends elsewhere",
            Some(Download),
            page(Page::redirect("302 Found", elsewhere)),
            Some((
                there,
                &["ot1", "redirected with status 302, which is not followed"],
            )),
        ),
        destination(
            "a destination that sends elsewhere",
            Some(Upload),
            page(Page::redirect("307 Temporary Redirect", elsewhere)),
            Some((
                here,
                &["ot2", "redirected with status 307, which is not followed"],
            )),
        ),
    ]
}

impl Case {
    fn front<'a>(&self, fronts: &'a Fronts) -> &'a Front {
        if self.at_source {
            &fronts.source
        } else {
            &fronts.destination
        }
    }

    fn when(&self, image: &MadeImage) -> When {
        let fault = self.fault.clone();
        match self.operation {
            Some(operation) => When::doing(operation, &image.id, fault),
            None => When::anything_is_done(&image.id, fault),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_glance_does_the_job_ends_with_its_cause_and_the_next_one_is_copied()
-> anyhow::Result<()> {
    let (turn, fronts) = turn().await?;
    // The host that nobody configured. Nobody may come, least of all with a token.
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0")?;
    elsewhere.set_nonblocking(true)?;
    let cases = cases(&format!("http://{}/steal", elsewhere.local_addr()?));
    let worker = turn.bed.pid(WORKER).await?;
    let failed_before = turn.metric(WORKER, FAILED).await?;
    let mut jobs = Vec::new();
    for case in &cases {
        let image = turn.image(case.name, case.size).await?;
        case.front(fronts).plan(case.when(&image));
        let job = turn.start(&image).await?;
        jobs.push((case, image, job));
    }

    let mut replicas = Vec::new();
    for (case, image, job) in &jobs {
        let ended = async {
            match case.error {
                Some((code, words)) => {
                    let document = expect_error(&turn, job, code, words).await?;
                    ensure!(document["attempt"] == ATTEMPTS, "{document}");
                    let said = ["the attempt failed", job.as_str(), code];
                    turn.until_logged(WORKER, &said).await?;
                }
                None => {
                    let document = turn.copies().until_replicated(job).await?;
                    ensure!(document["attempt"] == 1, "{document}");
                    replicas.push(turn.replicas().expect_whole(&document, image).await?);
                }
            }
            ensure!(case.front(fronts).met(&image.id) > 0, "it never happened");
            anyhow::Ok(())
        };
        ended.await.with_context(|| case.name)?;
        case.front(fronts).forgive(&image.id);
    }
    let stolen = elsewhere.accept();
    ensure!(
        stolen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock),
        "a redirect was followed"
    );
    let failed = turn.metric(WORKER, FAILED).await? - failed_before;
    let expected = cases.iter().filter(|case| case.error.is_some()).count();
    ensure!(
        failed >= f64::from(u32::try_from(expected)?) * f64::from(u32::try_from(ATTEMPTS)?),
        "{failed} failed attempts are counted"
    );

    for (case, image, _) in &jobs {
        let replica = expect_copied(&turn, image).await;
        replicas.push(replica.with_context(|| case.name)?);
    }
    ensure!(turn.bed.pid(WORKER).await? == worker, "it was started anew");
    turn.leave(&replicas).await
}
