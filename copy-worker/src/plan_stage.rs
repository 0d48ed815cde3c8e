//! A plan's tenants on the test bed's real Keystone and Glances, and a worker's workshop there, for the tests of the
//! units that a plan needs. Each test has tenants and a user of its own, so that none minds what another does to its roles.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use admission::{Admission, Policy, RegionRules};
use anyhow::Context as _;
use domain::{
    ActionId, Creator, Destination, ImageDigest, ImageId, ImageSelector, JobId, PlanFire, PlanId,
    RecoveryPoint, RegionId, TenantId, UserId,
};
use jiff::Timestamp;
use openstack::{Credentials, HttpSettings, Password, RegionSettings, ServiceScope};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::{Cloud, MadeImage, NewImage, Region, SERVICE_USER, TestBed, USERS, issue_token};
use tokio::sync::OnceCell;

use crate::scheduler_double::SchedulerDouble;
use crate::workshop::Workshop;

static BED: OnceCell<TestBed> = OnceCell::const_new();

const PASSWORD: &str = "made-for-one-test";

/// A source tenant, a destination tenant, and a user who is `member` of both.
pub(crate) struct PlanStage {
    pub(crate) admin: Cloud,
    /// The user in the source tenant.
    pub(crate) source: Cloud,
    /// The user in the destination tenant.
    pub(crate) destination: Cloud,
    pub(crate) user: String,
    user_name: String,
    member: String,
}

// === impl PlanStage ===

impl PlanStage {
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let bed = BED
            .get_or_try_init(|| TestBed::builder().without_services().start())
            .await?;
        let admin = bed.cloud("admin", Region::Ot1).await?;
        let user_name = format!("planner-{}", uuid::Uuid::new_v4());
        let user = json!({"user": {
            "name": user_name, "password": PASSWORD, "domain_id": "default",
        }});
        let user = make(&admin, "user", &user).await?;
        let roles = read(admin.keystone(Method::GET, "/roles?name=member")).await?;
        let member = roles["roles"][0]["id"].as_str().context("no member")?;
        let mut clouds = Vec::new();
        for region in Region::ALL {
            let name = format!("tenant-{}", uuid::Uuid::new_v4());
            let project = json!({"project": {"name": name, "domain_id": "default"}});
            let project = make(&admin, "project", &project).await?;
            let grant = format!("/projects/{project}/users/{user}/roles/{member}");
            change(&admin, Method::PUT, &grant).await?;
            let mut cloud = bed.cloud("admin", region).await?;
            let url = cloud.keystone_url.clone();
            cloud.token = issue_token(&url, &user_name, PASSWORD, &name).await?;
            cloud.project_id = project;
            clouds.push(cloud);
        }
        let [source, destination] =
            <[Cloud; 2]>::try_from(clouds).map_err(|_| anyhow::anyhow!("two regions"))?;
        Ok(Self {
            member: member.to_owned(),
            admin,
            source,
            destination,
            user,
            user_name,
        })
    }

    /// Takes the user's role on a tenant away.
    pub(crate) async fn revoke(&self, tenant: &str) -> anyhow::Result<()> {
        let (user, member) = (&self.user, &self.member);
        let grant = format!("/projects/{tenant}/users/{user}/roles/{member}");
        self.delete(&grant).await
    }

    /// Changes what Keystone knows of the user.
    pub(crate) async fn change_user(&self, changes: &Value) -> anyhow::Result<()> {
        let path = format!("/users/{}", self.user);
        let patch = self.admin.keystone(Method::PATCH, &path);
        read(patch.json(&json!({"user": changes}))).await.map(drop)
    }

    /// Has Keystone delete something, for example `/users/1`.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        change(&self.admin, Method::DELETE, path).await
    }

    pub(crate) fn fire(&self, selector: ImageSelector) -> PlanFire {
        PlanFire {
            plan_id: PlanId::generate(),
            action_id: ActionId::generate(),
            source_region: region(Region::Ot1),
            source_tenant: TenantId::new(&self.source.project_id),
            creator: Creator {
                id: UserId::new(&self.user),
                name: self.user_name.clone(),
                domain_id: "default".to_owned(),
                domain_name: "Default".to_owned(),
            },
            selector,
            destination: self.place(),
            newest: Vec::new(),
            traceparent: None,
        }
    }

    pub(crate) fn place(&self) -> Destination {
        Destination {
            region: region(Region::Ot2),
            tenant: TenantId::new(&self.destination.project_id),
        }
    }

    /// An image of the destination tenant with the bytes of `of`, as the third attempt of a job would have made it.
    pub(crate) async fn replica(
        &self,
        of: &NewImage,
        made: &MadeImage,
    ) -> anyhow::Result<RecoveryPoint> {
        let job_id = JobId::generate();
        let image_id = job_id.image_of_attempt(3);
        self.destination
            .make_image(&of.clone().with("id", image_id.to_string()))
            .await?;
        Ok(RecoveryPoint {
            job_id,
            image_id,
            source_image_id: made.id.parse()?,
            digest: ImageDigest {
                size_bytes: made.size,
                checksum: None,
                os_hash_algo: Some("sha512".to_owned()),
                os_hash_value: Some(made.sha512.clone()),
            },
            destination: self.place(),
            made_at: Timestamp::UNIX_EPOCH,
        })
    }

    /// A worker's workshop with the least-privileged service user.
    pub(crate) fn workshop(&self) -> anyhow::Result<Workshop> {
        self.workshop_with(SERVICE_USER, ServiceScope::Project, |_| {})
    }

    /// One whose service user is an administrator everywhere.
    pub(crate) fn workshop_of_admin(&self) -> anyhow::Result<Workshop> {
        let scope = ServiceScope::Admin {
            project_name: "admin".to_owned(),
            project_domain_id: "default".to_owned(),
        };
        self.workshop_with("admin", scope, |_| {})
    }

    /// One in whose configuration something is changed.
    pub(crate) fn workshop_with(
        &self,
        service_user: &str,
        scope: ServiceScope,
        change: impl Fn(&mut RegionSettings),
    ) -> anyhow::Result<Workshop> {
        openstack::install_crypto_provider();
        let known = USERS.iter().find(|user| user.name == service_user);
        let password = known.context("no such user")?.password;
        let mut regions = Vec::new();
        for cloud in [&self.source, &self.destination] {
            let mut settings = RegionSettings {
                id: region(cloud.region),
                keystone_url: cloud.keystone_url.parse()?,
                glance_interface: "public".to_owned(),
                glance_url: Some(cloud.glance_url.parse()?),
                credentials: Credentials {
                    username: service_user.to_owned(),
                    user_domain_id: "default".to_owned(),
                    password: Password::Value(password.to_owned().into()),
                },
                scope: scope.clone(),
                http: HttpSettings::default(),
            };
            change(&mut settings);
            regions.push(openstack::Region::new(settings)?);
        }
        let cloud = openstack::Cloud::new(regions);
        let admissions = cloud.regions().filter_map(|region| {
            let admission = Admission::new(cloud.clone(), region.id(), policy(), rules())?;
            Some((region.id().clone(), admission))
        });
        Ok(Workshop {
            admissions: admissions.collect(),
            cloud,
            most_images_of_a_tag: NonZeroUsize::new(3).context("not zero")?,
            ..SchedulerDouble::default().workshop()
        })
    }
}

