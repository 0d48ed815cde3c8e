//! The trees of spans: from a request, or a plan's fire, over messages and attempts to the requests to Glance.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use scenarios::{Collector, JOBS, Span};
use testbed::eventually;

use crate::run::{CALLERS_SPAN, Fired, TRACE_ID};

/// Services export every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every span of a kind tells (OpenTelemetry's semantic conventions).
const TELLS: [(&str, SpanKind, &[&str]); 5] = [
    (
        "http.request.method",
        SpanKind::Server,
        &[
            "http.route",
            "url.path",
            "url.scheme",
            "http.response.status_code",
        ],
    ),
    (
        "http.request.method",
        SpanKind::Client,
        &["url.full", "server.address", "server.port"],
    ),
    (
        "messaging.system",
        SpanKind::Producer,
        &[
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.destination.name",
            "messaging.message.id",
        ],
    ),
    (
        "messaging.system",
        SpanKind::Consumer,
        &[
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.destination.name",
            "messaging.message.id",
        ],
    ),
    (
        "rpc.system",
        SpanKind::Server,
        &["rpc.service", "rpc.method", "rpc.grpc.status_code"],
    ),
];

/// Every span of one trace, by its id.
#[derive(Debug)]
struct Trace(BTreeMap<String, Span>);

/// The tree of a request whose caller has a trace, as the steps that every copy has.
pub(crate) async fn of_a_copy(collector: &Collector, job: &str) -> anyhow::Result<()> {
    when_exported(|| {
        let attempts = attempts(collector, job);
        let [attempt] = &attempts[..] else {
            anyhow::bail!("not one attempt: {attempts:#?}");
        };
        ensure!(attempt.trace_id == TRACE_ID, "not the caller's trace");
        let trace = Trace::of(collector, TRACE_ID);
        let root = trace.is_whole(CALLERS_SPAN)?;
        is(
            root,
            "api-gateway",
            SpanKind::Server,
            &format!("POST {JOBS}"),
        )?;
        trace.leads_to(root, "api-gateway", SpanKind::Client, "GET /v2/images/{id}")?;
        let create = "imagereplicator.v1.JobService/CreateJob";
        let create_call = trace.leads_to(root, "api-gateway", SpanKind::Client, create)?;
        trace.leads_to(create_call, "job-scheduler", SpanKind::Server, create)?;
        let path = trace.ancestors(attempt);
        passes(&path, "copy-worker", SpanKind::Consumer, "process copy.ot2")?;
        passes(&path, "api-gateway", SpanKind::Producer, "publish copy.ot2")?;
        let claim = "imagereplicator.v1.WorkService/Claim";
        let process = path.iter().find(|span| span.kind == SpanKind::Consumer);
        let claim_call = trace.leads_to(
            process.context("no consumer")?,
            "copy-worker",
            SpanKind::Client,
            claim,
        )?;
        trace.leads_to(claim_call, "job-scheduler", SpanKind::Server, claim)?;
        for name in [
            "GET /v2/images/{id}",
            "POST /v2/images",
            "GET /v2/images/{id}/file",
            "PUT /v2/images/{id}/file",
            "PATCH /v2/images/{id}",
        ] {
            trace.leads_to(attempt, "copy-worker", SpanKind::Client, name)?;
        }
        let finish = "imagereplicator.v1.WorkService/Finish";
        let finish = trace.leads_to(attempt, "copy-worker", SpanKind::Client, finish)?;
        trace.leads_to(finish, "job-scheduler", SpanKind::Server, &finish.name)?;
        trace.0.values().try_for_each(tells_what_it_should)
    })
    .await
}

/// Both attempts are in the trace of the request; the second was brought by a message of the scheduler's.
pub(crate) async fn of_a_retried_copy(collector: &Collector, job: &str) -> anyhow::Result<()> {
    when_exported(|| {
        let mut attempts = attempts(collector, job);
        attempts.sort_by_key(|attempt| attempt.attributes["job.attempt"].clone());
        ensure!(attempts.len() > 1, "one attempt only: {attempts:#?}");
        let (first, last) = (&attempts[0], &attempts[attempts.len() - 1]);
        ensure!(first.is_error && !last.is_error, "{attempts:#?}");
        ensure!(
            first.attributes["error.type"] == "source_unavailable",
            "{first:#?}"
        );
        let trace = Trace::of(collector, &first.trace_id);
        let root = trace.is_whole("")?;
        is(
            root,
            "api-gateway",
            SpanKind::Server,
            &format!("POST {JOBS}"),
        )?;
        for attempt in &attempts {
            ensure!(attempt.trace_id == first.trace_id, "{attempt:#?}");
            trace.leads_to(
                attempt,
                "copy-worker",
                SpanKind::Client,
                "GET /v2/images/{id}/file",
            )?;
        }
        let path = trace.ancestors(last);
        passes(&path, "copy-worker", SpanKind::Consumer, "process copy.ot2")?;
        passes(
            &path,
            "job-scheduler",
            SpanKind::Producer,
            "publish copy.ot2",
        )
    })
    .await
}

