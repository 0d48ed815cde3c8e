//! The failures of each operation on plans.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Response};

use super::{DEFECT, Documented, Style, TOO_MANY, UNAUTHENTICATED, UNAVAILABLE, described};

const NO_SUCH_PLAN: Documented = ("404", "The plan does not exist or is not the caller's.");
const NOT_YOUR_PROJECT: Documented = (
    "403",
    "The project in the path is not the token's, or the caller's roles do not allow the operation.",
);
const PLAN_FORBIDDEN: Documented = (
    "403",
    "The project in the path is not the token's; the caller's roles do not allow the operation; the \
     caller may not have copies made where an action says; or the project has as many plans as it may.",
);
const INVALID_PLAN: Documented = (
    "400",
    "The body is not what it must be: the description names the field and the remedy. Also when an \
     action's image or destination does not exist.",
);
const PLAN_CONFLICT: Documented = (
    "409",
    "The id is taken, the plan is being changed by others, or a region's Glance is down.",
);

faults!(
    /// Of a list of plans.
    PlanListFaults in backup:
    ("400", "A value of the query does not fit, or the body is no filter."),
    UNAUTHENTICATED, NOT_YOUR_PROJECT,
    ("408", "The request body did not arrive in time."),
    ("413", "The request body is too large."),
    TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of whatever shows one plan.
    PlanFaults in backup: UNAUTHENTICATED, NOT_YOUR_PROJECT, NO_SUCH_PLAN, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of a delete.
    PlanDeleteFaults in backup: UNAUTHENTICATED, NOT_YOUR_PROJECT, TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of a plan that is written whole.
    PlanWriteFaults in backup:
    INVALID_PLAN, UNAUTHENTICATED, PLAN_FORBIDDEN,
    ("408", "The request body did not arrive in time."),
    PLAN_CONFLICT,
    ("413", "The request body is too large."),
    TOO_MANY, DEFECT, UNAVAILABLE,
);

faults!(
    /// Of a plan that is changed.
    PlanChangeFaults in backup:
    INVALID_PLAN, UNAUTHENTICATED, PLAN_FORBIDDEN, NO_SUCH_PLAN,
    ("408", "The request body did not arrive in time."),
    PLAN_CONFLICT,
    ("413", "The request body is too large."),
    TOO_MANY, DEFECT, UNAVAILABLE,
);

/// The backup API's failures.
fn backup() -> Style {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let title = text().description(Some("The kind of failure."));
    let description = text().description(Some("What is wrong and what to do about it."));
    let failure = ObjectBuilder::new()
        .property("title", title.build())
        .property("description", description.build())
        .required("title")
        .required("description")
        .build();
    Style {
        media_type: "application/json; charset=UTF-8",
        schema: failure.into(),
    }
}
