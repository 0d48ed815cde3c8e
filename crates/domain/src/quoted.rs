//! Repeats a caller's own words in a message without letting them break it.

/// Longest part of a text that is repeated.
const LONGEST: usize = 64;

/// The text in double quotes, cut to a readable length, control characters escaped: it can neither
/// forge a line of a message nor flood it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_on_their_line() {
        assert_eq!(quoted("colour"), r#""colour""#);
        assert_eq!(quoted("a\r\nb\"c"), r#""a\r\nb\"c""#);
        assert_eq!(
            quoted(&"é".repeat(1000)),
            format!("\"{}…\"", "é".repeat(LONGEST))
        );
    }
}
