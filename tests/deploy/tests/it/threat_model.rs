//! `docs/security.md`: every test that it names exists, and every row of a boundary names one.

use deploy_checks::repository;
use deploy_checks::threat_model::{self, Held};

#[test]
fn every_test_that_is_named_exists_and_every_threat_is_held_by_one() {
    let page = repository::read("docs/security.md").expect("it is there");
    let rows = threat_model::rows(&page);
    assert!(rows.len() > 30, "the tables are read: {rows:#?}");
    let complaints = threat_model::complaints(&rows, |path| repository::read(path).ok());
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn a_page_that_promises_too_much_is_found_out() {
    let page = |held_by: &str| {
        format!(
            "| who | is trusted with |\n|---|---|\n| callers | nothing |\n\n\
             | somebody could try | what keeps it from working | held by |\n|---|---|---|\n\
             | to forge | a check | {held_by} |\n"
        )
    };
    let file = "#[test]\nfn stands() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n#[allow(dead_code)]\nasync fn stands_too() {}\n\n#[test]\n#[ignore]\nfn sleeps() {}\n\nfn helps() {}\n";
    let complaints = |held_by: &str| {
        let rows = threat_model::rows(&page(held_by));
        assert_eq!(rows.len(), 1);
        let read = |path: &str| (path == "tests/it.rs").then(|| file.to_owned());
        threat_model::complaints(&rows, read)
    };
    assert_eq!(complaints("[stands](../tests/it.rs)"), [""; 0]);
    let both = "[stands](../tests/it.rs), [stands_too](../tests/it.rs)";
    assert_eq!(complaints(both), [""; 0]);
    for (held_by, expected) in [
        ("", "to forge: no test is named"),
        ("the [code](../src/lib.md)", "to forge: no test is named"),
        (
            "[gone](../tests/it.rs)",
            "to forge: tests/it.rs has no test `gone`",
        ),
        (
            "[sleeps](../tests/it.rs)",
            "to forge: tests/it.rs has no test `sleeps`",
        ),
        (
            "[helps](../tests/it.rs)",
            "to forge: tests/it.rs has no test `helps`",
        ),
        (
            "[stand](../tests/it.rs)",
            "to forge: tests/it.rs has no test `stand`",
        ),
        (
            "[stands](../tests/no.rs)",
            "to forge: there is no tests/no.rs",
        ),
    ] {
        assert_eq!(complaints(held_by), [expected], "{held_by}");
    }
    let rows = threat_model::rows(&page("[stands](../tests/it.rs)"));
    let expected = Held {
        test: "stands".to_owned(),
        file: "tests/it.rs".to_owned(),
    };
    assert_eq!(rows[0].held_by, [expected]);
}
