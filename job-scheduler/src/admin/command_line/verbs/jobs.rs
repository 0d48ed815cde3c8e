//! What is asked about jobs, and done to one.

use proto::v1;
use serde_json::json;

use super::{Session, present, refused};
use crate::admin::command_line::Failure;
use crate::admin::command_line::arguments::Verb;
use crate::admin::command_line::document::{self, time};
use crate::admin::command_line::printout::Printout;
use crate::admin::command_line::table::Table;

pub(super) async fn jobs(session: &mut Session, verb: &Verb) -> Result<Printout, Failure> {
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

pub(super) async fn show(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
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

pub(super) async fn cancel(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
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

pub(super) async fn retry(session: &mut Session, job_id: String) -> Result<Printout, Failure> {
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
