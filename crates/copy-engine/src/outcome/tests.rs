//! The table, row by row, and what holds for all of it.

use ErrorCode as Code;

use super::*;
use crate::samples::spec;

const SOURCE_STEPS: [Step; 2] = [Step::ReadSource, Step::Download];
const DESTINATION_STEPS: [Step; 5] = [
    Step::Create,
    Step::Upload,
    Step::ReadDestination,
    Step::Reveal,
    Step::Remove,
];

fn words() -> String {
    "the service's own words".to_owned()
}

fn every_error() -> Vec<Error> {
    vec![
        Error::Unauthorized(words()),
        Error::Forbidden(words()),
        Error::NotFound(words()),
        Error::Conflict(words()),
        Error::Gone(words()),
        Error::TooLarge(words()),
        Error::RangeNotSatisfiable(words()),
        Error::TooManyRequests(words()),
        bad_request(),
        Error::Redirected { status: 302 },
        server_error(),
        Error::Unreachable(words()),
        Error::Interrupted(words()),
        Error::Timeout("waiting"),
        Error::Malformed(words()),
        Error::RangeIgnored(words()),
        Error::UploadBody(words()),
        no_token(Error::Unauthorized(words())),
        Error::NoEndpoint {
            service: "image",
            interface: "public".to_owned(),
            region: "ot2".to_owned(),
        },
        Error::Settings(words()),
    ]
}

fn bad_request() -> Error {
    Error::BadRequest {
        status: 400,
        message: words(),
    }
}

fn server_error() -> Error {
    Error::ServerError {
        status: 503,
        message: words(),
    }
}

fn no_token(cause: Error) -> Error {
    Error::NoToken {
        scope: "project p".to_owned(),
        cause: Box::new(cause),
    }
}

#[test]
fn final_errors_are_exactly_those_that_another_attempt_cannot_change() {
    use Error::{Forbidden, Gone, NotFound, TooLarge};
    use Step::{Create, Download, ReadDestination, ReadSource, Reveal, Upload};
    let expected = [
        (ReadSource, Forbidden(words()), Code::SourceRefused),
        (ReadSource, NotFound(words()), Code::SourceGone),
        (ReadSource, Gone(words()), Code::SourceGone),
        (Download, Forbidden(words()), Code::SourceRefused),
        (Download, NotFound(words()), Code::SourceGone),
        (Download, Gone(words()), Code::SourceGone),
        (Create, Forbidden(words()), Code::DestinationRefused),
        (Create, TooLarge(words()), Code::DestinationQuotaExceeded),
        (Create, bad_request(), Code::DestinationRefused),
        (Upload, Forbidden(words()), Code::DestinationRefused),
        (Upload, NotFound(words()), Code::DestinationGone),
        (Upload, Gone(words()), Code::DestinationGone),
        (Upload, TooLarge(words()), Code::DestinationQuotaExceeded),
        (ReadDestination, NotFound(words()), Code::DestinationGone),
        (ReadDestination, Gone(words()), Code::DestinationGone),
        (Reveal, Forbidden(words()), Code::DestinationRefused),
        (Reveal, NotFound(words()), Code::DestinationGone),
        (Reveal, Gone(words()), Code::DestinationGone),
        (Reveal, TooLarge(words()), Code::DestinationQuotaExceeded),
        (Reveal, bad_request(), Code::DestinationRefused),
    ];
    let mut found = Vec::new();
    for step in SOURCE_STEPS.into_iter().chain(DESTINATION_STEPS) {
        for error in every_error() {
            let failure = judge(step, &error, &spec());
            if !failure.transient {
                found.push((step, error, failure.error.code));
            }
        }
    }
    for row in &expected {
        assert!(found.contains(row), "not final: {row:?}");
    }
    for row in &found {
        assert!(expected.contains(row), "final: {row:?}");
    }
}

#[test]
fn each_side_answers_for_itself_and_names_its_region() {
    for error in every_error() {
        for step in SOURCE_STEPS {
            let JobError { code, message } = judge(step, &error, &spec()).error;
            assert!(
                code == Code::Internal
                    || code.as_str().starts_with("source_") && message.contains("ot1"),
                "{step:?} {error:?}: {code} {message}"
            );
        }
        for step in DESTINATION_STEPS {
            let JobError { code, message } = judge(step, &error, &spec()).error;
            assert!(
                code == Code::Internal
                    || code.as_str().starts_with("destination_") && message.contains("ot2"),
                "{step:?} {error:?}: {code} {message}"
            );
        }
    }
}

#[test]
fn outages_say_unavailable_also_when_keystone_is_the_one_that_is_down() {
    for error in [
        server_error(),
        Error::Unreachable(words()),
        Error::Interrupted(words()),
        Error::Timeout("waiting"),
        no_token(server_error()),
    ] {
        for step in SOURCE_STEPS {
            let code = judge(step, &error, &spec()).error.code;
            assert_eq!(code, Code::SourceUnavailable, "{error:?}");
        }
        for step in DESTINATION_STEPS {
            let code = judge(step, &error, &spec()).error.code;
            assert_eq!(code, Code::DestinationUnavailable, "{error:?}");
        }
    }
    let lacking = judge(
        Step::Create,
        &no_token(Error::Unauthorized(words())),
        &spec(),
    );
    assert_eq!(lacking.error.code, Code::DestinationRefused);
    assert!(lacking.error.message.contains("role"));
}

#[test]
fn a_full_quota_is_named_with_the_words_of_glance() {
    let message = judge(Step::Upload, &Error::TooLarge(words()), &spec())
        .error
        .message;
    assert!(message.contains("quota") && message.contains("the service's own words"));
}
