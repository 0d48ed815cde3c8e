//! Each verb: what it asks, and what is printed of the answer. Searches for orphans are `orphans.rs`'s.

use proto::v1;
use proto::v1::admin_service_client::AdminServiceClient;
use serde_json::json;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::arguments::{Arguments, RegionVerb, Verb};
use super::connection::{connect, operator};
use super::document::{self, time};
use super::printout::Printout;
use super::table::Table;
use super::{Failure, orphans};

/// A scheduler, and who asks it.
pub(super) struct Session {
    pub(super) rpc: AdminServiceClient<Channel>,
    pub(super) operator: String,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(arguments: &Arguments) -> Result<Printout, Failure> {
    if let Verb::Orphans(wanted) = &arguments.verb {
        orphans::check(wanted)?;
    }
    let mut session = Session {
        rpc: connect(arguments).await?,
        operator: operator(arguments),
    };
    let session = &mut session;
    match &arguments.verb {
        Verb::Jobs { .. } => jobs(session, &arguments.verb).await,
        Verb::Show { job } => show(session, job.to_string()).await,
        Verb::Cancel { job } => cancel(session, job.to_string()).await,
        Verb::Retry { job } => retry(session, job.to_string()).await,
        Verb::Leases { limit } => leases(session, *limit).await,
        Verb::Leftovers { limit } => leftovers(session, *limit).await,
        Verb::Orphans(wanted) => orphans::run(session, wanted).await,
        Verb::Limits => limits(session).await,
        Verb::Region(RegionVerb::Drain { region }) => drain(session, region.clone()).await,
        Verb::Region(RegionVerb::Undrain { region }) => undrain(session, region.clone()).await,
    }
}

/// What a status says to people.
pub(super) fn refused(status: Status) -> Failure {
    let words = match status.code() {
        Code::Unavailable => format!("the scheduler cannot do it now: {}", status.message()),
        Code::Unimplemented => "the scheduler is too old for this".to_owned(),
        _ => status.message().to_owned(),
    };
    Failure::Refused(anyhow::anyhow!(words))
}

/// A part of an answer that every scheduler sends.
pub(super) fn present<T>(part: Option<T>) -> Result<T, Failure> {
    part.ok_or_else(|| Failure::Refused(anyhow::anyhow!("the scheduler's answer is empty")))
}

async fn jobs(session: &mut Session, verb: &Verb) -> Result<Printout, Failure> {
    let Verb::Jobs {
        statuses,
        tenant,
        region,
        errands,
        limit,
        after,
    } = verb
    else {
        return Err(Failure::Usage("no such verb".to_owned()));
    };
    let statuses = statuses.iter().map(|it| v1::JobStatus::from(*it).into());
    let request = v1::AdminListJobsRequest {
        operator: session.operator.clone(),
        statuses: statuses.collect(),
        tenant_id: tenant.clone(),
        region_id: region.clone(),
        errands: *errands,
        limit: *limit,
        marker: after.map(|job| job.to_string()),
    };
    let answer = session.rpc.list_jobs(request).await.map_err(refused)?;
    let v1::AdminListJobsResponse { jobs, next } = answer.into_inner();
    let mut table = Table::of(&[
        "JOB", "TASK", "STATUS", "%", "ATTEMPT", "FROM", "TO", "CREATED", "ERROR",
    ]);
    for job in &jobs {
        table.row(row(job));
    }
    let mut text = table.render();
    if let Some(next) = &next {
        text.push_str(&format!("more: --after {next}\n"));
    }
    let json = json!({"jobs": document::jobs(&jobs), "next": next});
    Ok(Printout::new(text, json))
}

fn row(job: &v1::AdminJob) -> [String; 9] {
    let place = |region: &str, tenant: Option<&String>| match tenant {
        Some(tenant) => format!("{region}/{tenant}"),
        None => region.to_owned(),
    };
    let spec = job.spec.as_ref();
    [
        job.job_id.clone(),
        job.task.clone(),
        document::status(job.status()).to_owned(),
        job.copy_progress.to_string(),
        job.attempt.to_string(),
        place(
            &job.source_region_id,
            spec.map(|spec| &spec.source_tenant_id),
        ),
        place(&job.region_id, spec.map(|spec| &spec.destination_tenant_id)),
        time(job.created_at_ms),
        job.error
            .as_ref()
            .map(|error| error.code.clone())
            .unwrap_or_default(),
    ]
}

async fn show(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminShowJobRequest {
        operator: session.operator.clone(),
        job_id,
    };
    let answer = session.rpc.show_job(request).await.map_err(refused)?;
    let v1::AdminShowJobResponse { job, retried_as } = answer.into_inner();
    let job = present(job)?;
    let mut table = details(&job);
    if let Some(retry) = &retried_as {
        table.row(["retried as".to_owned(), retry.clone()]);
    }
    let mut json = document::job(&job);
    json["retried_as"] = json!(retried_as);
    Ok(Printout::new(table.render(), json))
}

/// Everything of a job that is set, a line each.
fn details(job: &v1::AdminJob) -> Table {
    let mut table = Table::default();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row([name.to_owned(), value]);
        }
    };
    line("job", Some(job.job_id.clone()));
    line("task", Some(job.task.clone()));
    line("status", Some(document::status(job.status()).to_owned()));
    if let Some(error) = &job.error {
        line("error", Some(format!("{}: {}", error.code, error.message)));
    }
    if let Some(spec) = &job.spec {
        let size = spec.source_digest.as_ref().map_or(0, |it| it.size_bytes);
        line(
            "image",
            Some(format!(
                "{} {:?}, {size} bytes",
                spec.source_image_id, spec.source_image_name
            )),
        );
        line(
            "from",
            Some(format!(
                "{}, project {}",
                spec.source_region_id, spec.source_tenant_id
            )),
        );
        line(
            "to",
            Some(format!(
                "{}, project {}",
                spec.destination_region_id, spec.destination_tenant_id
            )),
        );
        line("requested by", Some(spec.requested_by.clone()));
        line("retry of", spec.retry_of.clone());
    } else {
        line("region", Some(job.region_id.clone()));
    }
    line("plan", job.plan_id.clone());
    line(
        "progress",
        Some(format!(
            "{} %, {} bytes in this attempt",
            job.copy_progress, job.bytes_copied
        )),
    );
    line(
        "attempts",
        Some(format!(
            "{}, {} failed, {} leases lost",
            job.attempt, job.failures, job.lost_leases
        )),
    );
    line("new image", job.image_id.clone());
    for leftover in &job.leftovers {
        line("not settled", Some(leftover.clone()));
    }
    if job.clean_up_failures > 0 {
        line("clean-ups failed", Some(job.clean_up_failures.to_string()));
    }
    line("lease", job.lease.as_ref().map(lease));
    line("waits until", job.waiting_until_ms.map(time));
    line("given up at", job.deadline_ms.map(time));
    line("created", Some(time(job.created_at_ms)));
    line("started", job.started_at_ms.map(time));
    line("updated", Some(time(job.updated_at_ms)));
    line("finished", job.finished_at_ms.map(time));
    for act in &job.acts {
        let words = format!("{} by {} at {}", act.verb, act.operator, time(act.at_ms));
        line("operator", Some(words));
    }
    if let Some(found) = &job.orphans_found {
        line("orphans found", Some(found.orphans.len().to_string()));
    }
    let removed = job.removed.as_ref().map(document::fate);
    line("removal", removed.map(|fate| fate.to_string()));
    table
}

