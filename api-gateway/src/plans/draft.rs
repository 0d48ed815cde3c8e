//! The body of a plan that is created, changed or replaced: from JSON to what it says, each part none when it says
//! nothing of it.

use domain::{PlanId, ScheduleFields};
use serde_json::{Map, Value};

use super::action::{self, WrittenAction};
use super::invalid_plan::InvalidPlan;
use super::members::Members;
use super::schedule_fields;

/// What only the service writes, and the backup API's own bookkeeping: clients send back what they got.
const SERVER_FILLED: [&str; 15] = [
    "created_at",
    "updated_at",
    "job_id_hash",
    "project_id",
    "user_id",
    "status",
    "started_at",
    "ended_at",
    "next_fire_at",
    "last_run",
    "recovery_points",
    "session_name",
    "user_credentials",
    "version",
    "_version",
];

const TAKES: &str = "a plan takes name, description, client_id, session_id, session_tag, disabled, \
                     job_schedule and job_actions";

/// What a body says of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlanDraft {
    /// The id that it shall have, or has.
    pub id: Option<PlanId>,
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Which client made it.
    pub client_id: Option<String>,
    /// A group of plans.
    pub session_id: Option<String>,
    /// Counts within the session.
    pub session_tag: Option<i64>,
    /// Keeps it from firing.
    pub disabled: Option<bool>,
    /// When it fires.
    pub schedule: Option<ScheduleFields>,
    /// The schedule is `{}` to the letter, which switches that of a plan off. One that is shown never is: it has what
    /// the service fills in.
    pub is_bare: bool,
    /// What a fire does; at least one.
    pub actions: Option<Vec<WrittenAction>>,
}

impl PlanDraft {
    /// Parses a body.
    ///
    /// # Errors
    /// [`InvalidPlan`] with the first field that is wrong.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, InvalidPlan> {
        let mut plan = Members::of("", json(body)?)?;
        let defaults = plan.optional("action_defaults", "a JSON object", |defaults| {
            defaults.as_object().cloned()
        })?;
        let mut actions = plan.take("job_actions");
        if let (Some(defaults), Some(actions)) = (defaults, &mut actions) {
            fill_in(actions, &defaults);
        }
        let schedule = plan.take("job_schedule");
        let bare = schedule.as_ref().and_then(Value::as_object);
        let draft = Self {
            is_bare: bare.is_some_and(Map::is_empty),
            id: plan
                .optional("job_id", "a UUID, or left out", |id| match id.as_str()? {
                    "" => Some(None),
                    id => id.parse().ok().map(Some),
                })?
                .flatten(),
            name: words(&mut plan, "name")?,
            description: words(&mut plan, "description")?,
            client_id: words(&mut plan, "client_id")?,
            session_id: words(&mut plan, "session_id")?,
            session_tag: plan.optional("session_tag", "a whole number", Value::as_i64)?,
            disabled: plan.optional("disabled", "true or false", Value::as_bool)?,
            schedule: schedule.map(schedule_fields::parse).transpose()?,
            actions: actions.map(action::parse_all).transpose()?,
        };
        plan.ignore(&SERVER_FILLED);
        match plan.first_left() {
            Some(left) => Err(InvalidPlan::unknown(&left, TAKES)),
            None => Ok(draft),
        }
    }

    /// The actions of a whole plan.
    ///
    /// # Errors
    /// [`InvalidPlan::Missing`] when it has none.
    pub(crate) fn required_actions(&self) -> Result<&[WrittenAction], InvalidPlan> {
        self.actions.as_deref().ok_or_else(|| InvalidPlan::Missing {
            field: "job_actions".to_owned(),
            expected: "a list of at least one action",
        })
    }
}

/// A body as JSON.
pub(super) fn json(body: &[u8]) -> Result<Value, InvalidPlan> {
    if body.trim_ascii().is_empty() {
        return Err(InvalidPlan::Empty);
    }
    serde_json::from_slice(body).map_err(|error| InvalidPlan::Syntax(error.to_string()))
}

/// A text that may be empty; null empties it.
fn words(plan: &mut Members, key: &str) -> Result<Option<String>, InvalidPlan> {
    match plan.take(key) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidPlan::wrong(plan.path_of(key), "a text")),
    }
}

