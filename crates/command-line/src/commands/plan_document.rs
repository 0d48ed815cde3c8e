//! From what is typed of a plan to what the service is sent. Pure.
//!
//! A plan of the command line has one action. One with more, written by another client, keeps them, and only its name,
//! description and schedule can be changed here.

use serde_json::{Map, Value, json};

use crate::arguments::PlanWishes;
use crate::failure::Failure;

/// The document of a new plan.
pub(super) fn document(name: &str, wishes: &PlanWishes) -> Result<Value, Failure> {
    let missing = |option: &str| {
        Failure::usage(format!(
            "{option} is missing: a plan needs to know what it copies where"
        ))
    };
    if wishes.to.is_none() {
        return Err(missing("--to"));
    }
    let mut what = json!({"action": "backup", "mode": "glance-image"});
    if !select(&mut what, wishes) {
        return Err(missing("--image, --image-name or --image-tag"));
    }
    let mut action = json!({"freezer_action": what});
    apply(&mut action, wishes);
    Ok(json!({
        "name": name,
        "description": wishes.description.clone().unwrap_or_default(),
        "job_schedule": schedule(wishes)?.unwrap_or_else(|| json!({})),
        "job_actions": [action],
    }))
}

/// What is to be changed of the plan that is `now`.
pub(super) fn changes(
    now: &Value,
    name: Option<&str>,
    wishes: &PlanWishes,
) -> Result<Value, Failure> {
    let mut changes = Map::new();
    if let Some(name) = name {
        changes.insert("name".to_owned(), name.into());
    }
    if let Some(description) = &wishes.description {
        changes.insert("description".to_owned(), description.clone().into());
    }
    if let Some(schedule) = schedule(wishes)? {
        changes.insert("job_schedule".to_owned(), schedule);
    }
    let mut actions = now["job_actions"].clone();
    let before = actions.clone();
    if let Some(action) = actions.get_mut(0) {
        select(&mut action["freezer_action"], wishes);
        apply(action, wishes);
    }
    if actions != before {
        if actions.as_array().map(Vec::len) != Some(1) {
            return Err(Failure::usage(
                "the plan has several actions, which can't be changed here",
            )
            .remedy("Change them with the API, or make plans with one action each."));
        }
        changes.insert("job_actions".to_owned(), actions);
    }
    if changes.is_empty() {
        return Err(Failure::usage("there is nothing to change")
            .remedy("Say what shall be different; image-replicator help plan update lists it."));
    }
    Ok(Value::Object(changes))
}

/// Puts the images that are chosen in place of those before. Whether any are.
fn select(what: &mut Value, wishes: &PlanWishes) -> bool {
    let chosen = [
        ("image_id", &wishes.image),
        ("image_name", &wishes.image_name),
        ("image_tag", &wishes.image_tag),
    ];
    let Some((key, value)) = chosen.iter().find_map(|(k, v)| Some((*k, v.as_ref()?))) else {
        return false;
    };
    if let Some(members) = what.as_object_mut() {
        members.retain(|name, _| !name.starts_with("image_"));
    }
    what[key] = value.clone().into();
    true
}

fn apply(action: &mut Value, wishes: &PlanWishes) {
    let what = &mut action["freezer_action"];
    if let Some(to) = &wishes.to {
        what["tenant_id_dst"] = to.clone().into();
    }
    if let Some(region) = &wishes.to_region {
        what["region_id_dst"] = region.clone().into();
    }
    if let Some(keep) = wishes.keep {
        what["recovery_points_rotation"] = keep.into();
    }
    if let Some(retries) = wishes.retries {
        action["max_retries"] = retries.into();
    }
}

fn schedule(wishes: &PlanWishes) -> Result<Option<Value>, Failure> {
    if let Some(at) = &wishes.at {
        return Ok(Some(json!({"schedule_date": at})));
    }
    if let Some(every) = &wishes.every {
        return Ok(Some(json!({"schedule_interval": every})));
    }
    let mut fields = Map::new();
    for pair in &wishes.when {
        let (field, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--when {pair}: it is no FIELD=VALUE"))
                .remedy("Write for example --when hour=4 minute=30.")
        })?;
        fields.insert(format!("schedule_{field}"), value.into());
    }
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nightly() -> PlanWishes {
        PlanWishes {
            image_name: Some("debian".to_owned()),
            to: Some("t".to_owned()),
            keep: Some(7),
            when: vec!["hour=4".to_owned(), "minute=30".to_owned()],
            ..PlanWishes::default()
        }
    }

    #[test]
    fn a_new_plan_has_one_action() {
        assert_eq!(
            document("nightly", &nightly()),
            Ok(json!({"name": "nightly", "description": "",
                "job_schedule": {"schedule_hour": "4", "schedule_minute": "30"},
                "job_actions": [{"freezer_action": {"action": "backup", "mode": "glance-image",
                    "image_name": "debian", "tenant_id_dst": "t", "recovery_points_rotation": 7}}]}))
        );
        let nothing = document("nightly", &PlanWishes::default()).expect_err("no images");
        assert!(nothing.to_string().contains("--to"), "{nothing}");
    }

    #[test]
    fn only_what_is_given_is_changed() {
        let now = document("nightly", &nightly()).expect("a plan");
        let every = PlanWishes {
            every: Some("6 hours".to_owned()),
            ..PlanWishes::default()
        };
        assert_eq!(
            changes(&now, None, &every),
            Ok(json!({"job_schedule": {"schedule_interval": "6 hours"}}))
        );
        let tag = PlanWishes {
            image_tag: Some("golden".to_owned()),
            ..PlanWishes::default()
        };
        let changed = changes(&now, None, &tag).expect("a change");
        let what = &changed["job_actions"][0]["freezer_action"];
        assert_eq!(
            (&what["image_tag"], &what["image_name"]),
            (&json!("golden"), &Value::Null)
        );
        assert_eq!(what["recovery_points_rotation"], 7);
        assert!(changes(&now, None, &PlanWishes::default()).is_err());
    }
}
