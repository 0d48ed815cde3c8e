//! Byte ranges as RFC 9110 section 14 writes them, in the few forms that Glance takes.

use std::fmt;
use std::str::FromStr;

/// A part of an image's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Position of the first byte, from 0.
    pub first: u64,
    /// Position of the last byte; none: to the end. Glance clips one beyond the end.
    pub last: Option<u64>,
}

/// Which part of what came (`Content-Range: bytes first-last/total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// Position of the first byte.
    pub first: u64,
    /// Position of the last byte.
    pub last: u64,
    /// Size of the whole image.
    pub total: Option<u64>,
}

impl ByteRange {
    /// The first byte alone: the cheapest proof that data may be read.
    pub const FIRST_BYTE: Self = Self {
        first: 0,
        last: Some(0),
    };

    /// Everything from a position on.
    #[must_use]
    pub const fn from(first: u64) -> Self {
        Self { first, last: None }
    }

    /// From a position up to, and without, another one.
    #[must_use]
    pub const fn between(first: u64, end: u64) -> Self {
        Self {
            first,
            last: Some(end.saturating_sub(1)),
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) => write!(f, "bytes={}-{last}", self.first),
            None => write!(f, "bytes={}-", self.first),
        }
    }
}

impl ContentRange {
    /// Number of bytes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether this is what was asked for: same start, and no end beyond the one asked for.
    #[must_use]
    pub fn answers(&self, asked: &ByteRange) -> bool {
        self.first == asked.first && asked.last.is_none_or(|last| self.last <= last)
    }
}

impl FromStr for ContentRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parse = |text: &str| -> Option<Self> {
            let (positions, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
            let (first, last) = positions.split_once('-')?;
            let total = match total {
                "*" => None,
                number => Some(number.parse().ok()?),
            };
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(Self { first, last, total })
        };
        parse(text).ok_or(())
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_and_read() {
        assert_eq!(ByteRange::FIRST_BYTE.to_string(), "bytes=0-0");
        assert_eq!(ByteRange::from(7).to_string(), "bytes=7-");
        let to = |last: u64| ByteRange::between(10, last + 1);
        assert_eq!(to(14).to_string(), "bytes=10-14");
        let range: ContentRange = "bytes 10-14/100".parse().expect("a range");
        assert_eq!((range.length(), range.total), (5, Some(100)));
        assert!(range.answers(&to(14)));
        assert!(!range.answers(&to(13)));
        assert!(!range.answers(&ByteRange::from(9)));
        for nonsense in [
            "",
            "bytes */100",
            "bytes 5-4/9",
            "items 0-1/2",
            "bytes 0-x/2",
        ] {
            assert_eq!(nonsense.parse::<ContentRange>(), Err(()), "{nonsense}");
        }
    }
}
