//! The two ends of a direct copy: signed in at both, as the user.

use copy_engine::Order;
use domain::{CopySpec, Destination, IfIdentical, JobId, RegionId, Source, TenantId};
use openstack::Glance;

use crate::failure::{Exit, Failure};
use crate::names;
use crate::session::Session;
use crate::sign_in::named_cloud;

/// Both ends.
pub(super) struct Clouds {
    from: Session,
    from_region: RegionId,
    to_region: RegionId,
    pub(super) source: Glance,
    pub(super) destination: Glance,
    /// The project that gets the copy.
    pub(super) project: TenantId,
}

impl Clouds {
    /// Signs in at both.
    pub(super) async fn open(
        from: &str,
        to: &str,
        project: &str,
        to_region: Option<&str>,
    ) -> Result<Self, Failure> {
        let from = Session::open(named_cloud(from)?).await?;
        let mut settings = named_cloud(to)?;
        if let Some(region) = to_region {
            settings.region = Some(region.to_owned());
        }
        let to = Session::open(settings).await?;
        let project = names::project(&to, project)
            .await
            .map_err(|f| f.while_doing("--to"))?;
        let (from_region, to_region) = (from.region()?, to.region()?);
        Ok(Self {
            source: from.lasting_glance(&from_region, &from.project()?)?,
            destination: to.lasting_glance(&to_region, &project)?,
            from,
            from_region,
            to_region,
            project,
        })
    }

    /// What the engine is told about the image.
    pub(super) async fn order(&self, image: &str) -> Result<Order, Failure> {
        let id = names::image(&self.from, &self.from_region, image).await?;
        let shown = self.source.show(id).await;
        let shown = shown.map_err(|e| Failure::from(e).while_doing("reading the image"))?;
        let digest = shown.digest().ok_or_else(|| {
            Failure::new(
                Exit::Refused,
                format!("image {id} is {} and has no data yet", shown.status),
            )
        })?;
        Ok(Order {
            job_id: JobId::generate(),
            spec: CopySpec {
                source: Source {
                    region: self.from_region.clone(),
                    tenant: self.from.project()?,
                    image: id,
                },
                source_image_name: shown.name.unwrap_or_default(),
                source_digest: digest,
                destination: Destination {
                    region: self.to_region.clone(),
                    tenant: self.project.clone(),
                },
                if_identical: IfIdentical::Copy,
                requested_by: self.from.token().info.user.id.clone(),
                traceparent: None,
                plan_id: None,
                retry_of: None,
            },
            attempt: 1,
            leftovers: Vec::new(),
        })
    }
}
