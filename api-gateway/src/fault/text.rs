//! The image copy API's failures: `<code> <reason>`, an empty line, the message, an empty line.
//! Its clients lose or crash on anything else, JSON included.

use super::Fault;

/// The body in this style.
pub(super) fn body(fault: &Fault) -> String {
    let status = fault.status();
    let reason = status.canonical_reason().unwrap_or_default();
    format!("{} {reason}\n\n{}\n\n", status.as_str(), fault.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unauthenticated_caller_reads_the_documented_44_bytes() {
        let body = body(&Fault::NotAuthenticated);
        assert_eq!(body, "401 Unauthorized\n\nAuthentication required.\n\n");
        assert_eq!(body.len(), 44);
    }

    #[test]
    fn a_missing_content_type_reads_the_documented_66_bytes() {
        let message = "There is no such action: Content-Type in header".to_owned();
        let body = body(&Fault::BadRequest(message));
        assert_eq!(
            body,
            "400 Bad Request\n\nThere is no such action: Content-Type in header\n\n"
        );
        assert_eq!(body.len(), 66);
    }
}
