//! What an answer that is no success means: the service's own words, and the exit code.

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// A refusal is a few lines.
const LONGEST: usize = 2000;

/// The failure that an answer is.
pub(super) async fn of(answer: Response) -> Failure {
    let status = answer.status();
    let header = |name| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (kind, retry_after) = (header(CONTENT_TYPE), header(RETRY_AFTER));
    let request_id = answer
        .headers()
        .get("x-openstack-request-id")
        .and_then(|value| Some(value.to_str().ok()?.to_owned()));
    let body = answer.text().await.unwrap_or_default();
    failure(status, kind.as_deref(), &body, retry_after, request_id)
}

fn failure(
    status: StatusCode,
    kind: Option<&str>,
    body: &str,
    retry_after: Option<String>,
    request_id: Option<String>,
) -> Failure {
    let Some(words) = words(kind, body) else {
        let failure = Failure::new(exit(status), format!("the service answers {status}"));
        return match status {
            StatusCode::NOT_FOUND => {
                failure.remedy("There seems to be no image replicator at this address: check --endpoint and --os-region-name.")
            }
            _ => failure,
        };
    };
    let failure = Failure::new(exit(status), words);
    match (retry_after, request_id) {
        (Some(seconds), _) => failure.remedy(format!("Try again in {seconds} seconds.")),
        (None, Some(id)) if status.is_server_error() => {
            failure.remedy(format!("When you ask for help, tell the request id {id}."))
        }
        _ => failure,
    }
}

fn exit(status: StatusCode) -> Exit {
    match status {
        StatusCode::UNAUTHORIZED => Exit::NotSignedIn,
        StatusCode::NOT_FOUND => Exit::NotFound,
        status if status.is_server_error() => Exit::Unreachable,
        _ => Exit::Refused,
    }
}

/// The copy API's text behind its status line, or the description of the plans API's JSON; none of what a front writes.
fn words(kind: Option<&str>, body: &str) -> Option<String> {
    let text = match kind?.split(';').next()?.trim() {
        "text/plain" => body.split_once("\n\n")?.1.trim().to_owned(),
        "application/json" => {
            let document: Value = serde_json::from_str(body).ok()?;
            document["description"].as_str()?.to_owned()
        }
        _ => return None,
    };
    let plain: String = text
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .take(LONGEST)
        .collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, kind: &str, body: &str) -> Failure {
        let status = StatusCode::from_u16(status).expect("a status");
        failure(status, Some(kind), body, None, None)
    }

    #[test]
    fn the_services_words_are_told() {
        let text = told(
            400,
            "text/plain; charset=UTF-8",
            "400 Bad Request\n\nimage_id must be.\n\n",
        );
        assert_eq!(
            (text.exit, text.to_string().as_str()),
            (Exit::Refused, "image_id must be.")
        );
        let json = told(
            404,
            "application/json",
            r#"{"title": "Not Found", "description": "There is no such plan."}"#,
        );
        assert_eq!(
            (json.exit, json.to_string().as_str()),
            (Exit::NotFound, "There is no such plan.")
        );
    }

    #[test]
    fn a_front_that_knows_no_gateway_is_told_as_such() {
        let failure = told(404, "text/html", "<html>404</html>").to_string();
        assert!(
            failure.contains("--endpoint") && !failure.contains('<'),
            "{failure}"
        );
    }
}
