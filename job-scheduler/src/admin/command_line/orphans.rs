//! `orphans`: a search, and what is removed of what it found. Both are errands, whose end is waited for.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use domain::JobId;
use proto::v1;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Failure;
use super::arguments::Orphans;
use super::document::{self, is_whole, time};
use super::printout::Printout;
use super::table::Table;
use super::verbs::{Session, present, refused};

/// What needs no scheduler to be seen.
///
/// # Errors
/// [`Failure::Usage`] when nobody could be asked whether to remove.
pub(super) fn check(wanted: &Orphans) -> Result<(), Failure> {
    if wanted.remove && !wanted.yes && !std::io::stdin().is_terminal() {
        let why = "--remove asks before it removes: where nobody can answer, say --yes";
        return Err(Failure::Usage(why.to_owned()));
    }
    Ok(())
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(session: &mut Session, wanted: &Orphans) -> Result<Printout, Failure> {
    let request = v1::AdminFindOrphansRequest {
        operator: session.operator.clone(),
        region_id: wanted.region.clone(),
        older_than_ms: u64::try_from(wanted.older_than.as_millis()).unwrap_or(u64::MAX),
        errand_id: JobId::generate().to_string(),
    };
    let answer = session.rpc.find_orphans(request).await.map_err(refused)?;
    let search = present(answer.into_inner().errand)?;
    let ended = until_ended(session, &search.job_id, wanted.wait).await?;
    let found = ended
        .orphans_found
        .with_context(|| came_to_nothing("the search", &search.job_id, ended.error.as_ref()))?;
    let mut text = list(&found, wanted);
    let mut json = document::orphans(&found);
    json["errand_id"] = json!(search.job_id);
    if !wanted.remove {
        return Ok(Printout::new(text, json));
    }
    let chosen = chosen(&found, wanted);
    if chosen.is_empty() {
        text.push_str("nothing to remove\n");
        json["removals"] = json!([]);
        return Ok(Printout::new(text, json));
    }
    if !wanted.yes && !may(&text, chosen.len())? {
        return Err(Failure::Refused(anyhow::anyhow!("nothing was removed")));
    }
    let removals = remove(session, &search.job_id, &chosen, wanted).await?;
    let mut table = Table::of(&["IMAGE", "REMOVED"]);
    for (image, fate) in &removals {
        table.row([image.clone(), words(fate)]);
    }
    text.push('\n');
    text.push_str(&table.render());
    let documents = removals
        .iter()
        .map(|(image, fate)| json!({"image_id": image, "fate": fate}));
    json["removals"] = documents.collect();
    Ok(Printout {
        text,
        json,
        is_whole: removals.iter().all(|(_, fate)| fate["gone"] == true),
    })
}

/// Those of the images found that may go.
fn chosen<'a>(found: &'a v1::OrphansFound, wanted: &Orphans) -> Vec<&'a v1::Orphan> {
    let named = |orphan: &v1::Orphan| {
        let is_named = |id: &domain::ImageId| id.to_string() == orphan.image_id;
        wanted.images.is_empty() || wanted.images.iter().any(is_named)
    };
    let orphans = found.orphans.iter();
    orphans
        .filter(|orphan| named(orphan))
        .filter(|orphan| wanted.whole || !is_whole(orphan))
        .filter(|orphan| wanted.protected || !orphan.is_protected)
        .collect()
}

async fn remove(
    session: &mut Session,
    search: &str,
    chosen: &[&v1::Orphan],
    wanted: &Orphans,
) -> Result<Vec<(String, Value)>, Failure> {
    // Begun together: a region's workers do them side by side.
    let mut errands = Vec::new();
    for orphan in chosen {
        let request = v1::AdminRemoveOrphanRequest {
            operator: session.operator.clone(),
            search_id: search.to_owned(),
            errand_id: JobId::generate().to_string(),
            image_id: orphan.image_id.clone(),
            even_if_whole: wanted.whole,
            even_if_protected: wanted.protected,
        };
        let answer = session.rpc.remove_orphan(request).await.map_err(refused)?;
        let errand = present(answer.into_inner().errand)?;
        errands.push((orphan.image_id.clone(), errand.job_id));
    }
    let mut removals = Vec::new();
    for (image, errand) in errands {
        let ended = until_ended(session, &errand, wanted.wait).await?;
        let fate = match &ended.removed {
            Some(fate) => document::fate(fate),
            None => {
                let why = came_to_nothing("the removal", &errand, ended.error.as_ref());
                json!({"gone": false, "kept": why})
            }
        };
        removals.push((image, fate));
    }
    Ok(removals)
}

