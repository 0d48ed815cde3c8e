//! What is done to bytes so that they become others that are much like them.

use proptest::prelude::*;

/// What is done to bytes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Other bytes from here on, as many as there are.
    Overwrite(prop::sample::Index, Vec<u8>),
    /// More bytes here.
    Insert(prop::sample::Index, Vec<u8>),
    /// Less bytes from here on.
    Remove(prop::sample::Index, usize),
    /// A part of them once more, as often as this.
    Repeat(prop::sample::Index, usize, usize),
    /// The rest is that of another seed.
    Splice(prop::sample::Index, prop::sample::Index),
}

/// Any of them.
pub(crate) fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let telling = prop::sample::select(vec![
        "\"",
        "{",
        "}",
        "[",
        "null",
        "-1",
        "1e999",
        "\\u0000",
        "\\ud800",
        "\0",
        "\n",
        "*/0",
        "99999999999999999999",
        "é",
        "٣",
        "=",
        "&",
        "%00",
        "%ff",
        "+",
        "<hr>",
        "</h1>",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let bytes = prop_oneof![telling, prop::collection::vec(any::<u8>(), 0..8)];
    prop_oneof![
        (place(), bytes.clone()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        (place(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (place(), 1..16_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (place(), 1..16_usize, 1..300_usize)
            .prop_map(|(at, size, times)| Change::Repeat(at, size, times)),
        (place(), place()).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

/// Does one of them; what is spliced in comes from `seeds`.
pub(crate) fn apply(bytes: &mut Vec<u8>, change: &Change, seeds: &[Vec<u8>]) {
    let end = bytes.len();
    match change {
        Change::Overwrite(at, new) => {
            let at = at.index(end + 1);
            let until = end.min(at + new.len());
            bytes.splice(at..until, new.iter().copied());
        }
        Change::Insert(at, new) => {
            let at = at.index(end + 1);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = at.index(end + 1);
            bytes.drain(at..end.min(at + count));
        }
        Change::Repeat(at, size, times) => {
            let at = at.index(end + 1);
            let part = bytes[at..end.min(at + size)].repeat(*times);
            bytes.splice(at..at, part);
        }
        Change::Splice(at, other) => {
            let other = &seeds[other.index(seeds.len())];
            let at = at.index(end + 1);
            bytes.truncate(at);
            bytes.extend(other.iter().skip(at));
        }
    }
}
