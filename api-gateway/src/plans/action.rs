//! One of `job_actions`: from JSON to what it asks for.
//!
//! The backup API's actions are open: whatever else is written is kept and echoed, and means nothing. What is
//! meant for another product is refused, because nothing would come of it.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::{ActionId, ImageId, ImageSelector, RegionId, TenantId};
use serde_json::Value;

use super::invalid_plan::InvalidPlan;
use super::members::{Members, text, whole_number};

/// What the plan adds to an action when it is shown; its owner cannot write it.
const ADDED: [&str; 3] = ["action_id", "user_id", "project_id"];

/// The wait before a retry unless another is asked for; the backup scheduler's own.
const RETRY_INTERVAL_SECONDS: u32 = 60;

/// Actions of one plan, at most. Each may ask every region's Keystone when it is written, and is work at each fire.
const MOST_ACTIONS: usize = 100;

/// Longest region name that is looked up; Keystone's own limit.
const LONGEST_REGION: usize = 255;

/// An action as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenAction {
    /// The id that it has already.
    pub id: Option<ActionId>,
    /// Which images.
    pub selector: ImageSelector,
    /// The project that gets the replicas.
    pub tenant: TenantId,
    /// That project's region, when the project alone does not tell.
    pub region: Option<RegionId>,
    /// How many replicas are kept; none: all.
    pub rotation: Option<NonZeroU32>,
    /// How often a run tries it again.
    pub max_retries: u32,
    /// The wait before each of those.
    pub retry_interval: Duration,
    /// Whether the actions after it depend on it.
    pub mandatory: bool,
    /// All of it, without what the plan adds.
    pub as_written: String,
}

/// Parses `job_actions`.
///
/// # Errors
/// [`InvalidPlan`] with the first field that is wrong.
pub(super) fn parse_all(value: Value) -> Result<Vec<WrittenAction>, InvalidPlan> {
    const EXPECTED: &str = "a list of at least one action, and of 100 at most";
    let Value::Array(values) = value else {
        return Err(InvalidPlan::wrong("job_actions", EXPECTED));
    };
    if values.is_empty() || values.len() > MOST_ACTIONS {
        return Err(InvalidPlan::wrong("job_actions", EXPECTED));
    }
    let mut actions: Vec<WrittenAction> = Vec::with_capacity(values.len());
    for (place, value) in values.into_iter().enumerate() {
        let path = format!("job_actions[{place}]");
        let action = parse(&path, value)?;
        let repeats = |other: &WrittenAction| other.id.is_some() && other.id == action.id;
        if actions.iter().any(repeats) {
            return Err(InvalidPlan::RepeatedAction {
                field: format!("{path}.action_id"),
            });
        }
        actions.push(action);
    }
    Ok(actions)
}

fn parse(path: &str, value: Value) -> Result<WrittenAction, InvalidPlan> {
    let mut action = Members::of(path, value)?;
    let id = action
        .optional(
            "action_id",
            "the action_id that the plan shows, or left out",
            |id| match id.as_str()? {
                "" => Some(None),
                id => id.parse().ok().map(Some),
            },
        )?
        .flatten();
    action.ignore(&ADDED);
    let as_written = Value::Object(action.into_map());

    let mut action = Members::of(path, as_written.clone())?;
    let freezer_action = action.required("freezer_action", "what is to be done", |value| {
        Some(value.clone())
    })?;
    let mut what = Members::of(action.path_of("freezer_action"), freezer_action)?;
    what.required(
        "action",
        r#""backup": only images are copied here, and nothing is restored"#,
        |action| (action == "backup").then_some(()),
    )?;
    what.required(
        "mode",
        r#""glance-image": only images of the image service are copied here"#,
        |mode| (mode == "glance-image").then_some(()),
    )?;
    Ok(WrittenAction {
        id,
        selector: selector(&mut what, path)?,
        tenant: what.required(
            "tenant_id_dst",
            "the UUID of the project that gets the copies",
            |tenant| TenantId::parse(tenant.as_str()?).ok(),
        )?,
        region: what.optional("region_id_dst", "the name of a region", region)?,
        rotation: what
            .optional(
                "recovery_points_rotation",
                "the number of copies to keep; 0 keeps all",
                whole_number,
            )?
            .and_then(NonZeroU32::new),
        max_retries: action
            .optional(
                "max_retries",
                "a whole number of further attempts",
                whole_number,
            )?
            .unwrap_or(0),
        retry_interval: Duration::from_secs(
            action
                .optional(
                    "max_retries_interval",
                    "a whole number of seconds",
                    whole_number::<u32>,
                )?
                .unwrap_or(RETRY_INTERVAL_SECONDS)
                .into(),
        ),
        mandatory: action
            .optional("mandatory", "true or false", Value::as_bool)?
            .unwrap_or(false),
        as_written: as_written.to_string(),
    })
}

fn selector(what: &mut Members, path: &str) -> Result<ImageSelector, InvalidPlan> {
    let id = what.optional("image_id", "the UUID of an image", |id| {
        let id: ImageId = id.as_str()?.parse().ok()?;
        Some(ImageSelector::Id(id))
    })?;
    let name = what.optional("image_name", "the name of an image", |name| {
        text(name).map(ImageSelector::Name)
    })?;
    let tag = what.optional("image_tag", "a tag of images", |tag| {
        text(tag).map(ImageSelector::Tag)
    })?;
    match (id, name, tag) {
        (Some(one), None, None) | (None, Some(one), None) | (None, None, Some(one)) => Ok(one),
        _ => Err(InvalidPlan::Selector {
            field: format!("{path}.freezer_action"),
        }),
    }
}

