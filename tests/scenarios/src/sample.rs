//! Compares an answer with the sample that documents it.
//!
//! The same keys, lists of the same length, and every value the same, but for what differs from cloud to cloud: an id,
//! a time or an address in the sample stands for any of its kind.

use serde_json::{Number, Value};

/// What a text is.
#[derive(Debug, PartialEq)]
enum Kind<'a> {
    /// 32 hex digits, with dashes or without.
    Id,
    Time,
    /// Of this path, in which ids stand for others.
    Address(Vec<Kind<'a>>),
    Literal(&'a str),
}

/// Says where an answer is not what the sample promises.
///
/// # Errors
/// The first difference.
pub fn compare(sample: &Value, answer: &Value) -> Result<(), String> {
    match (sample, answer) {
        (Value::Object(sample), Value::Object(answer)) => {
            let (expected, found): (Vec<_>, Vec<_>) =
                (sample.keys().collect(), answer.keys().collect());
            if expected != found {
                return Err(format!("the keys are {found:?}, not {expected:?}"));
            }
            sample.iter().try_for_each(|(key, value)| {
                compare(value, &answer[key]).map_err(|why| format!("{key}: {why}"))
            })
        }
        (Value::Array(sample), Value::Array(answer)) if sample.len() == answer.len() => sample
            .iter()
            .zip(answer)
            .try_for_each(|(sample, answer)| compare(sample, answer)),
        (Value::String(sample), Value::String(answer)) if kind(sample) == kind(answer) => Ok(()),
        (Value::Number(sample), Value::Number(answer)) if is_epoch(sample) && is_epoch(answer) => {
            Ok(())
        }
        _ if sample == answer => Ok(()),
        _ => Err(format!("{answer} instead of {sample}")),
    }
}

/// Says where a text is not what the sample promises: line by line the same words, but for ids, times and workers
/// (`host/process`), each of which stands for any of its kind.
///
/// # Errors
/// The first difference.
pub fn compare_text(sample: &str, answer: &str) -> Result<(), String> {
    let (wanted, found): (Vec<_>, Vec<_>) = (
        sample.trim().lines().collect(),
        answer.trim().lines().collect(),
    );
    for (wanted, found) in wanted.iter().zip(&found) {
        let (words, others): (Vec<_>, Vec<_>) = (
            wanted.split_whitespace().collect(),
            found.split_whitespace().collect(),
        );
        let same = words.iter().zip(&others).all(|(a, b)| is_same_word(a, b));
        if words.len() != others.len() || !same {
            return Err(format!("{found:?} instead of {wanted:?}"));
        }
    }
    if wanted.len() == found.len() {
        Ok(())
    } else {
        Err(format!("{} lines, not {}", found.len(), wanted.len()))
    }
}

fn is_same_word(sample: &str, answer: &str) -> bool {
    let bare = |word: &str| word.trim_end_matches([',', ';', ':']).to_owned();
    let (wanted, found) = (bare(sample), bare(answer));
    let is_worker = |word: &str| {
        let process = word.rsplit_once('/').map(|(_, process)| process);
        process.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let ends = |word: &str, bare: &str| word[bare.len()..].to_owned();
    let parts = |word: &str| word.split('/').count();
    let same_parts = parts(&wanted) == parts(&found)
        && wanted
            .split('/')
            .zip(found.split('/'))
            .all(|(a, b)| kind(a) == kind(b));
    ends(sample, &wanted) == ends(answer, &found)
        && (same_parts || (is_worker(&wanted) && is_worker(&found)))
}

/// Whether a number can only be a time: seconds since 1970.
fn is_epoch(number: &Number) -> bool {
    number
        .as_u64()
        .is_some_and(|seconds| seconds > 1_500_000_000)
}

fn kind(text: &str) -> Kind<'_> {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if text.len() >= 32 && is_hex(&text.replace('-', "")) {
        return Kind::Id;
    }
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.split('/').skip(1);
        return Kind::Address(path.map(kind).collect());
    }
    let is_time = text.len() >= 19
        && text
            .bytes()
            .enumerate()
            .take(19)
            .all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                10 => byte == b'T',
                13 | 16 => byte == b':',
                _ => byte.is_ascii_digit(),
            });
    if is_time {
        Kind::Time
    } else {
        Kind::Literal(text)
    }
}

#[test]
fn ids_times_and_addresses_are_any_and_all_else_is_literal() {
    use serde_json::json;

    let sample = json!({"id": "33911588-c299-4369-a240-7e5b741cdb6a", "at": "2027-03-01T04:30:00Z",
        "url": "http://a:1/v2/236ae314ef6944f4ab98fa7519e54325/images", "n": 1, "epoch": 1_795_315_900, "s": "error", "list": [null]});
    let change = |key: &str, value: Value| {
        let mut answer = sample.clone();
        answer[key] = value;
        compare(&sample, &answer)
    };
    for (key, value, is_same) in [
        ("id", json!("00000000-c299-4369-a240-7e5b741cdb6a"), true),
        ("id", json!("none"), false),
        ("id", json!(null), false),
        ("at", json!("2031-12-01T00:00:00.123Z"), true),
        ("at", json!("soon"), false),
        (
            "url",
            json!("https://b/v2/00000000ef6944f4ab98fa7519e54325/images"),
            true,
        ),
        (
            "url",
            json!("http://a:1/v2/236ae314ef6944f4ab98fa7519e54325/image"),
            false,
        ),
        ("n", json!(2), false),
        ("epoch", json!(1_800_000_000), true),
        ("epoch", json!(-1), false),
        ("s", json!("replicated"), false),
        ("list", json!([null]), true),
        ("list", json!([]), false),
        ("more", json!(1), false),
    ] {
        assert_eq!(
            change(key, value.clone()).is_ok(),
            is_same,
            "{key}: {value}"
        );
    }
}

#[test]
fn tables_are_compared_word_by_word() {
    let id = "33911588-c299-4369-a240-7e5b741cdb6a";
    let sample = format!("JOB  WORKER\n{id}  node-7/41  ot1/{id}, since 2027-03-01T04:30:00Z\n");
    let same = format!(
        "JOB   WORKER\n{}  vm/9  ot1/{}, since 2031-03-01T04:30:00Z",
        id.replace('3', "0"),
        id.replace('3', "9")
    );
    assert_eq!(compare_text(&sample, &same), Ok(()));
    for (from, to) in [
        ("WORKER", "WORKERS"),
        ("vm/9", "vm/none"),
        ("ot1/", "ot2/"),
        (", since", " since"),
        ("since", "since when"),
        ("vm/9", "vm/9\n"),
    ] {
        let other = same.replacen(from, to, 1);
        assert!(compare_text(&sample, &other).is_err(), "{other}");
    }
}
