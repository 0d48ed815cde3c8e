//! Whether two images hold the same bytes, judged by what both sides' Glances say of them. Pure.
//!
//! Strongest proof first: equal multihashes; else a hash that the worker computed; else md5
//! `checksum`, the last resort for old images. Where nothing that is known can be compared, the
//! verdict names the hash that has to be computed from the destination's bytes.

use domain::ImageDigest;

use super::hash::{Algorithm, StreamedHashes};

/// What the comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same bytes.
    Same,
    /// Not the same bytes; says what differs.
    Differs(String),
    /// Read the destination's bytes back: hashed so, they must give this.
    ReadBack {
        algorithm: Algorithm,
        expected: String,
    },
    /// Nothing that both sides know can be compared or computed.
    Incomparable,
}

/// Whether a source of this digest has to be hashed while it is streamed: only one without a
/// multihash, for Glance's own can be compared for free.
pub(crate) fn must_hash_stream(source: &ImageDigest) -> bool {
    multihash(source).is_none()
}

/// Compares the source (as admitted) with the destination (as it is), with the help of the hashes
/// of the stream between them, where they were computed.
pub(crate) fn compare(
    source: &ImageDigest,
    destination: &ImageDigest,
    streamed: Option<&StreamedHashes>,
) -> Verdict {
    if source.size_bytes != destination.size_bytes {
        return Verdict::Differs(format!(
            "the source has {} bytes, the copy {}",
            source.size_bytes, destination.size_bytes
        ));
    }
    if let Some((algorithm, expected)) = multihash(source) {
        return against_multihash(algorithm, expected, source, destination);
    }
    match (streamed, &source.checksum) {
        (Some(streamed), Some(checksum)) if !same_hex(checksum, &streamed.md5) => Verdict::Differs(
            "the bytes that were read do not have the source's md5 checksum".to_owned(),
        ),
        (Some(streamed), _) => against_stream(streamed, destination),
        (None, Some(checksum)) => match &destination.checksum {
            Some(found) => equal("md5 checksum", checksum, found),
            None => Verdict::ReadBack {
                algorithm: Algorithm::Md5,
                expected: checksum.clone(),
            },
        },
        (None, None) => Verdict::Incomparable,
    }
}

fn against_multihash(
    algorithm: &str,
    expected: &str,
    source: &ImageDigest,
    destination: &ImageDigest,
) -> Verdict {
    if let Some((found_algorithm, found)) = multihash(destination)
        && found_algorithm.eq_ignore_ascii_case(algorithm)
    {
        return equal(algorithm, expected, found);
    }
    if let Some(algorithm) = Algorithm::named(algorithm) {
        return Verdict::ReadBack {
            algorithm,
            expected: expected.to_owned(),
        };
    }
    match (&source.checksum, &destination.checksum) {
        (Some(expected), Some(found)) => equal("md5 checksum", expected, found),
        (Some(_), None) | (None, Some(_) | None) => Verdict::Incomparable,
    }
}

fn against_stream(streamed: &StreamedHashes, destination: &ImageDigest) -> Verdict {
    if let Some((algorithm, found)) = multihash(destination)
        && Algorithm::named(algorithm) == Some(Algorithm::Sha512)
    {
        return equal("sha512", &streamed.sha512, found);
    }
    match &destination.checksum {
        Some(found) => equal("md5 checksum", &streamed.md5, found),
        None => Verdict::ReadBack {
            algorithm: Algorithm::Sha512,
            expected: streamed.sha512.clone(),
        },
    }
}

fn equal(what: &str, expected: &str, found: &str) -> Verdict {
    if same_hex(expected, found) {
        Verdict::Same
    } else {
        Verdict::Differs(format!("the {what} differs: {expected} and {found}"))
    }
}