fn region(value: &Value) -> Option<RegionId> {
    let text = text(value)?;
    let fits = text.len() <= LONGEST_REGION && !text.contains(char::is_control);
    fits.then(|| RegionId::new(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn action(change: impl FnOnce(&mut Value)) -> Value {
        let mut action = json!({"freezer_action": {
            "action": "backup", "mode": "glance-image", "image_name": "golden",
            "tenant_id_dst": "91b5c7c09cbd45caa3c146fd67ae471e",
        }});
        change(&mut action);
        action
    }

    fn parsed(action: Value) -> Result<WrittenAction, String> {
        let mut actions = parse_all(json!([action])).map_err(|invalid| invalid.to_string())?;
        Ok(actions.remove(0))
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let action = parsed(action(|_| {})).expect("valid");
        assert_eq!(action.selector, ImageSelector::Name("golden".to_owned()));
        assert_eq!((action.rotation, action.max_retries), (None, 0));
        assert_eq!(action.retry_interval, Duration::from_secs(60));
        assert!(!action.mandatory && action.id.is_none() && action.region.is_none());
    }

    #[test]
    fn everything_can_be_said_and_the_rest_is_kept() {
        let written = action(|action| {
            action["max_retries"] = json!("3");
            action["max_retries_interval"] = json!(7);
            action["mandatory"] = json!(true);
            action["freezer_action"]["recovery_points_rotation"] = json!(7);
            action["freezer_action"]["region_id_dst"] = json!("ot2");
            action["freezer_action"]["engine_name"] = json!("tar");
        });
        let mut shown = written.clone();
        shown["action_id"] = json!("b9dc9e548b914b80a06d752342828371");
        shown["user_id"] = json!("somebody");
        shown["project_id"] = json!("some project");
        let action = parsed(shown).expect("valid");
        let kept: Value = action.as_written.parse().expect("JSON");
        assert_eq!(kept, written);
        assert_eq!(action.rotation, NonZeroU32::new(7));
        assert_eq!(action.region, Some(RegionId::new("ot2")));
        assert_eq!((action.max_retries, action.mandatory), (3, true));
        assert_eq!(action.retry_interval, Duration::from_secs(7));
        let id = "b9dc9e54-8b91-4b80-a06d-752342828371";
        assert_eq!(action.id.expect("an id").to_string(), id);
    }

    #[test]
    fn null_and_zero_are_left_out() {
        let action = parsed(action(|action| {
            action["action_id"] = Value::Null;
            action["freezer_action"]["image_id"] = Value::Null;
            action["freezer_action"]["recovery_points_rotation"] = json!(0);
        }));
        assert_eq!(action.expect("valid").rotation, None);
    }

    #[test]
    fn a_refusal_names_the_field_and_what_belongs_there() {
        let freezer = |key: &'static str, value: Value| {
            action(move |action| action["freezer_action"][key] = value)
        };
        for (wrong, said) in [
            (
                freezer("action", json!("restore")),
                r#"freezer_action.action must be "backup""#,
            ),
            (
                freezer("mode", json!("cinder")),
                r#"freezer_action.mode must be "glance-image""#,
            ),
            (
                freezer("mode", Value::Null),
                "freezer_action.mode is missing",
            ),
            (freezer("image_tag", json!("nightly")), "exactly one way"),
            (freezer("image_name", Value::Null), "exactly one way"),
            (freezer("image_name", json!("")), "image_name must be"),
            (
                freezer("image_id", json!("golden")),
                "image_id must be the UUID",
            ),
            (
                freezer("tenant_id_dst", json!("t")),
                "tenant_id_dst must be the UUID",
            ),
            (
                freezer("tenant_id_dst", Value::Null),
                "tenant_id_dst is missing",
            ),
            (freezer("region_id_dst", json!(7)), "region_id_dst must be"),
            (
                freezer("recovery_points_rotation", json!(-1)),
                "0 keeps all",
            ),
            (
                action(|action| action["mandatory"] = json!("yes")),
                "mandatory must be true or",
            ),
            (
                action(|action| action["action_id"] = json!("a1")),
                "action_id must be",
            ),
            (json!({}), "job_actions[0].freezer_action is missing"),
            (json!("backup"), "job_actions[0] must be a JSON object"),
        ] {
            let refusal = parsed(wrong.clone()).expect_err(said);
            assert!(refusal.contains(said), "{wrong}: {refusal}");
        }
    }

    #[test]
    fn a_plan_has_at_least_one_action_and_not_thousands() {
        let of = |count| parse_all(Value::Array(vec![action(|_| {}); count]));
        assert!(of(1).is_ok() && of(MOST_ACTIONS).is_ok());
        for count in [0, MOST_ACTIONS + 1] {
            let refusal = of(count).expect_err("refused").to_string();
            assert!(refusal.contains("100 at most"), "{refusal}");
        }
    }

    #[test]
    fn two_actions_cannot_be_the_same_one() {
        let action = action(|action| {
            action["action_id"] = json!("b9dc9e548b914b80a06d752342828371");
        });
        let refusal = parse_all(json!([action, action])).expect_err("twice");
        assert!(refusal.to_string().contains("job_actions[1].action_id"));
        assert!(parse_all(json!({})).is_err());
    }
}
