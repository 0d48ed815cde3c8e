use super::*;

const IMAGE: &str = "335eef3f-551d-46e1-8781-173f43209d48";
const TENANT: &str = "91b5c7c09cbd45caa3c146fd67ae471e";

fn parse(body: &Value) -> Result<CopyRequest, InvalidBody> {
    CopyRequest::parse(body.to_string().as_bytes())
}

fn refusal(body: &str) -> String {
    CopyRequest::parse(body.as_bytes())
        .expect_err(body)
        .to_string()
}

#[test]
fn the_documented_example_is_understood() {
    let body = format!(r#"{{"image_id":"{IMAGE}","tenant_id_dst":"{TENANT}"}}"#);
    let request = CopyRequest::parse(body.as_bytes()).expect("the documented example");
    assert_eq!(request.image.to_string(), IMAGE);
    assert_eq!(request.tenant.as_str(), TENANT);
    assert_eq!(request.region, None);
    assert_eq!(request.if_identical, IfIdentical::Copy);
}

#[test]
fn ids_may_be_written_in_upper_case_and_tenants_with_dashes() {
    let request = parse(&json!({
        "image_id": IMAGE.to_uppercase(),
        "tenant_id_dst": "91B5C7C0-9CBD-45CA-A3C1-46FD67AE471E",
    }))
    .expect("upper case");
    assert_eq!(request.image.to_string(), IMAGE);
    assert_eq!(request.tenant.as_str(), TENANT);
}

#[test]
fn what_is_no_json_object_is_refused() {
    let example = "The request body must be a JSON object with image_id and tenant_id_dst.";
    for body in ["[]", "null", "12", r#""text""#, "true"] {
        assert_eq!(refusal(body), example, "{body}");
    }
    assert!(refusal("").contains("is empty"));
    assert!(refusal(" \n").contains("is empty"));
    for body in [
        "{",
        "{]",
        "image_id=1",
        r#"{"image_id": "a"} trailing"#,
        "{\"a\": NaN}",
    ] {
        assert!(
            refusal(body).starts_with("The request body is not JSON: "),
            "{body}"
        );
    }
    assert!(CopyRequest::parse(b"{\"image_id\": \"\xff\"}").is_err());
}

#[test]
fn a_refused_key_is_named_with_the_remedy() {
    let full = |image: &str, tenant: &str| {
        refusal(&format!(
            r#"{{"image_id": {image}, "tenant_id_dst": {tenant}}}"#
        ))
    };
    let (image, tenant) = (format!("\"{IMAGE}\""), format!("\"{TENANT}\""));
    for value in ["null", "12", "[]", "{}", r#""nonsense""#, r#""""#] {
        assert_eq!(
            full(value, &tenant),
            "image_id must be the UUID of an image."
        );
        assert_eq!(
            full(&image, value),
            "tenant_id_dst must be the UUID of a project, with or without dashes."
        );
    }
    assert_eq!(
        refusal("{}"),
        "image_id is missing: give the UUID of an image."
    );
    assert!(
        refusal(&format!(r#"{{"image_id": {image}}}"#)).starts_with("tenant_id_dst is missing")
    );
}

#[test]
fn unknown_and_repeated_keys_are_refused() {
    let with = |rest: &str| {
        refusal(&format!(
            r#"{{"image_id": "{IMAGE}", "tenant_id_dst": "{TENANT}", {rest}}}"#
        ))
    };
    assert!(with(r#""colour": "red""#).starts_with(r#"Unknown key "colour": "#));
    assert!(with(&format!(r#""image_id": "{IMAGE}""#)).starts_with(r#""image_id" is given more"#));
}

#[test]
fn optional_keys_are_checked_too() {
    let with = |key: &str, value: Value| {
        parse(&json!({"image_id": IMAGE, "tenant_id_dst": TENANT, key: value}))
    };
    let chosen = with("region_id_dst", json!("ot2")).expect("a region");
    assert_eq!(chosen.region, Some(RegionId::new("ot2")));
    let reuse = with("if_identical", json!("reuse")).expect("reuse");
    assert_eq!(reuse.if_identical, IfIdentical::Reuse);
    for value in [
        json!(null),
        json!(1),
        json!(""),
        json!("r".repeat(256)),
        json!("a\nb"),
    ] {
        assert!(with("region_id_dst", value).is_err());
    }
    for value in [json!(null), json!(true), json!("Reuse"), json!("")] {
        assert!(with("if_identical", value).is_err());
    }
}

#[test]
fn the_digest_tells_requests_apart_but_not_their_notation() {
    let plain = parse(&json!({"image_id": IMAGE, "tenant_id_dst": TENANT})).expect("plain");
    let rewritten = format!(
        "{{ \"if_identical\":\"copy\",\n\"tenant_id_dst\":\"{}\", \"image_id\":\"{}\" }}",
        TENANT.to_uppercase(),
        IMAGE.to_uppercase()
    );
    let rewritten = CopyRequest::parse(rewritten.as_bytes()).expect("rewritten");
    assert_eq!(plain.digest(), rewritten.digest());
    assert_eq!(plain.digest().len(), 64);
    let other = parse(&json!({
        "image_id": IMAGE, "tenant_id_dst": TENANT, "region_id_dst": "ot2"
    }))
    .expect("other");
    assert_ne!(plain.digest(), other.digest());
}