fn policy() -> Policy {
    let member = || vec!["member".to_owned()];
    Policy {
        copy_roles: member(),
        plan_roles: member(),
        destination_roles: member(),
        required_properties: Vec::new(),
    }
}

/// The destination takes no licensed image.
fn rules() -> BTreeMap<RegionId, RegionRules> {
    let rules = RegionRules {
        refused_properties: vec!["license_switch_type".to_owned()],
        ..RegionRules::default()
    };
    [(region(Region::Ot2), rules)].into()
}

fn region(region: Region) -> RegionId {
    RegionId::new(region.as_str())
}

/// The ids of made images.
pub(crate) fn ids(images: &[&MadeImage]) -> anyhow::Result<BTreeSet<ImageId>> {
    let parsed = images.iter().map(|image| Ok(image.id.parse()?));
    parsed.collect()
}

async fn make(admin: &Cloud, kind: &str, body: &Value) -> anyhow::Result<String> {
    let path = format!("/{kind}s");
    let made = read(admin.keystone(Method::POST, &path).json(body)).await?;
    let id = made[kind]["id"].as_str();
    Ok(id.with_context(|| format!("no id: {made}"))?.to_owned())
}

async fn change(admin: &Cloud, method: Method, path: &str) -> anyhow::Result<()> {
    let answer = admin.keystone(method, path).send().await?;
    answer.error_for_status()?;
    Ok(())
}

async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    Ok(request.send().await?.error_for_status()?.json().await?)
}
