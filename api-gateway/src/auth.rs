//! Who is calling: a token, validated by this region's Keystone with the service user's own token,
//! becomes a [`Caller`].
//!
//! Invariant: nothing beyond this file believes a header. A caller has a project: tokens without one
//! (unscoped, domain or system) are answered like unknown ones, for jobs belong to projects.

mod cache;
mod token;

use std::sync::Arc;

use domain::{TenantId, UserId};
use openstack::{Keystone, Region, RequestContext, TokenInfo};
use secrecy::SecretString;
use service_kit::Clock;

pub(crate) use cache::TokenCache;
pub(crate) use token::PresentedToken;

use crate::fault::Fault;
use crate::metrics::Metrics;
use service_kit::config::PolicyConfig;

/// A validated caller.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What the token proves: user, roles, when it expires.
    pub info: TokenInfo,
    /// The project that the token is scoped to.
    pub project: TenantId,
    /// The token itself, to ask Glance what the caller may.
    pub token: SecretString,
    /// Whether it may list and show its project's jobs.
    pub may_read: bool,
    /// Whether it may copy and cancel in its project.
    pub may_copy: bool,
    /// Whether it may write its project's plans.
    pub may_plan: bool,
    /// Whether it sees every project's jobs and plans.
    pub sees_all: bool,
    /// Whether it changes every project's jobs and plans.
    pub is_admin: bool,
}

impl Caller {
    /// The user's id.
    #[must_use]
    pub(crate) fn user_id(&self) -> &UserId {
        &self.info.user.id
    }
}

/// Turns tokens into callers.
#[derive(Debug)]
pub(crate) struct Authenticator {
    region: Region,
    cache: TokenCache,
    policy: PolicyConfig,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

impl Authenticator {
    /// Validates against `region`'s Keystone; keeps what it says as long as `cache` allows.
    #[must_use]
    pub(crate) fn new(
        region: Region,
        cache: TokenCache,
        policy: PolicyConfig,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        Self {
            region,
            cache,
            policy,
            clock,
            metrics,
        }
    }

    /// The Keystone that is asked.
    #[must_use]
    pub(crate) fn keystone(&self, context: &RequestContext) -> Keystone {
        self.region.keystone().with_context(context)
    }

    /// The caller that `token` proves.
    ///
    /// # Errors
    /// [`Fault::NotAuthenticated`] for a token that proves none; [`Fault::Unavailable`] when Keystone
    /// cannot be asked.
    pub(crate) async fn caller(
        &self,
        token: PresentedToken,
        context: &RequestContext,
    ) -> Result<Caller, Fault> {
        let known = self
            .cache
            .get_or_ask(token.digest(), self.clock.now(), || async {
                self.metrics.token_cache_missed();
                let region = self.region.with_context(context);
                let answer = region.validate(token.secret()).await?;
                Ok((answer, self.clock.now()))
            })
            .await?;
        let info = known.ok_or(Fault::NotAuthenticated)?;
        self.identify(info, token).ok_or(Fault::NotAuthenticated)
    }

    fn identify(&self, info: TokenInfo, token: PresentedToken) -> Option<Caller> {
        let project = info.project.as_ref()?.id.clone();
        let policy = &self.policy;
        let is_admin = info.has_any_role(&policy.admin_roles);
        let sees_all = is_admin || info.has_any_role(&policy.see_all_roles);
        let may_copy = info.has_any_role(&policy.copy_roles);
        Some(Caller {
            project,
            may_read: sees_all || info.has_any_role(&policy.read_roles),
            may_copy,
            // A plan is copies to come.
            may_plan: is_admin || (may_copy && info.has_any_role(&policy.plan_roles)),
            sees_all,
            is_admin,
            info,
            token: token.into_secret(),
        })
    }
}
