//! Where a region's services are, as a token's catalog says.

use domain::RegionId;
use serde::Deserialize;
use url::Url;

use crate::Error;

/// The services that a token may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Catalog {
    /// One entry a service.
    pub services: Vec<Service>,
}

/// One service of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// What it is, for example `image`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is, once a region and interface.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// The region's id; catalogs may hold endpoints without a region.
    #[serde(default)]
    pub region_id: Option<String>,
    /// The address as registered: with or without a version at its end.
    pub url: String,
}

impl Catalog {
    /// The address of a service in a region.
    ///
    /// # Errors
    /// [`Error::NoEndpoint`] when none is listed, [`Error::Malformed`] when it is no address.
    pub fn endpoint(
        &self,
        service: &'static str,
        interface: &str,
        region: &RegionId,
    ) -> Result<Url, Error> {
        let endpoint = self
            .services
            .iter()
            .filter(|candidate| candidate.kind == service)
            .flat_map(|candidate| &candidate.endpoints)
            .find(|endpoint| {
                endpoint.interface == interface
                    && endpoint.region_id.as_deref() == Some(region.as_str())
            })
            .ok_or_else(|| Error::NoEndpoint {
                service,
                interface: interface.to_owned(),
                region: region.to_string(),
            })?;
        Url::parse(&endpoint.url).map_err(|error| {
            Error::Malformed(format!("the catalog's address of `{service}` ({error})"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_by_service_interface_and_region() {
        let catalog: Catalog = serde_json::from_str(
            r#"[{"type": "image", "name": "glance", "endpoints": [
                {"interface": "public", "region_id": "ot1", "url": "http://one:9292"},
                {"interface": "internal", "region_id": "ot2", "url": "http://inside:9292"},
                {"interface": "public", "region_id": "ot2", "url": "http://two:9292/v2/"}]}]"#,
        )
        .expect("a catalog");
        let of =
            |interface, region: &str| catalog.endpoint("image", interface, &RegionId::new(region));
        assert_eq!(
            of("public", "ot2").map(String::from),
            Ok("http://two:9292/v2/".to_owned())
        );
        assert_eq!(
            of("internal", "ot2").map(String::from),
            Ok("http://inside:9292/".to_owned())
        );
        assert!(matches!(of("public", "ot3"), Err(Error::NoEndpoint { .. })));
    }
}
