//! Images, projects and plans by id, or by a name that only one of them has.

use domain::{ImageId, RegionId, TenantId};
use openstack::{Image, ImageFilter, ImageStatus};

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// So many of the same name are told of.
const MOST_NAMESAKES: u32 = 100;

/// The image that is meant.
pub(crate) async fn image(
    session: &Session,
    region: &RegionId,
    text: &str,
) -> Result<ImageId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let filter = ImageFilter::default()
        .name(text)
        .status(&ImageStatus::Active);
    let page = session
        .glance(region)?
        .list(&filter, MOST_NAMESAKES, None)
        .await;
    let images = page
        .map_err(|e| Failure::from(e).while_doing("looking up the image"))?
        .images;
    one_of("image", text, images, describe).map(|image| image.id)
}

/// The project that is meant. What looks like an id is not looked up: it may be of another region's Keystone.
pub(crate) async fn project(session: &Session, text: &str) -> Result<TenantId, Failure> {
    if let Ok(id) = TenantId::parse(text) {
        return Ok(id);
    }
    let own = session.own_projects().await?;
    let matching = own
        .into_iter()
        .filter(|project| project.name == text)
        .collect();
    let describe = |project: &openstack::Project| {
        let domain = project.domain_id.as_deref().unwrap_or("none");
        format!("{} (domain {domain})", project.id)
    };
    one_of("project of yours", text, matching, describe).map(|project| project.id)
}

/// The only candidate.
///
/// # Errors
/// [`Exit::NotFound`] when there is none, or several, which are then listed.
pub(crate) fn one_of<T>(
    what: &str,
    name: &str,
    mut candidates: Vec<T>,
    describe: impl Fn(&T) -> String,
) -> Result<T, Failure> {
    match (candidates.pop(), candidates.is_empty()) {
        (None, _) => Err(
            Failure::new(Exit::NotFound, format!("there is no {what} named {name}"))
                .remedy("Check the spelling, or give the id."),
        ),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            candidates.push(last);
            let lines: Vec<String> = candidates
                .iter()
                .map(|c| format!("  {}", describe(c)))
                .collect();
            Err(Failure::new(
                Exit::NotFound,
                format!(
                    "{} are named {name}:\n{}",
                    candidates.len(),
                    lines.join("\n")
                ),
            )
            .remedy("Give the id of the one that you mean."))
        }
    }
}

fn describe(image: &Image) -> String {
    let owner = image.owner.as_ref().map_or("nobody", TenantId::as_str);
    format!(
        "{} (made {}, {} bytes, of project {owner})",
        image.id,
        image.created_at,
        image.size.unwrap_or(0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_be_that_of_one() {
        let find = |candidates: &[&str]| {
            let candidates = candidates.iter().map(|&c| c.to_owned()).collect();
            one_of("image", "debian", candidates, String::clone)
        };
        assert_eq!(find(&["a"]).as_deref(), Ok("a"));
        let none = find(&[]).expect_err("none");
        assert!(
            none.exit == Exit::NotFound && none.to_string().contains("debian"),
            "{none}"
        );
        let several = find(&["a", "b"]).expect_err("two").to_string();
        assert!(
            several.starts_with("2 are named debian:\n  a\n  b\n"),
            "{several}"
        );
    }
}