/// What every `freezer_action` that does not say otherwise says.
fn fill_in(actions: &mut Value, defaults: &Map<String, Value>) {
    let actions = actions.as_array_mut().into_iter().flatten();
    for action in actions.filter_map(|action| action.get_mut("freezer_action")?.as_object_mut()) {
        for (key, value) in defaults {
            let said = action.entry(key.clone()).or_insert(Value::Null);
            if said.is_null() {
                *said = value.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(body: &Value) -> Result<PlanDraft, String> {
        PlanDraft::parse(body.to_string().as_bytes()).map_err(|invalid| invalid.to_string())
    }

    fn action() -> Value {
        json!({"freezer_action": {
            "action": "backup", "mode": "glance-image", "image_name": "golden",
            "tenant_id_dst": "91b5c7c09cbd45caa3c146fd67ae471e",
        }})
    }

    #[test]
    fn a_body_says_no_more_than_it_says() {
        let draft = parsed(&json!({"description": null, "disabled": true})).expect("valid");
        let expected = PlanDraft {
            description: Some(String::new()),
            disabled: Some(true),
            ..Default::default()
        };
        assert_eq!(draft, expected);
        assert!(draft.required_actions().is_err());
    }

    #[test]
    fn what_the_service_shows_may_come_back() {
        let mut shown = json!({
            "job_id": "e632eb1884e0468c8a41e656942df500", "job_actions": [action()],
            "job_schedule": {}, "name": "n", "description": "d", "client_id": "c",
            "session_id": "", "session_tag": 0, "disabled": false,
        });
        for key in SERVER_FILLED {
            shown[key] = json!("something");
        }
        let draft = parsed(&shown).expect("valid");
        let id = "e632eb18-84e0-468c-8a41-e656942df500";
        assert_eq!(draft.id.expect("an id").to_string(), id);
        assert_eq!(draft.schedule, Some(ScheduleFields::default()));
        assert!(draft.is_bare);
        shown["job_schedule"] = json!({"event": "", "time_started": -1});
        assert!(!parsed(&shown).expect("valid").is_bare);
        assert_eq!(draft.required_actions().map(<[_]>::len), Ok(1));
    }

    #[test]
    fn defaults_of_all_actions_fill_in_what_one_leaves_out() {
        let tenant = "91b5c7c09cbd45caa3c146fd67ae471e";
        let draft = parsed(&json!({
            "action_defaults": {"action": "backup", "mode": "glance-image", "tenant_id_dst": tenant,
                                "image_name": "golden"},
            "job_actions": [{"freezer_action": {"mode": null}},
                            {"freezer_action": {"image_name": "silver"}}],
        }))
        .expect("valid");
        let written: Vec<Value> = draft
            .required_actions()
            .expect("actions")
            .iter()
            .map(|action| action.as_written.parse().expect("JSON"))
            .collect();
        assert_eq!(written[0]["freezer_action"]["mode"], "glance-image");
        assert_eq!(written[0]["freezer_action"]["image_name"], "golden");
        assert_eq!(written[1]["freezer_action"]["image_name"], "silver");
        assert_eq!(written[1]["freezer_action"]["tenant_id_dst"], tenant);
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (wrong, said) in [
            (json!({"job_scedule": {}}), "Unknown field \"job_scedule\""),
            (json!({"job_schedule": null}), "job_schedule must be"),
            (json!({"job_actions": null}), "job_actions must be"),
            (json!({"name": 7}), "name must be a text"),
            (json!({"disabled": "yes"}), "disabled must be true or false"),
            (json!({"session_tag": "a"}), "session_tag must be"),
            (json!({"job_id": "plan-7"}), "job_id must be a UUID"),
            (json!({"action_defaults": []}), "action_defaults must be"),
            (json!([]), "The request body must be a JSON object."),
        ] {
            let refusal = parsed(&wrong).expect_err(said);
            assert!(refusal.contains(said), "{wrong}: {refusal}");
        }
        assert_eq!(PlanDraft::parse(b" "), Err(InvalidPlan::Empty));
        assert!(matches!(
            PlanDraft::parse(b"{"),
            Err(InvalidPlan::Syntax(_))
        ));
    }
}