pub(super) fn same_hex(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn multihash(digest: &ImageDigest) -> Option<(&str, &str)> {
    let algorithm = digest.os_hash_algo.as_deref()?;
    let value = digest.os_hash_value.as_deref()?;
    (!algorithm.is_empty() && !value.is_empty()).then_some((algorithm, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(checksum: Option<&str>, multihash: Option<(&str, &str)>) -> ImageDigest {
        ImageDigest {
            size_bytes: 9,
            checksum: checksum.map(str::to_owned),
            os_hash_algo: multihash.map(|(algorithm, _)| algorithm.to_owned()),
            os_hash_value: multihash.map(|(_, value)| value.to_owned()),
        }
    }

    fn read_back(algorithm: Algorithm, expected: &str) -> Verdict {
        Verdict::ReadBack {
            algorithm,
            expected: expected.to_owned(),
        }
    }

    #[test]
    fn images_are_compared_by_the_strongest_proof_there_is() {
        let streamed = StreamedHashes {
            md5: "a1".to_owned(),
            sha512: "b2".to_owned(),
        };
        let differs = Verdict::Differs(String::new());
        let (sha512, sha256, blake) = (
            Some(("sha512", "b2")),
            Some(("sha256", "c3")),
            Some(("blake2b", "d4")),
        );
        for (name, source, destination, streamed, expected) in [
            (
                "equal multihashes",
                digest(None, sha512),
                digest(None, Some(("SHA512", "B2"))),
                None,
                Verdict::Same,
            ),
            (
                "other multihash, same md5",
                digest(Some("a1"), sha512),
                digest(Some("a1"), Some(("sha512", "ff"))),
                None,
                differs.clone(),
            ),
            (
                "other algorithm",
                digest(Some("a1"), sha512),
                digest(Some("a1"), sha256),
                None,
                read_back(Algorithm::Sha512, "b2"),
            ),
            (
                "no multihash at the copy",
                digest(None, sha256),
                digest(Some("a1"), None),
                None,
                read_back(Algorithm::Sha256, "c3"),
            ),
            (
                "unknown algorithm, md5 left",
                digest(Some("a1"), blake),
                digest(Some("a1"), sha512),
                None,
                Verdict::Same,
            ),
            (
                "unknown algorithm, other md5",
                digest(Some("a2"), blake),
                digest(Some("a1"), sha512),
                None,
                differs.clone(),
            ),
            (
                "unknown algorithm, nothing left",
                digest(None, blake),
                digest(Some("a1"), sha512),
                None,
                Verdict::Incomparable,
            ),
            (
                "unknown but equal algorithm",
                digest(None, blake),
                digest(None, blake),
                None,
                Verdict::Same,
            ),
            (
                "old source, streamed",
                digest(Some("a1"), None),
                digest(None, sha512),
                Some(&streamed),
                Verdict::Same,
            ),
            (
                "old source, read wrongly",
                digest(Some("a2"), None),
                digest(None, sha512),
                Some(&streamed),
                differs.clone(),
            ),
            (
                "old source, written wrongly",
                digest(Some("a1"), None),
                digest(None, Some(("sha512", "ff"))),
                Some(&streamed),
                differs.clone(),
            ),
            (
                "old source, other algorithm there",
                digest(Some("a1"), None),
                digest(Some("a1"), sha256),
                Some(&streamed),
                Verdict::Same,
            ),
            (
                "old source, no md5 there",
                digest(Some("a1"), None),
                digest(None, sha256),
                Some(&streamed),
                read_back(Algorithm::Sha512, "b2"),
            ),
            (
                "source without any hash",
                digest(None, None),
                digest(None, sha512),
                Some(&streamed),
                Verdict::Same,
            ),
            (
                "leftover of an old source",
                digest(Some("a1"), None),
                digest(Some("a1"), sha512),
                None,
                Verdict::Same,
            ),
            (
                "leftover without md5",
                digest(Some("a1"), None),
                digest(None, sha512),
                None,
                read_back(Algorithm::Md5, "a1"),
            ),
            (
                "leftover of a source without any hash",
                digest(None, None),
                digest(Some("a1"), sha512),
                None,
                Verdict::Incomparable,
            ),
        ] {
            let found = match compare(&source, &destination, streamed) {
                Verdict::Differs(_) => differs.clone(),
                other => other,
            };
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn another_size_is_another_image_whatever_the_hashes_say() {
        let source = digest(Some("a1"), Some(("sha512", "b2")));
        let empty = ImageDigest {
            size_bytes: 0,
            ..source.clone()
        };
        let Verdict::Differs(why) = compare(&source, &empty, None) else {
            panic!("an empty copy passed");
        };
        assert_eq!(why, "the source has 9 bytes, the copy 0");
    }

    #[test]
    fn only_a_source_without_multihash_is_hashed_on_the_way() {
        assert!(!must_hash_stream(&digest(None, Some(("sha256", "c3")))));
        assert!(must_hash_stream(&digest(Some("a1"), None)));
        assert!(must_hash_stream(&digest(None, Some(("sha512", "")))));
    }
}
