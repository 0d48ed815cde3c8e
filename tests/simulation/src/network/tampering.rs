//! What a flaw makes of messages: a scheduler or a worker that does it wrong, as the other side sees it.

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use prost::Message;
use proto::v1;
use tonic::body::Body;

use super::messages::{answer_of, body_of, decode, encode, read};
use crate::flaw::Flaw;
use crate::weather::Weather;

const A_DAY_MILLIS: u64 = 24 * 3600 * 1000;

/// A finish as the scheduler gets it.
pub(super) fn finish(sent: Option<&v1::FinishRequest>, body: Body, weather: &Weather) -> Body {
    let Some(sent) = sent.filter(|_| weather.flaw == Flaw::AnyToken) else {
        return body;
    };
    let job = sent.job_id.parse().expect("the worker's own words");
    match weather.witness.holder(job) {
        Some(holder) => body_of(&v1::FinishRequest {
            lease_token: holder.to_string(),
            ..sent.clone()
        }),
        None => body,
    }
}

/// An answer as the worker gets it.
pub(super) async fn answer(path: &str, answer: Response<Body>, flaw: Flaw) -> Response<Body> {
    match flaw {
        Flaw::OpenGate if path.ends_with("/Claim") => {
            change(answer, |answer: &mut v1::ClaimResponse| {
                if let Some(grant) = &mut answer.grant {
                    grant.lease_length_ms = A_DAY_MILLIS;
                }
            })
            .await
        }
        Flaw::LeftoversNotHandedOver if path.ends_with("/Claim") => {
            change(answer, |answer: &mut v1::ClaimResponse| {
                if let Some(grant) = &mut answer.grant {
                    grant.leftovers.clear();
                }
            })
            .await
        }
        Flaw::DeafToDiscard if path.ends_with("/Finish") => {
            change(answer, |answer: &mut v1::FinishResponse| {
                if answer.verdict() == v1::FinishVerdict::Discard {
                    answer.set_verdict(v1::FinishVerdict::Committed);
                }
            })
            .await
        }
        _ => answer,
    }
}

/// What a worker takes for the answer to a finish that failed, when it gives it up.
pub(super) fn given_up() -> Response<Body> {
    answer_of(&v1::FinishResponse {
        verdict: v1::FinishVerdict::Superseded.into(),
    })
}

/// A scheduler's frame as a worker hears it that does not hear when to stop.
pub(super) fn without_stop(frame: Frame<Bytes>) -> Frame<Bytes> {
    let answer = frame.data_ref().and_then(decode::<v1::ProgressDirective>);
    match answer {
        Some(mut answer) if answer.directive() == v1::Directive::Stop => {
            answer.set_directive(v1::Directive::Continue);
            Frame::data(encode(&answer))
        }
        _ => frame,
    }
}

async fn change<M: Message + Default>(
    answer: Response<Body>,
    change: impl FnOnce(&mut M),
) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let (message, body) = read::<M>(body).await;
    let body = match message {
        Some(mut message) => {
            change(&mut message);
            body_of(&message)
        }
        None => body,
    };
    Response::from_parts(head, body)
}