/// The errand that finds the fire's images, and the copies that are made of them, are in one trace.
pub(crate) async fn of_a_plan(collector: &Collector, fired: &Fired) -> anyhow::Result<()> {
    when_exported(|| {
        let spans = collector.spans();
        let plan = fired.plan.as_str();
        let keeping = spans.iter().find(|span| {
            let id = span.attributes.get("plan.id");
            span.name == "plan" && id.is_some_and(|id| id.replace('-', "") == plan)
        });
        let trace = Trace::of(collector, &keeping.context("no span of the plan")?.trace_id);
        let root = trace.is_whole("")?;
        is(root, "job-scheduler", SpanKind::Internal, "plan")?;
        let resolves = |span: &&Span| {
            let kind = span.attributes.get("unit.kind");
            span.name == "attempt" && kind.is_some_and(|kind| kind == "resolve")
        };
        let resolve = trace.0.values().find(resolves).context("no errand")?;
        trace.leads_to(
            resolve,
            "copy-worker",
            SpanKind::Client,
            "GET /v2/images/{id}",
        )?;
        for job in &fired.jobs {
            let attempts = attempts(collector, job);
            let attempt = attempts.first().context("no attempt")?;
            ensure!(attempt.trace_id == root.trace_id, "{attempt:#?}");
            // By a message, or by the claim that a worker makes when it has done the errand.
            let top = trace.ancestors(attempt).last().map(|span| &span.id);
            ensure!(top == Some(&root.id), "{attempt:#?}");
        }
        Ok(())
    })
    .await
}

async fn when_exported(check: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    eventually(PATIENCE, "the trace", || async { check() }).await
}

fn attempts(collector: &Collector, job: &str) -> Vec<Span> {
    let is_of_job = |span: &Span| span.attributes.get("job.id").is_some_and(|id| id == job);
    let spans = collector.spans().into_iter();
    spans
        .filter(|span| span.name == "attempt" && is_of_job(span))
        .collect()
}

impl Trace {
    fn of(collector: &Collector, trace_id: &str) -> Self {
        let spans = collector.spans().into_iter();
        let spans = spans.filter(|span| span.trace_id == trace_id);
        Self(spans.map(|span| (span.id.clone(), span)).collect())
    }

    /// The root, which is below `above`; everything else is below it.
    fn is_whole(&self, above: &str) -> anyhow::Result<&Span> {
        let mut roots = self.0.values().filter(|span| span.parent_id == above);
        let root = roots.next().context("no root")?;
        for span in self.0.values() {
            let path = self.ancestors(span);
            let top = path
                .last()
                .map_or(span.id.as_str(), |span| span.id.as_str());
            ensure!(top == root.id, "not below the root: {span:#?}");
        }
        Ok(root)
    }

    /// From the parent of a span up to the root.
    fn ancestors(&self, span: &Span) -> Vec<&Span> {
        let parent = self.0.get(&span.parent_id);
        std::iter::successors(parent, |span| self.0.get(&span.parent_id)).collect()
    }

    /// A descendant of a span.
    fn leads_to(
        &self,
        from: &Span,
        service: &str,
        kind: SpanKind,
        name: &str,
    ) -> anyhow::Result<&Span> {
        let below = |span: &&Span| self.ancestors(span).iter().any(|it| it.id == from.id);
        let mut candidates = self.0.values().filter(below);
        let found = candidates.find(|span| is(span, service, kind, name).is_ok());
        found.with_context(|| format!("no {kind:?} `{name}` of {service} below {from:#?}"))
    }
}

fn passes(path: &[&Span], service: &str, kind: SpanKind, name: &str) -> anyhow::Result<()> {
    let passes = path
        .iter()
        .any(|span| is(span, service, kind, name).is_ok());
    ensure!(
        passes,
        "not through {kind:?} `{name}` of {service}: {path:#?}"
    );
    Ok(())
}

fn is(span: &Span, service: &str, kind: SpanKind, name: &str) -> anyhow::Result<()> {
    let is = span.service == service && span.kind == kind && span.name == name;
    ensure!(is, "not {kind:?} `{name}` of {service}: {span:#?}");
    Ok(())
}

fn tells_what_it_should(span: &Span) -> anyhow::Result<()> {
    let mut is_known = span.kind == SpanKind::Internal;
    for (mark, kind, attributes) in TELLS {
        if span.kind == kind && span.attributes.contains_key(mark) {
            is_known = true;
            for name in attributes {
                let has = span.attributes.contains_key(*name);
                ensure!(has, "without {name}: {span:#?}");
            }
        }
    }
    is_known |= span.attributes.contains_key("rpc.system");
    ensure!(is_known, "of no known kind: {span:#?}");
    Ok(())
}