fn lease(lease: &v1::AdminLease) -> String {
    let until = if lease.is_lapsed {
        "lapsed at"
    } else {
        "until"
    };
    let stage = lease.stage.as_deref().unwrap_or("not heard of yet");
    let expires = time(lease.expires_at_ms);
    format!(
        "{} by {}, {stage}, {until} {expires}",
        lease.kind, lease.worker_id
    )
}

async fn cancel(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminCancelJobRequest {
        operator: session.operator.clone(),
        job_id,
    };
    let answer = session.rpc.cancel_job(request).await.map_err(refused)?;
    let job = present(answer.into_inner().job)?;
    let status = document::status(job.status());
    let text = format!("job {} is {status}", job.job_id);
    Ok(Printout::new(text, document::job(&job)))
}

async fn retry(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminRetryJobRequest {
        operator: session.operator.clone(),
        job_id: job_id.clone(),
    };
    let answer = session.rpc.retry_job(request).await.map_err(refused)?;
    let v1::AdminRetryJobResponse { job, stood_already } = answer.into_inner();
    let job = present(job)?;
    let status = document::status(job.status());
    let text = if stood_already {
        let id = &job.job_id;
        format!("job {job_id} was retried before, as job {id}, which is {status}")
    } else {
        format!("job {} makes the copy of job {job_id} again", job.job_id)
    };
    Ok(Printout::new(
        text,
        json!({"job": document::job(&job), "stood_already": stood_already}),
    ))
}

async fn leases(session: &mut Session, limit: u32) -> Result<Printout, Failure> {
    let request = v1::AdminListLeasesRequest {
        operator: session.operator.clone(),
        limit,
    };
    let answer = session.rpc.list_leases(request).await.map_err(refused)?;
    let v1::AdminListLeasesResponse { jobs, has_more } = answer.into_inner();
    let mut table = Table::of(&[
        "JOB", "ATTEMPT", "KIND", "REGION", "WORKER", "STAGE", "UNTIL",
    ]);
    for job in &jobs {
        let lease = job.lease.clone().unwrap_or_default();
        table.row([
            job.job_id.clone(),
            job.attempt.to_string(),
            lease.kind,
            job.region_id.clone(),
            lease.worker_id,
            lease.stage.unwrap_or_default(),
            time(lease.expires_at_ms),
        ]);
    }
    let json = json!({"jobs": document::jobs(&jobs), "has_more": has_more});
    Ok(Printout::new(cut_off(&table, has_more), json))
}

