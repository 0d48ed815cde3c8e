//! What must hold when actions are written: the caller may have copies made where they go, and sees the images
//! that they name. Images that are looked up by name or tag may come into being later; each fire looks again.

use domain::{Destination, ImageId, ImageSelector, PlanAction, TenantId};
use futures::future::try_join_all;

use super::action::WrittenAction;
use super::plan_caller::PlanCaller;
use crate::app::App;
use crate::fault::Fault;
use crate::scope::Scope;

/// Questions under way at once for one request.
const AT_ONCE: usize = 4;

/// The destination of each of the actions, in their order.
///
/// # Errors
/// The first refusal of a destination, then of an image.
pub(super) async fn destinations(
    app: &App,
    caller: &PlanCaller,
    source: &TenantId,
    actions: &[WrittenAction],
    scope: &Scope,
) -> Result<Vec<Destination>, Fault> {
    let copier = caller.as_copier(source);
    let context = scope.onward();
    let checks = async {
        let places = distinct(
            actions
                .iter()
                .map(|action| (&action.tenant, &action.region)),
        );
        let mut found = Vec::with_capacity(places.len());
        for some in places.chunks(AT_ONCE) {
            let asked = some.iter().map(|(tenant, region)| {
                app.admission
                    .destination_of(&copier, tenant, region.as_ref(), &context)
            });
            found.extend(try_join_all(asked).await.map_err(Fault::of_plan_refusal)?);
        }
        for some in distinct(actions.iter().filter_map(named_image)).chunks(AT_ONCE) {
            let asked = some
                .iter()
                .map(|image| app.admission.visible_to(&copier, *image, &context));
            try_join_all(asked).await.map_err(Fault::of_plan_refusal)?;
        }
        Ok(actions
            .iter()
            .filter_map(|action| {
                let place = (&action.tenant, &action.region);
                let index = places.iter().position(|known| *known == place)?;
                found.get(index).cloned()
            })
            .collect())
    };
    Scope::within(until(app, scope), "Checking the actions", checks).await
}

/// That the caller, in whose name they will be done from now on, may do what others wrote.
///
/// # Errors
/// The first refusal.
pub(super) async fn take_over(
    app: &App,
    caller: &PlanCaller,
    source: &TenantId,
    actions: &[PlanAction],
    scope: &Scope,
) -> Result<(), Fault> {
    let copier = caller.as_copier(source);
    let context = scope.onward();
    let checks = async {
        for some in distinct(actions.iter().map(|action| &action.destination)).chunks(AT_ONCE) {
            let asked = some.iter().map(|Destination { region, tenant }| {
                app.admission
                    .destination_of(&copier, tenant, Some(region), &context)
            });
            try_join_all(asked).await.map_err(Fault::of_plan_refusal)?;
        }
        Ok(())
    };
    Scope::within(until(app, scope), "Checking the actions", checks).await
}

/// A part of the time is left for the writing itself.
fn until(app: &App, scope: &Scope) -> tokio::time::Instant {
    scope.deadline() - app.request_deadline / 3
}

fn named_image(action: &WrittenAction) -> Option<ImageId> {
    match &action.selector {
        ImageSelector::Id(id) => Some(*id),
        ImageSelector::Name(_) | ImageSelector::Tag(_) => None,
    }
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, next| {
        if !seen.contains(&next) {
            seen.push(next);
        }
        seen
    })
}