/// Follows an errand to its end.
async fn until_ended(
    session: &mut Session,
    errand: &str,
    wait: Duration,
) -> Result<v1::AdminJob, Failure> {
    let request = v1::AdminShowJobRequest {
        operator: session.operator.clone(),
        job_id: errand.to_owned(),
    };
    let following = async {
        let answer = session.rpc.follow_job(request).await.map_err(refused)?;
        let (mut versions, mut last) = (answer.into_inner(), None);
        while let Some(version) = versions.message().await.map_err(refused)? {
            last = version.job;
        }
        let last = present(last)?;
        let is_final = domain::JobStatus::try_from(last.status()).is_ok_and(|it| it.is_final());
        if is_final {
            return Ok(last);
        }
        // The scheduler went away.
        Err(still_open(errand))
    };
    match timeout(wait, following).await {
        Ok(ended) => ended,
        Err(_) => Err(still_open(errand)),
    }
}

fn still_open(errand: &str) -> Failure {
    Failure::Refused(anyhow::anyhow!(
        "errand {errand} has not ended yet (is a worker of the region running?); it goes on by itself: \
         `job-scheduler admin show {errand}` tells, `job-scheduler admin cancel {errand}` calls it off"
    ))
}

fn came_to_nothing(what: &str, errand: &str, error: Option<&v1::JobError>) -> String {
    match error {
        Some(error) => format!("{what} failed: {}: {}", error.code, error.message),
        None => format!("{what} was called off (errand {errand})"),
    }
}

fn list(found: &v1::OrphansFound, wanted: &Orphans) -> String {
    let mut table = Table::of(&[
        "IMAGE",
        "TENANT",
        "JOB",
        "ATTEMPT",
        "STATUS",
        "WHOLE",
        "PROTECTED",
        "BYTES",
        "MADE",
    ]);
    for orphan in &found.orphans {
        table.row([
            orphan.image_id.clone(),
            orphan.tenant_id.clone(),
            orphan.job_id.clone(),
            orphan.attempt.to_string(),
            orphan.status.clone(),
            yes_or_no(is_whole(orphan)),
            yes_or_no(orphan.is_protected),
            orphan
                .size_bytes
                .map(|size| size.to_string())
                .unwrap_or_default(),
            time(orphan.made_at_ms),
        ]);
    }
    let age = humantime::format_duration(wanted.older_than);
    let mut text = format!(
        "{}orphans in region {}, all older than {age}: {}\n",
        table.render(),
        wanted.region,
        found.orphans.len()
    );
    if found.is_cut_off {
        text.push_str("there are more: remove these, and look again\n");
    }
    if found.tenants_unseen > 0 {
        text.push_str(&format!(
            "images of {} projects were not looked at: the service user has no role there, or they are disabled\n",
            found.tenants_unseen
        ));
    }
    text
}

fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn words(fate: &Value) -> String {
    match (fate["gone"] == true, fate["kept"].as_str()) {
        (true, _) => "yes".to_owned(),
        (false, why) => format!("no: {}", why.unwrap_or("nobody said why")),
    }
}

/// Asks at the terminal.
fn may(text: &str, count: usize) -> Result<bool, Failure> {
    let ask = || -> anyhow::Result<bool> {
        let mut terminal = std::io::stderr();
        write!(terminal, "{text}Remove {count} of them? [y/N] ")?;
        terminal.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    };
    Ok(ask()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orphan(number: u128, status: &str, is_protected: bool) -> v1::Orphan {
        let id = uuid::Uuid::from_u128(number).to_string();
        v1::Orphan {
            image_id: id.clone(),
            job_id: id,
            status: status.to_owned(),
            is_protected,
            ..v1::Orphan::default()
        }
    }

    #[test]
    fn whole_and_protected_images_stay_unless_asked_for() {
        let found = v1::OrphansFound {
            orphans: vec![
                orphan(1, "saving", false),
                orphan(2, "active", false),
                orphan(3, "queued", true),
            ],
            ..v1::OrphansFound::default()
        };
        let picks = |whole, protected, image: Option<u128>| {
            let wanted = Orphans {
                region: "ot2".to_owned(),
                older_than: Duration::ZERO,
                remove: true,
                images: image
                    .map(|it| domain::ImageId::from_uuid(uuid::Uuid::from_u128(it)))
                    .into_iter()
                    .collect(),
                whole,
                protected,
                yes: true,
                wait: Duration::ZERO,
            };
            let chosen = chosen(&found, &wanted);
            let ids = chosen.iter().map(|orphan| orphan.image_id.clone());
            ids.map(|id| uuid::Uuid::parse_str(&id).expect("an id").as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(picks(false, false, None), [1]);
        assert_eq!(picks(true, false, None), [1, 2]);
        assert_eq!(picks(true, true, None), [1, 2, 3]);
        assert_eq!(picks(false, true, Some(3)), [3]);
        assert_eq!(picks(false, false, Some(2)), [0_u128; 0]);
    }
}