async fn leftovers(session: &mut Session, limit: u32) -> Result<Printout, Failure> {
    let request = v1::AdminListLeftoversRequest {
        operator: session.operator.clone(),
        limit,
    };
    let answer = session.rpc.list_leftovers(request).await.map_err(refused)?;
    let v1::AdminListLeftoversResponse { jobs, has_more } = answer.into_inner();
    let mut table = Table::of(&[
        "JOB", "STATUS", "REGION", "IMAGES", "SINCE", "FAILED", "NEXT TRY",
    ]);
    let mut documents = Vec::new();
    for left in jobs {
        let job = present(left.job)?;
        table.row([
            job.job_id.clone(),
            document::status(job.status()).to_owned(),
            job.region_id.clone(),
            job.leftovers.len().to_string(),
            time(left.since_ms),
            job.clean_up_failures.to_string(),
            job.waiting_until_ms.map(time).unwrap_or_default(),
        ]);
        let mut document = document::job(&job);
        document["since"] = json!(time(left.since_ms));
        documents.push(document);
    }
    let json = json!({"jobs": documents, "has_more": has_more});
    Ok(Printout::new(cut_off(&table, has_more), json))
}

fn cut_off(table: &Table, has_more: bool) -> String {
    let mut text = table.render();
    if has_more {
        text.push_str("there are more: see --limit\n");
    }
    text
}

async fn limits(session: &mut Session) -> Result<Printout, Failure> {
    let request = v1::AdminShowLimitsRequest {
        operator: session.operator.clone(),
    };
    let answer = session.rpc.show_limits(request).await.map_err(refused)?;
    let usage = answer.into_inner();
    let mut limits = Table::of(&["LIMIT", "AT MOST"]);
    for (name, most) in [
        ("copies of a tenant into a region", usage.copies_per_tenant),
        ("copies out of a region", usage.copies_per_source),
        ("copies into a region", usage.copies_per_destination),
        (
            "jobs of a tenant that are not finished",
            usage.queued_per_tenant,
        ),
        ("plans of a tenant", usage.plans_per_tenant),
    ] {
        limits.row([name.to_owned(), most.to_string()]);
    }
    let mut regions = Table::of(&[
        "REGION",
        "RUNNING INTO",
        "RUNNING OUT OF",
        "ERRANDS WAITING",
        "LEFTOVERS",
        "DRAINED",
    ]);
    for region in &usage.regions {
        let drain = region.drain.as_ref();
        let since = |drain: &v1::RegionDrain| {
            format!("since {} by {}", time(drain.since_ms), drain.operator)
        };
        regions.row([
            region.region_id.clone(),
            region.running_into.to_string(),
            region.running_out_of.to_string(),
            region.errands_waiting.to_string(),
            region.leftovers.to_string(),
            drain.map_or_else(|| "no".to_owned(), since),
        ]);
    }
    let mut tenants = Table::of(&["TENANT", "FROM", "TO", "RUNNING", "WAITING", "OPEN"]);
    for tenant in &usage.tenants {
        tenants.row([
            tenant.tenant_id.clone(),
            tenant.source_region_id.clone(),
            tenant.destination_region_id.clone(),
            tenant.running.to_string(),
            tenant.waiting.to_string(),
            tenant.open.to_string(),
        ]);
    }
    let tables = [limits, regions, tenants].map(|table| table.render());
    Ok(Printout::new(tables.join("\n"), document::limits(&usage)))
}

async fn drain(session: &mut Session, region_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminDrainRegionRequest {
        operator: session.operator.clone(),
        region_id: region_id.clone(),
    };
    let answer = session.rpc.drain_region(request).await.map_err(refused)?;
    let answer = answer.into_inner();
    let drain = present(answer.drain)?;
    let since = if answer.was_drained {
        let since = time(drain.since_ms);
        format!("was drained already, since {since} by {}", drain.operator)
    } else {
        "is drained: nothing of it is granted until it is undrained".to_owned()
    };
    let running = answer.running;
    let text = format!("region {region_id} {since}; copies into it that still run: {running}");
    Ok(Printout::new(
        text,
        json!({
            "drain": document::drain(&drain),
            "was_drained": answer.was_drained,
            "running": answer.running,
        }),
    ))
}

async fn undrain(session: &mut Session, region_id: String) -> Result<Printout, Failure> {
    let request = v1::AdminUndrainRegionRequest {
        operator: session.operator.clone(),
        region_id: region_id.clone(),
    };
    let answer = session.rpc.undrain_region(request).await.map_err(refused)?;
    let was_drained = answer.into_inner().was_drained;
    let text = if was_drained {
        format!("region {region_id} is drained no longer: its units are granted again")
    } else {
        format!("region {region_id} was not drained")
    };
    Ok(Printout::new(
        text,
        json!({"region_id": region_id, "was_drained": was_drained}),
    ))
}
